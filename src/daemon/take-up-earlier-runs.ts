/** Goes on where an earlier daemon was killed, or was ended with runs under way. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Clock } from '../util/clock.ts';
import { type Message, messagesOf } from './alarms-of-runs.ts';
import { findEarlierRuns, type EarlierRuns, type EndedRun } from './earlier-runs.ts';
import type { Ledger } from './due-times.ts';
import { judgeRun } from './judge-run.ts';
import type { RunOutcome } from './run.ts';
import type { Scheduler } from './scheduler.ts';

export interface TakeUpParts {
  readonly catalog: Catalog;
  readonly configuration: Configuration;
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly tell: (message: Message) => void;
  /** When an earlier daemon was last alive; undefined where there was none. */
  readonly lastAlive: Date | undefined;
}

export interface EarlierWork {
  /** Looks whether what goes on has ended. Throws what the catalog throws. */
  look(): void;
}

/** A run that ends the machine each time is not made for ever. */
const mostTimes = 3;

/** Throws what the catalog throws. */
export function takeUpEarlierRuns(parts: TakeUpParts): EarlierWork {
  const { catalog, configuration, scheduler, ledger } = parts;
  const earlier = findEarlierRuns(catalog, configuration.file, scheduler.jobs, parts.clock.now());
  for (const [jobId, due] of earlier.served) {
    const { lastDueRun } = ledger.see(jobId);
    if (lastDueRun === undefined || lastDueRun < due) ledger.served(jobId, due);
  }
  for (const pid of earlier.receivers) end(pid);
  for (const { job } of earlier.goingOn) scheduler.hold(job.id);
  retry(parts, earlier.interrupted);
  for (const run of earlier.ended) judge(parts, run, parts.lastAlive !== undefined && isAfter(run, parts.lastAlive));
  let waiting = new Set(earlier.goingOn.map(({ job }) => job.id));
  return {
    look: () => {
      if (waiting.size === 0) return;
      const now = findEarlierRuns(catalog, configuration.file, scheduler.jobs, parts.clock.now());
      const goesOn = new Set(now.goingOn.map(({ job }) => job.id));
      const over = [...waiting].filter((jobId) => !goesOn.has(jobId));
      waiting = new Set([...waiting].filter((jobId) => goesOn.has(jobId)));
      for (const jobId of over) scheduler.release(jobId);
      retry(
        parts,
        now.interrupted.filter(({ job }) => over.includes(job.id)),
      );
      for (const run of now.ended) if (run.jobs.some(({ id }) => over.includes(id))) judge(parts, run, true);
    },
  };
}

function isAfter({ record: { ended } }: EndedRun, moment: Date): boolean {
  return ended !== undefined && ended > moment;
}

/** Tells how it ended where no daemon saw it, and tries again what the one that saw it would have tried again. */
function judge({ scheduler, configuration, clock, tell }: TakeUpParts, { record, jobs, attempt }: EndedRun, isUnseen: boolean): void {
  const [first] = jobs;
  if (first === undefined) return;
  const { due, exit, error } = record;
  const served = jobs.map((job) => ({ job, ...(due === undefined ? {} : { due }) }));
  const components = [...new Set(jobs.flatMap((job) => job.components))];
  const { kind, repository } = first;
  const about = { id: record.id, kind, served, words: [], components, ...(repository === undefined ? {} : { repository }) };
  const run = { ...about, trigger: 'schedule' as const, attempt };
  const outcome: RunOutcome = { ...(exit === undefined ? {} : { status: exit }), ...(error === undefined ? {} : { error }), problems: [] };
  const judgement = judgeRun(run, outcome, false);
  const seconds = Math.max(0, ((record.ended ?? record.began).getTime() - record.began.getTime()) / 1000);
  if (isUnseen)
    for (const message of messagesOf(
      { type: 'ended', run, outcome, judgement, seconds },
      { application: configuration.application, now: clock.now() },
    ))
      tell(message);
  if (judgement.againInMs === undefined) return;
  for (const job of jobs) scheduler.request(job.id, { attempt: attempt + 1, ...(due === undefined ? {} : { due }) });
}

function retry({ scheduler, configuration, clock, tell }: TakeUpParts, interrupted: EarlierRuns['interrupted']): void {
  for (const { job, times, due } of interrupted) {
    const again = times < mostTimes;
    tell({
      raise: {
        key: again ? `daemon:interrupted:${job.id}` : `failure:${job.id}`,
        event: again ? 'daemon' : 'failure',
        severity: again ? 'info' : 'critical',
        application: configuration.application,
        title: `A run of ${job.id} was interrupted${again ? ', and is made again' : ` ${times} times in a row`}`,
        text: again
          ? 'holdfast or this machine was ended in the middle of it. What was saved is kept, and not sent again.'
          : 'holdfast or this machine was ended in the middle of it each time. It is not tried again before it is due: look at the memory of this machine and its log.',
        facts: { job: job.id },
        at: clock.now(),
      },
    });
    if (again) scheduler.request(job.id, { attempt: times + 1, ...(due === undefined ? {} : { due }) });
  }
}

/* Two receivers of one server stand in each other's way. It was looked up a moment ago that this process is that run. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has just ended.
  }
}
