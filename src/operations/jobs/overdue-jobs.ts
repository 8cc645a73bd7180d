/** What the history of this host says of its jobs: those that did not run when they were due, and runs that do not end. Pure. */
import type { RunRecord } from '../../catalog/run-record.ts';
import type { Alarm } from '../../observe/notify/alarm.ts';
import { lastDue, nextDue } from '../../policy/schedule.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import { nameOfJob } from './name-job.ts';
import type { PlannedJob } from './plan-jobs.ts';

export interface JobHistory {
  readonly application: string;
  readonly now: Date;
  readonly jobs: readonly PlannedJob[];
  /** Of this configuration on this host, the newest first. Those whose process is gone are marked as interrupted. */
  readonly runs: readonly RunRecord[];
}

/** The beginning of the keys of these alarms; a run that succeeds ends the one of its job. */
export const overduePrefix = 'missed:';

const graceMs = 3_600_000;
/** Looking for changes a few hours later is no harm. */
const graceOfLooksMs = 6 * 3_600_000;
/** Runs that a clock began which was ahead say nothing of what came after them. */
const clockSlackMs = 25 * 3_600_000;

/**
 * Jobs whose last due time nobody served, where no daemon watches over them: the line of a crontab is gone, or a timer does not fire.
 * @param addedOf when a job was first looked at: what was due before is not missed
 */
export function alarmsOfOverdue(history: JobHistory, addedOf: (job: PlannedJob) => Date): readonly Alarm[] {
  const { now, jobs } = history;
  return jobs.flatMap((job) => {
    const due = lastDue(job.schedule, new Date(now.getTime() - graceOf(job)));
    const newest = newestOf(job, history);
    // A run that goes on is for `alarmsOfEndless` to judge.
    if (due === undefined || due <= addedOf(job) || newest?.status === 'running') return [];
    if (newest !== undefined && newest.began.getTime() >= due.getTime() - clockToleranceMs) return [];
    const last = newest === undefined ? 'No run of it is known' : `Its last run began at ${newest.began.toISOString()}`;
    return [
      alarmOf(
        job,
        history,
        'was not run when it was due',
        `It was due at ${due.toISOString()}, and at ${now.toISOString()} it had not begun. ${last}. Whatever starts it on this machine does not: look for its line in the crontab, its timer or its task, and put it back with: holdfast schedule install`,
      ),
    ];
  });
}

/** Two clocks that start and note the same run are not the same to the second. */
const clockToleranceMs = 60_000;

/** Jobs that were due again while a run of theirs still goes on: it hangs, or takes longer than its schedule has room for. */
export function alarmsOfEndless(history: JobHistory): readonly Alarm[] {
  const { now, jobs } = history;
  return jobs.flatMap((job) => {
    const newest = newestOf(job, history);
    if (newest?.status !== 'running') return [];
    const due = nextDue(job.schedule, newest.began);
    if (due === undefined || now.getTime() - due.getTime() < graceOf(job)) return [];
    const since = sayDuration(now.getTime() - newest.began.getTime());
    return [
      alarmOf(
        job,
        history,
        'does not end',
        `It began at ${newest.began.toISOString()}, ${since} ago, and goes on in process ${newest.pid}, although it was due again at ${due.toISOString()}. Until it ends this job does not begin anew. Look what it waits for (a hook, a lock in the database, a place that does not answer), and end it where it waits in vain: kill ${newest.pid}`,
      ),
    ];
  });
}

function alarmOf(job: PlannedJob, { application, now }: JobHistory, what: string, text: string): Alarm {
  const [component, ...more] = job.components;
  return {
    key: `${overduePrefix}${job.id}`,
    event: 'missed',
    severity: 'warning',
    application,
    ...(component === undefined || more.length > 0 ? {} : { component }),
    title: `${nameOfJob(job)} ${what}`,
    text,
    facts: { job: job.id },
    at: now,
  };
}

/** A delay of its own is decided by whoever starts it. */
function graceOf({ schedule }: PlannedJob): number {
  return (schedule.jitterMs ?? 0) + (schedule.onChange === true ? graceOfLooksMs : graceMs);
}

function newestOf(job: PlannedJob, { runs, now }: JobHistory): RunRecord | undefined {
  return runs.find((run) => run.began.getTime() < now.getTime() + clockSlackMs && serves(run, job));
}

/** What somebody started who knows of no jobs counts where it does the same. */
function serves(run: RunRecord, { id, kind, components }: PlannedJob): boolean {
  if (run.job !== undefined) return run.job.split(',').includes(id);
  if (run.kind !== kind || kind === 'drill' || kind === 'archive') return false;
  return run.components.length === 0 || components.every((component) => run.components.includes(component));
}
