/**
 * When something is due. Pure: the time is passed in, and the same question always has the same answer.
 *
 * A due time is a moment that the schedule names; a run *serves* a due time. Daylight saving: a fixed time that does not exist on a day
 * (02:30 in spring) is due once, when the clock has moved on; one that exists twice is due once, the first time. Minutes with a step
 * (every quarter of an hour) go by the time that really passes.
 */
import { createHash } from 'node:crypto';
import { Cron } from 'croner';

/** `cron`, or `everyMs` (which `onChange` has by default). */
export interface Schedule {
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  readonly cron?: string;
  /** Look as often as `everyMs` says, 30 minutes by default, and do something only where something has changed. */
  readonly onChange?: true;
  /** Milliseconds; counted from 1970 in UTC, so that restarts change nothing. */
  readonly everyMs?: number;
  /** Whose hours `cron` means; the machine's by default. */
  readonly timezone?: string;
  /** A run begins up to so many milliseconds after its due time, by a share that only the job's id decides. */
  readonly jitterMs?: number;
  /** Whether a due time that is long past is served at all, once for however many were missed. True by default. */
  readonly catchUp?: boolean;
}

export type JobKind = 'restore' | 'backup' | 'archive' | 'copy' | 'prune' | 'check' | 'drill';

export interface ScheduledJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly schedule: Schedule;
  /** The due time that was served last. */
  readonly lastDueRun?: Date;
  /** When the schedule was first seen: what was due before is not missed. */
  readonly added: Date;
  /** It runs now, so it is not due again. */
  readonly running: boolean;
  /** Among jobs of one kind: smaller ones first. 0 by default. */
  readonly priority?: number;
}

export interface DueJob {
  readonly id: string;
  readonly kind: JobKind;
  /** The newest due time: the one that a run serves, and `lastDueRun` afterwards. */
  readonly due: Date;
  /** How many due times before that were not served, up to 1000. */
  readonly missed: number;
}

const defaultLookMs = 30 * 60_000;
/** Later than this a due time counts as missed. */
const lateMs = 5 * 60_000;
/** A clock that is set back by less than this only waits; see `anchorOf`. */
const farMs = 25 * 3_600_000;
const freshMs = 3_600_000;
const mostMissed = 1000;
const widestWindowMs = 9 * 366 * 86_400_000;
const order: readonly JobKind[] = ['restore', 'backup', 'copy', 'archive', 'drill', 'prune', 'check'];

/** The first due time after a moment; undefined where there is none any more. */
export function nextDue(schedule: Schedule, after: Date): Date | undefined {
  if (schedule.cron !== undefined) return cronOf(schedule.cron, schedule.timezone).nextRun(after) ?? undefined;
  const every = schedule.everyMs ?? defaultLookMs;
  return new Date((Math.floor(after.getTime() / every) + 1) * every);
}

/** The newest due time that is not after `now`; undefined where there was none in the last nine years. */
export function lastDue(schedule: Schedule, now: Date): Date | undefined {
  if (schedule.cron === undefined) {
    const every = schedule.everyMs ?? defaultLookMs;
    return new Date(Math.floor(now.getTime() / every) * every);
  }
  for (let window = 60_000; window < 2 * widestWindowMs; window *= 2) {
    let found = nextDue(schedule, new Date(now.getTime() - window));
    if (found === undefined || found > now) continue;
    // The half of this window that is nearer to now held none: few are left to walk over.
    for (let next = nextDue(schedule, found); next !== undefined && next <= now; next = nextDue(schedule, found)) found = next;
    return found;
  }
  return undefined;
}

/** How many due times lie after `after` and not after `until`; counts no further than `most`. */
export function countDue(schedule: Schedule, after: Date, until: Date, most = mostMissed): number {
  if (schedule.cron === undefined) {
    const every = schedule.everyMs ?? defaultLookMs;
    return Math.min(most, Math.max(0, Math.floor(until.getTime() / every) - Math.floor(after.getTime() / every)));
  }
  let count = 0;
  for (let next = nextDue(schedule, after); next !== undefined && next <= until && count < most; next = nextDue(schedule, next)) count += 1;
  return count;
}

