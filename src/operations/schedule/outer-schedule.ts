/** What another scheduler than the daemon needs to know about each job. Pure. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Configuration, ScheduleConfiguration } from '../../config/configuration.ts';
import { jitterOf, nextDue, type JobKind } from '../../policy/schedule.ts';
import { formatDuration } from '../../util/quantities.ts';
import { planJobs, type PlannedJob } from '../jobs/plan-jobs.ts';
import { readCron, writeCron, type CronFields } from './cron-fields.ts';

export interface OuterJob {
  /** As the daemon calls it. */
  readonly id: string;
  /** Small letters, digits and dashes, for the names of files and units. */
  readonly slug: string;
  readonly kind: JobKind | 'status';
  /** For people: `backup of database, uploads`. */
  readonly title: string;
  readonly times: CronFields;
  readonly timezone?: string;
  /** The longest delay, and the one of this job. */
  readonly jitterMs: number;
  readonly delayMs: number;
  readonly catchUp: boolean;
  /** The words behind the program. */
  readonly words: readonly string[];
}

export interface OuterSchedule {
  readonly application: string;
  /** The application and its configuration: what all names of its jobs begin with. */
  readonly slug: string;
  /** Absolute path of the configuration. */
  readonly file: string;
  readonly folder: string;
  readonly profile?: string;
  readonly jobs: readonly OuterJob[];
  /** What the other scheduler cannot do as it is written. */
  readonly notes: readonly string[];
}

const day = 86_400_000;
const minute = 60_000;
/** Minutes that divide an hour, hours that divide a day. */
const minuteSteps = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
const hourSteps = [1, 2, 3, 4, 6, 8, 12];

/** Every job of a configuration, in its order; and a look at how it stands, where somebody is to be told. */
export function planOuterSchedule(configuration: Configuration): OuterSchedule {
  const { application, file, folder, profile } = configuration;
  const slug = slugOf(
    `holdfast-${application}`,
    30,
    basename(file) === 'holdfast.yaml' && profile === undefined ? '' : `${file} ${profile ?? ''}`,
  );
  const shared = ['--config', file, ...(profile === undefined ? [] : ['--profile', profile]), '--quiet'];
  const planned = planJobs(configuration).map((job) => planOuterJob(job, shared, configuration.maintenance.checkWithinMs));
  const chosen = profile === undefined ? {} : { profile };
  const jobs = [...planned.map(({ job }) => job), ...((configuration.notify ?? []).length > 0 ? [planLook(shared)] : [])];
  return { application, slug, file, folder, ...chosen, jobs, notes: planned.flatMap(({ notes }) => notes) };
}

/** What the daemon does by itself: a look each hour, by which people are told what no run tells. */
function planLook(shared: readonly string[]): OuterJob {
  return {
    id: 'status',
    slug: 'status',
    kind: 'status',
    title: 'look at how it stands',
    times: readCron('50 * * * *'),
    jitterMs: 0,
    delayMs: 0,
    catchUp: false,
    words: ['status', ...shared],
  };
}

function planOuterJob(
  job: PlannedJob,
  shared: readonly string[],
  checkWithinMs: number,
): { readonly job: OuterJob; readonly notes: readonly string[] } {
  const { id, kind, schedule, repository } = job;
  const { fields, note } = timesOf(schedule);
  const title = titleOf(job);
  const notes = [
    ...(note === undefined ? [] : [`${title}: ${note}`]),
    ...(schedule.onChange === true ? [`${title}: looks ${sayEvery(schedule)}, and saves only what has changed`] : []),
  ];
  const outer: OuterJob = {
    id,
    slug: slugOf([kind, ...(repository === undefined ? job.components : [repository]), ...nameIn(id)].join('-'), 40, id),
    kind,
    title,
    times: fields,
    ...(schedule.timezone === undefined ? {} : { timezone: schedule.timezone }),
    jitterMs: schedule.jitterMs ?? 0,
    delayMs: jitterOf(id, schedule),
    catchUp: schedule.catchUp !== false,
    words: [...wordsOf(job, checkWithinMs), ...shared],
  };
  return { job: outer, notes };
}

