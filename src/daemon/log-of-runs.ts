/** What the daemon prints: a line, or with --json a record, for each thing that happens. Pure. */
import type { SchedulerEvent } from './scheduler.ts';
import type { WalEvent } from './wal-streams.ts';

export interface LogLine {
  readonly record: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export function lineOf(event: SchedulerEvent, now: Date): LogLine {
  const time = now.toISOString();
  if (event.type === 'missed') {
    const { job, due, upTo, skipped } = event;
    const record = { message_type: 'missed', time, job: job.id, due: due.toISOString(), up_to: upTo.toISOString(), skipped };
    return { record, text: `${time} missed ${job.id}, due at ${due.toISOString()}` };
  }
  const { run } = event;
  const jobs = run.served.map(({ job }) => job.id);
  const due = run.served.map((served) => served.due?.toISOString() ?? null);
  const about = { time, run: run.id, jobs, due, trigger: run.trigger, attempt: run.attempt };
  if (event.type === 'started')
    return { record: { message_type: 'run_started', ...about, words: run.words }, text: `${time} begin  holdfast ${run.words.join(' ')}` };
  const { outcome, judgement, seconds } = event;
  const again = judgement.againInMs === undefined ? {} : { again_in_seconds: Math.round(judgement.againInMs / 1000) };
  const said = outcome.error?.message ?? outcome.problems[0];
  const record = {
    message_type: 'run_ended',
    ...about,
    verdict: judgement.verdict,
    ...(outcome.status === undefined ? {} : { exit: outcome.status }),
    seconds,
    ...again,
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
  };
  return {
    record,
    text: `${time} ${judgement.verdict.padEnd(6)} holdfast ${run.words.join(' ')} (${Math.round(seconds)} s)${said === undefined ? '' : `: ${said}`}`,
  };
}

export function lineOfWal(event: WalEvent, now: Date): LogLine {
  const time = now.toISOString();
  const { type, component } = event;
  const record = { message_type: type === 'well' ? 'wal_well' : 'wal_failing', time, component };
  const reason =
    type === 'well' ? '' : `: ${event.outcome.error?.message ?? `status ${event.outcome.status ?? event.outcome.signal ?? '?'}`}`;
  return { record, text: `${time} write-ahead log of ${component} ${type === 'well' ? 'is received again' : 'is not received'}${reason}` };
}
