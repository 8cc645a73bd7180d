/**
 * What a year of a daemon is held against: every due time was served in time, or the receiver was told; what was told was so; what was well again
 * was taken back. It goes by the runs, the clock and the messages alone, and by nothing that the daemon says of itself.
 */
import type { PlannedJob } from '../../../src/operations/jobs/plan-jobs.ts';
import { dueTimesBetween } from './naive-calendar.ts';
import type { PlayedRun, SimulatedHost, Span } from './simulated-host.ts';
import type { HeardItem } from './simulated-receiver.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
/** The simulated daemon looks once an hour where nothing is due, and leaves a receiver that failed alone for up to an hour. */
const tellingTakes = 3 * hour;

export interface Year {
  readonly host: SimulatedHost;
  readonly heard: readonly HeardItem[];
  readonly deaf: readonly Span[];
  readonly begin: number;
  /** When the clock was wrong by days. */
  readonly astray: Span;
}

/** Something that went wrong with a job, in milliseconds that had passed. */
interface Trouble {
  readonly at: number;
  readonly what: string;
}

/** Every complaint about one job: empty. */
export function judgeJob(job: PlannedJob, year: Year): readonly string[] {
  const runs = year.host.runs.filter(({ jobs }) => jobs.includes(job.id));
  const late = findLate(job, runs, year);
  const failed = findFailed(runs, year);
  const heard = year.heard.filter(({ key }) => ['failure', 'missed', 'lock'].some((kind) => key === `${kind}:${job.id}`));
  const spans = openSpans(heard);
  const troubles = [...late, ...failed.sure, ...failed.possible].toSorted((a, b) => a.at - b.at);
  return [
    ...findUntold([...late, ...failed.sure], { spans, heard, year }),
    ...findFalse(heard, { runs, troubles, astray: year.astray }),
    ...findUnresolved(runs, { spans, troubles, year }),
  ].map((complaint) => `${job.id}: ${complaint}`);
}

/** Due times that were not begun within the grace. */
function findLate(job: PlannedJob, runs: readonly PlayedRun[], { host, begin }: Year): Trouble[] {
  const grace = job.schedule.onChange === true ? 6 * hour : 15 * minute;
  const clocks = wallClock(host, begin);
  // The latest time that the clock had shown when a run began, up to each run.
  let latest = Number.NEGATIVE_INFINITY;
  const shown = runs.map(({ began, clock }) => ({ began, latest: (latest = Math.max(latest, clock)) }));
  let next = 0;
  return dueTimesBetween(job.schedule, begin + 1, begin + host.time.passed - grace).flatMap((due) => {
    const at = clocks(due + grace);
    while (next < shown.length && (shown[next]?.began ?? Infinity) <= at) next += 1;
    const isServed = (shown[next - 1]?.latest ?? Number.NEGATIVE_INFINITY) >= due;
    return isServed ? [] : [{ at, what: `due at ${new Date(due).toISOString()}` }];
  });
}

/** When the clock first showed a time, in milliseconds that had passed: ask in order. The days of the wrong clock are left out. */
function wallClock({ clockSets }: SimulatedHost, begin: number): (shown: number) => number {
  const small = clockSets.filter(({ byMs }) => Math.abs(byMs) < day);
  const parts = [{ at: 0, ahead: 0 }];
  for (const { at, byMs } of small) parts.push({ at, ahead: (parts.at(-1)?.ahead ?? 0) + byMs });
  let from = 0;
  return (shown) => {
    for (; from < parts.length; from++) {
      const [part, following] = [parts[from], parts[from + 1]];
      if (part === undefined) break;
      const at = Math.max(part.at, shown - begin - part.ahead);
      if (following === undefined || at < following.at) return at;
    }
    throw new Error('the clock never showed this');
  };
}

/** `sure`: people must be told. `possible`: they may be, as it was tried again. */
function findFailed(runs: readonly PlayedRun[], { host }: Year): { readonly sure: Trouble[]; readonly possible: Trouble[] } {
  const [sure, possible]: [Trouble[], Trouble[]] = [[], []];
  for (const [index, { ended, status, attempt, wasCancelled }] of runs.entries()) {
    if (ended === undefined || status === 0 || status === undefined) continue;
    const trouble = { at: ended, what: `ended with ${status}` };
    const patience = status === 11 ? 4 : status === 130 && wasCancelled !== true ? 3 : status === 'killed' ? Infinity : 1;
    if (attempt >= patience) sure.push(trouble);
    else possible.push(trouble);
    const until = ended + 12 * hour + offWithin(host.off, ended);
    if ((runs[index + 1]?.began ?? Infinity) > until && until < host.time.passed)
      sure.push({ at: until, what: `${trouble.what}, and was not made again` });
  }
  return { sure, possible };
}