/** The name of an archive or a drill, which says more than what it is about. */
function nameIn(id: string): readonly string[] {
  const [, name] = /^(?:archive|prune-archive|drill):(.*)$/.exec(id) ?? [];
  return name === undefined ? [] : [name];
}

function titleOf({ kind, components, repository, id }: PlannedJob): string {
  const [name] = nameIn(id);
  if (name !== undefined) return `${kind} ${name}`;
  return `${kind} of ${repository ?? (components.join(', ') || 'everything')}`;
}

/**
 * Nobody counts the runs of a check here, so its share goes by the calendar: of so many days, weeks or months as lie in the time in
 * which everything is to be read, whichever the checks never skip.
 */
function wordsOf({ words, slices, schedule }: PlannedJob, withinMs: number): readonly string[] {
  if (slices === undefined) return words;
  const gap = longestGap(schedule);
  const [unit, length] = gap <= 25.5 * 3_600_000 ? ['today', day] : gap <= 8 * day ? ['this-week', 7 * day] : ['this-month', 31 * day];
  const shares = Math.max(1, Math.floor(withinMs / Number(length)));
  return words.flatMap((word, index) => {
    if (shares === 1 && word === '--read-data-subset') return ['--read-data'];
    if (words[index - 1] !== '--read-data-subset') return [word];
    return shares === 1 ? [] : [`${unit}/${shares}`];
  });
}

function longestGap(schedule: ScheduleConfiguration): number {
  let [longest, at] = [0, nextDue(schedule, new Date(Date.UTC(2026, 0, 1)))];
  for (let count = 0; at !== undefined && count < 60; count += 1) {
    const next = nextDue(schedule, at);
    if (next !== undefined) longest = Math.max(longest, next.getTime() - at.getTime());
    at = next;
  }
  return longest;
}

/** Intervals that no calendar has are rounded to the next shorter one that it has: never less often than asked. */
function timesOf(schedule: ScheduleConfiguration): { readonly fields: CronFields; readonly note?: string } {
  const { cron, everyMs = 30 * minute } = schedule;
  if (cron !== undefined) return { fields: readCron(cron) };
  const [text, takenMs] = cronOfInterval(everyMs);
  const fields = readCron(text);
  if (takenMs === everyMs) return { fields };
  return { fields, note: `every ${formatDuration(everyMs)} cannot be written, so it is every ${formatDuration(takenMs)}` };
}

function cronOfInterval(everyMs: number): readonly [cron: string, takenMs: number] {
  const below = (steps: readonly number[], unit: number): number => steps.findLast((step) => step * unit <= everyMs) ?? 1;
  if (everyMs >= 7 * day) return ['0 0 * * 0', 7 * day];
  if (everyMs >= day) return ['0 0 * * *', day];
  if (everyMs >= 60 * minute) {
    const hours = below(hourSteps, 60 * minute);
    return [`0 */${hours} * * *`, hours * 60 * minute];
  }
  const minutes = below(minuteSteps, minute);
  return [`*/${minutes} * * * *`, minutes * minute];
}

function sayEvery(schedule: ScheduleConfiguration): string {
  const { everyMs = 30 * minute } = schedule;
  return `every ${formatDuration(everyMs)}`;
}

/** Small letters, digits and dashes; where something had to go, or `tell` tells it from others, a few digits of what it was. */
export function slugOf(text: string, longest: number, tell = ''): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (tell === '' && plain === text && plain.length <= longest) return plain;
  const digits = createHash('sha256').update(`${text}\n${tell}`).digest('hex').slice(0, 6);
  return `${plain.slice(0, longest - 7).replace(/-+$/, '')}-${digits}`;
}

/** The fields in the words of cron that every cron understands alike. */
export function cronOf({ times }: OuterJob): string {
  return writeCron(times);
}
