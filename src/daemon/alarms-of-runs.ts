/** What people are told of runs: an alarm for each job that is in trouble, its end when the job is well again, and pings. Pure. */
import { nameOfJob, nameOfWork } from '../operations/jobs/name-job.ts';
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import { formatDuration } from '../util/quantities.ts';
import type { Run, RunOutcome } from './run.ts';
import type { SchedulerEvent } from './scheduler.ts';
import type { WalEvent } from './wal-streams.ts';

/** What the notifier is to do. */
export type Message = { readonly raise: Alarm } | { readonly resolve: string; readonly text: string };

export interface AlarmContext {
  readonly application: string;
  readonly now: Date;
}

/** In the order in which they are to be told. */
export function messagesOf(event: SchedulerEvent, context: AlarmContext): readonly Message[] {
  switch (event.type) {
    case 'started':
      return event.run.attempt > 1 ? [] : [{ raise: startOf(event.run, context) }];
    case 'missed':
      return [{ raise: missedOf(event, context) }];
    case 'ended':
      return messagesOfEnd(event, context);
  }
}

/** What the receiver of a server's log is told of. */
export function messageOfWal(event: WalEvent, { application, now }: AlarmContext): Message {
  const { component } = event;
  const key = `failure:wal:${component}`;
  if (event.type === 'well') return { resolve: key, text: `The write-ahead log of ${component} is received again.` };
  return {
    raise: {
      key,
      event: 'failure',
      severity: 'critical',
      application,
      component,
      title: `The write-ahead log of ${component} is not received`,
      text: `The receiver ended ${event.failures} times in a row: ${reasonOf(event.outcome)} It is started again with pauses of up to 5 minutes. Until then what is written is kept by the server alone, and its disk fills up.`,
      facts: {},
      at: now,
    },
  };
}

type Ended = Extract<SchedulerEvent, { type: 'ended' }>;

function messagesOfEnd({ run, outcome, judgement, seconds }: Ended, context: AlarmContext): readonly Message[] {
  const { verdict, againInMs } = judgement;
  if (verdict === 'done') {
    return [
      ...run.served.flatMap(({ job }) =>
        ['failure', 'missed', 'lock'].map((event) => ({ resolve: keyOf(event, job), text: `${titleOf(run)} succeeded.` })),
      ),
      { raise: successOf(run, outcome, seconds, context) },
    ];
  }
  // What is tried again is not told yet where it is nobody's fault.
  if ((verdict === 'locked' || verdict === 'interrupted') && againInMs !== undefined) return [];
  return run.served.map(({ job }) => ({ raise: failureOf({ run, outcome, judgement, seconds, type: 'ended' }, job, context) }));
}

function failureOf({ run, outcome, judgement }: Ended, job: PlannedJob, context: AlarmContext): Alarm {
  const { verdict, againInMs } = judgement;
  const event = verdict === 'locked' ? 'lock' : verdict === 'disproved' && run.kind === 'drill' ? 'drill' : 'failure';
  const what = { partial: 'is incomplete', disproved: 'found what must not be', locked: 'found the repository locked' };
  const again = againInMs === undefined ? '' : ` It is tried again in ${formatDuration(againInMs)}.`;
  const problems = outcome.problems.map((problem) => `\n- ${problem}`).join('');
  return {
    // A drill that fails and one that disproves are the same trouble: that drill.
    key: keyOf(event === 'lock' ? 'lock' : 'failure', job),
    event,
    severity: verdict === 'partial' || verdict === 'locked' || run.kind === 'prune' ? 'warning' : 'critical',
    ...aboutOf(run, context),
    title: `${titleOf(run)} ${verdict === 'failed' || verdict === 'interrupted' ? verdict.replace('interrupted', 'was interrupted') : what[verdict === 'done' ? 'partial' : verdict]}`,
    text: `${reasonOf(outcome, run.kind)}${problems}${again}`,
    facts: factsOf(run, outcome),
  };
}

function startOf(run: Run, context: AlarmContext): Alarm {
  return noteOf('start', `${titleOf(run)} begins`, run, context);
}

function successOf(run: Run, outcome: RunOutcome, seconds: number, context: AlarmContext): Alarm {
  const facts = { ...factsOf(run, outcome), seconds: String(Math.round(seconds)) };
  return { ...noteOf('success', `${titleOf(run)} succeeded`, run, context), facts };
}

function noteOf(event: 'start' | 'success', title: string, run: Run, context: AlarmContext): Alarm {
  const key = `${event}:${run.served[0]?.job.id ?? run.kind}`;
  return { key, event, severity: 'info', ...aboutOf(run, context), title, text: `${title}.`, facts: factsOf(run, { problems: [] }) };
}

function missedOf({ job, due, upTo, skipped }: Extract<SchedulerEvent, { type: 'missed' }>, { application, now }: AlarmContext): Alarm {
  const [component, ...more] = job.components;
  const follows = skipped ? 'Its schedule says that it is not caught up: it runs at its next time.' : 'It runs as soon as it can.';
  return {
    key: keyOf('missed', job),
    event: 'missed',
    severity: 'warning',
    application,
    ...(component === undefined || more.length > 0 ? {} : { component }),
    title: `${nameOfJob(job)} was not run when it was due`,
    text: `It was due at ${due.toISOString()}${upTo > due ? `, and again until ${upTo.toISOString()}` : ''}, and at ${now.toISOString()} it had not begun: this machine or holdfast did not run then, or runs took too long. ${follows}`,
    facts: { job: job.id },
    at: now,
  };
}

function aboutOf({ components }: Run, { application, now }: AlarmContext): Pick<Alarm, 'application' | 'component' | 'at'> {
  const [component, ...more] = components;
  return { application, ...(component === undefined || more.length > 0 ? {} : { component }), at: now };
}

function factsOf({ served, components, repository, due }: Run & { readonly due?: Date }, { summary }: RunOutcome): Record<string, string> {
  const point = summary?.['snapshot_id'] ?? summary?.['point'];
  return {
    job: served.map(({ job }) => job.id).join(', '),
    ...(components.length === 0 ? {} : { components: components.join(', ') }),
    ...(repository === undefined ? {} : { repository }),
    ...(due === undefined ? {} : { due: due.toISOString() }),
    ...(typeof point === 'string' ? { point } : {}),
  };
}

function keyOf(event: string, { id }: PlannedJob): string {
  return `${event}:${id}`;
}

function titleOf({ kind, components, repository, served }: Run): string {
  const [first] = served;
  return served.length > 1 || first === undefined ? nameOfWork(kind, components, repository) : nameOfJob(first.job);
}

/** A sentence. */
function reasonOf({ status, signal, error, problems }: RunOutcome, kind?: Run['kind']): string {
  if (error !== undefined && error.message !== '') return `${error.message} ${error.hint}`.trim();
  if (signal !== undefined) return `Its process was ended by ${signal}.`;
  if (problems.length > 0) return kind === 'check' || kind === 'drill' ? 'It found:' : 'Something could not be read:';
  return `It ended with status ${status ?? '?'}. See what it said with: holdfast history`;
}