/** How much later than its due times a job begins, in milliseconds: always the same for a job, so that its runs keep their distance. */
export function jitterOf(id: string, { jitterMs = 0 }: Schedule): number {
  if (jitterMs <= 0) return 0;
  const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * jitterMs);
}

/**
 * Which jobs are to be started now, in the order in which they are to be started: restores, backups, copies, archives, drills,
 * maintenance. A job that runs is left out; of several due times that were missed the newest alone is served.
 *
 * The clock may jump. Forward: what was skipped is caught up once. Back by up to 25 hours: a due time that was served is not served
 * again, and nothing is due until the clock has passed it. Back by more, as after a clock that was years ahead: the served due time
 * is not believed, and due times of the last hour and later ones are served again; then at most one is served a second time.
 */
export function decideDue(jobs: readonly ScheduledJob[], now: Date): readonly DueJob[] {
  return jobs
    .flatMap((job) => {
      const due = dueOf(job, now);
      return due === undefined ? [] : [{ ...due, priority: job.priority ?? 0 }];
    })
    .toSorted(
      (a, b) =>
        order.indexOf(a.kind) - order.indexOf(b.kind) ||
        a.priority - b.priority ||
        a.due.getTime() - b.due.getTime() ||
        (a.id < b.id ? -1 : 1),
    )
    .map(({ id, kind, due, missed }) => ({ id, kind, due, missed }));
}

/** When a job may next be started, if it is not running by then: a moment up to which `decideDue` need not be asked about it. */
export function nextStart(job: Pick<ScheduledJob, 'id' | 'schedule' | 'lastDueRun' | 'added'>, now: Date): Date | undefined {
  const jitter = jitterOf(job.id, job.schedule);
  const due = nextDue(job.schedule, anchorOf(job, now));
  if (due === undefined) return undefined;
  const start = new Date(due.getTime() + jitter);
  if (start > now || job.schedule.catchUp !== false) return start;
  // What is long past is not served: the next one, or the one of a moment ago.
  const recent = nextDue(job.schedule, new Date(now.getTime() - jitter - lateMs - 1));
  return recent === undefined ? undefined : new Date(Math.max(recent.getTime(), due.getTime()) + jitter);
}

function dueOf(job: ScheduledJob, now: Date): DueJob | undefined {
  if (job.running) return undefined;
  const { id, kind, schedule } = job;
  const anchor = anchorOf(job, now);
  const begun = new Date(now.getTime() - jitterOf(id, schedule));
  const first = nextDue(schedule, anchor);
  if (first === undefined || first > begun) return undefined;
  const due = lastDue(schedule, begun);
  if (due === undefined || due <= anchor) return undefined;
  if (schedule.catchUp === false && begun.getTime() - due.getTime() > lateMs) return undefined;
  return { id, kind, due, missed: Math.max(0, countDue(schedule, anchor, due) - 1) };
}

/** Due times after this moment are open. */
function anchorOf({ lastDueRun, added }: Pick<ScheduledJob, 'lastDueRun' | 'added'>, now: Date): Date {
  const known = lastDueRun ?? added;
  return known.getTime() - now.getTime() > farMs ? new Date(now.getTime() - freshMs) : known;
}

/* Making one costs more than asking it: those of the last schedules are kept. */
const crons = new Map<string, Cron>();
const mostCrons = 200;

/** Throws a TypeError for what is not five fields: the configuration has looked at them. */
function cronOf(cron: string, timezone: string | undefined): Cron {
  const key = `${cron}\n${timezone ?? ''}`;
  const known = crons.get(key);
  if (known !== undefined) return known;
  if (crons.size >= mostCrons) crons.clear();
  const made = new Cron(cron, {
    mode: '5-part',
    paused: true,
    fixedTimeRule: 'no-wildcard',
    ...(timezone === undefined ? {} : { timezone }),
  });
  crons.set(key, made);
  return made;
}
