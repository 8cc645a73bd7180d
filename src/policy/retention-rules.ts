/** The rules of a policy, each as a function from snapshots to those it keeps. */
import { HoldfastError } from '../errors.ts';
import { dayOf, hourOf, isoWeekOf, monthOf, subtractDuration, yearOf } from './retention-calendar.ts';
import { formatRetentionDuration, isZeroDuration, parseRetentionDuration, type RetentionDuration } from './retention-duration.ts';
import type { KeepCount, KeepWithin, RetentionPolicy, RetentionSnapshot } from './retention.ts';

interface Kept {
  readonly snapshot: RetentionSnapshot;
  readonly reason: string;
}

/** What a rule keeps of snapshots given newest first, each at most once. */
export type Rule = (newestFirst: readonly RetentionSnapshot[]) => readonly Kept[];

/** What the snapshots are told apart by: one of each value is kept. */
type Bucket = (snapshot: RetentionSnapshot) => number;

/** @param latest what `within` is counted back from. Throws `usage` for a count or duration that is none. */
export function compileRules(policy: RetentionPolicy, latest: RetentionSnapshot | undefined): Rule[] {
  const counted: readonly [KeepCount | undefined, Bucket, string][] = [
    [policy.hourly, hourOf, 'hourly snapshot'],
    [policy.daily, dayOf, 'daily snapshot'],
    [policy.weekly, isoWeekOf, 'weekly snapshot'],
    [policy.monthly, monthOf, 'monthly snapshot'],
    [policy.yearly, yearOf, 'yearly snapshot'],
  ];
  const within: readonly [KeepWithin | undefined, Bucket, string][] = [
    [policy.withinHourly, hourOf, 'hourly within'],
    [policy.withinDaily, dayOf, 'daily within'],
    [policy.withinWeekly, isoWeekOf, 'weekly within'],
    [policy.withinMonthly, monthOf, 'monthly within'],
    [policy.withinYearly, yearOf, 'yearly within'],
  ];
  return [
    ...(policy.tags ?? []).map(keepTagged),
    ...keepWithin(policy.within, latest),
    ...keepLast(readCount(policy.last, 'last snapshot')),
    ...counted.flatMap(([count, bucket, reason]) => keepCounted(readCount(count, reason), bucket, reason)),
    ...within.flatMap(([duration, bucket, reason]) => keepWithinBuckets(duration, bucket, reason, latest)),
  ];
}

function keepTagged(tags: readonly string[]): Rule {
  const reason = `has tags [${tags.join(', ')}]`;
  return keepIf(({ tags: own = [] }) => tags.every((tag) => own.includes(tag) || (tag === '' && own.length === 0)), reason);
}

function keepWithin(value: KeepWithin | undefined, latest: RetentionSnapshot | undefined): Rule[] {
  const duration = readWithin(value);
  if (duration === undefined) return [];
  const after = subtractDuration(latest, duration);
  return [keepIf(({ time }) => time.getTime() > after, `within ${formatRetentionDuration(duration)}`)];
}

function keepIf(isKept: (snapshot: RetentionSnapshot) => boolean, reason: string): Rule {
  return (newestFirst) => newestFirst.filter(isKept).map((snapshot) => ({ snapshot, reason }));
}

/** Whole ones first: partial ones only where there are fewer than that. */
function keepLast(count: number): Rule[] {
  if (count === 0) return [];
  return [
    (newestFirst) => {
      const whole = newestFirst.filter(isWhole).slice(0, count);
      const rest = count - whole.length;
      const partial = rest > 0 ? newestFirst.filter((snapshot) => !isWhole(snapshot)).slice(0, rest) : [];
      return [...whole, ...partial].map((snapshot) => ({ snapshot, reason: 'last snapshot' }));
    },
  ];
}

function keepCounted(count: number, bucket: Bucket, reason: string): Rule[] {
  return count === 0 ? [] : [(newestFirst) => pickOfBuckets(newestFirst, count, bucket, reason)];
}

function keepWithinBuckets(value: KeepWithin | undefined, bucket: Bucket, reason: string, latest: RetentionSnapshot | undefined): Rule[] {
  const duration = readWithin(value);
  if (duration === undefined) return [];
  const after = subtractDuration(latest, duration);
  const text = `${reason} ${formatRetentionDuration(duration)}`;
  return [(newestFirst) => pickOfBuckets(newestFirst, Infinity, bucket, text).filter(({ snapshot: { time } }) => time.getTime() > after)];
}

/**
 * The newest whole snapshot of each bucket, until so many buckets had one. A bucket of partial ones alone gives its newest, and does not count (but
 * there are at most as many of them): partial ones never push a whole one out. While there is room, the oldest stays even if its bucket has
 * another: the history then reaches as far back as it can.
 */
function pickOfBuckets(newestFirst: readonly RetentionSnapshot[], count: number, bucket: Bucket, reason: string): Kept[] {
  const picked: Kept[] = [];
  let [left, leftPartial] = [count, count];
  for (const run of runsOf(newestFirst, bucket)) {
    if (left === 0) return picked;
    const whole = run.find(isWhole);
    const [snapshot = whole] = whole === undefined ? run : [];
    if (whole !== undefined) left -= 1;
    else if (leftPartial === 0) continue;
    else leftPartial -= 1;
    if (snapshot !== undefined) picked.push({ snapshot, reason });
  }
  const oldest = newestFirst.findLast(isWhole) ?? newestFirst.at(-1);
  if (left > 0 && oldest !== undefined && !picked.some(({ snapshot }) => snapshot === oldest))
    picked.push({ snapshot: oldest, reason: `oldest ${reason}` });
  return picked;
}

/** Neighbours of the same bucket. */
function runsOf(newestFirst: readonly RetentionSnapshot[], bucket: Bucket): RetentionSnapshot[][] {
  const runs: RetentionSnapshot[][] = [];
  let last: number | undefined;
  for (const snapshot of newestFirst) {
    const value = bucket(snapshot);
    if (value === last) runs.at(-1)?.push(snapshot);
    else runs.push([snapshot]);
    last = value;
  }
  return runs;
}

function isWhole({ isPartial }: RetentionSnapshot): boolean {
  return isPartial !== true;
}

/** Infinity for all. */
function readCount(count: KeepCount | undefined, what: string): number {
  if (count === undefined) return 0;
  if (count === 'unlimited' || count === -1) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new HoldfastError('usage', { reason: `${count} is no number of snapshots to keep (${what})`, help: 'holdfast prune --help' });
}

function readWithin(value: KeepWithin | undefined): RetentionDuration | undefined {
  const duration = typeof value === 'string' ? parseRetentionDuration(value) : value;
  return duration === undefined || isZeroDuration(duration) ? undefined : duration;
}