/** For how long the machine is off in the next days. */
function offWithin(off: readonly Span[], from: number): number {
  return off.filter((span) => span.to >= from && span.from <= from + 4 * day).reduce((sum, span) => sum + span.to - span.from, 0);
}

/** When the receiver held that something was wrong. */
function openSpans(heard: readonly HeardItem[]): Span[] {
  const since = new Map<string, number>();
  const spans: Span[] = [];
  for (const { key, state, at } of heard) {
    const from = since.get(key);
    if (state === 'resolved') {
      if (from !== undefined) spans.push({ from, to: at });
      since.delete(key);
    } else if (state !== 'note') since.set(key, from ?? at);
  }
  return [...spans, ...[...since.values()].map((from) => ({ from, to: Infinity }))];
}

/** By when something must have been told: when people and the machine could be reached for long enough. */
function deadlineOf(at: number, { deaf, host }: Year): number {
  let from = at;
  for (const span of [...deaf, ...host.off].toSorted((a, b) => a.from - b.from))
    if (span.from < from + tellingTakes && span.to > from) from = span.to;
  return from + tellingTakes;
}

function findUntold(
  troubles: readonly Trouble[],
  { spans, heard, year }: { readonly spans: readonly Span[]; readonly heard: readonly HeardItem[]; readonly year: Year },
): string[] {
  return troubles.flatMap(({ at, what }) => {
    const deadline = deadlineOf(at, year);
    if (deadline > year.host.time.passed) return [];
    const isTold =
      spans.some(({ from, to }) => from <= deadline && to >= at) ||
      // It came and went while nobody could be reached.
      heard.some((item) => item.state === 'resolved' && item.at >= at && item.at <= deadline);
    return isTold ? [] : [`${what}, nobody was told at ${sayTime(at, year)}`];
  });
}

interface FalseContext {
  readonly runs: readonly PlayedRun[];
  readonly troubles: readonly Trouble[];
  readonly astray: Span;
}

/** Told when nothing was wrong, or when it was well again for long. */
function findFalse(heard: readonly HeardItem[], { runs, troubles, astray }: FalseContext): string[] {
  const wells = runs.filter(({ status }) => status === 0);
  return heard.flatMap(({ state, at, key }) => {
    if (state === 'resolved' || state === 'note' || (at >= astray.from && at <= astray.to + tellingTakes)) return [];
    const last = troubles.findLast((trouble) => trouble.at <= at);
    if (last === undefined) return [`${key} was told, and nothing had happened`];
    const well = wells.findLast(({ ended = Infinity }) => ended <= at - tellingTakes);
    if (well === undefined || well.began <= last.at) return [];
    // What was told of the days that never were stays until the job has run again.
    if (at > astray.to && well.began <= astray.to) return [];
    return [`${key} was told, and it was well again since ${last.what}`];
  });
}

/** Not taken back when a run had been well. */
function findUnresolved(
  runs: readonly PlayedRun[],
  { spans, troubles, year }: { readonly spans: readonly Span[]; readonly troubles: readonly Trouble[]; readonly year: Year },
): string[] {
  return runs.flatMap(({ status, began, ended = Infinity }) => {
    const deadline = deadlineOf(ended, year);
    if (status !== 0 || deadline > year.host.time.passed) return [];
    if (!spans.some(({ from, to }) => from < ended && to > deadline)) return [];
    return troubles.some(({ at }) => at > began && at <= deadline) ? [] : [`was well at ${sayTime(ended, year)}, and the alarm stayed`];
  });
}

function sayTime(passed: number, { begin }: Year): string {
  return new Date(begin + passed).toISOString();
}

/** Due times for which a run was begun twice, other than to try again what failed. */
export function findDoubles({ runs }: SimulatedHost): readonly string[] {
  const seen = new Set<string>();
  return runs
    .filter(({ attempt, astray }) => attempt === 1 && !astray)
    .flatMap(({ jobs, dues }) =>
      jobs.flatMap((job, index) => {
        const key = `${job} ${new Date(dues[index] ?? Number.NaN).toISOString()}`;
        const isDouble = seen.has(key);
        seen.add(key);
        return isDouble ? [key] : [];
      }),
    );
}
