/**
 * Which snapshots of a group stay and which may go: restic's rules (`forget`, as of 0.17, with the "oldest" rule), and beyond them
 * the newest snapshot always stays. Pure: the result is a plan that is shown before anything is done.
 */
import { HoldfastError } from '../errors.ts';
import { hourOf, dayOf, isoWeekOf, monthOf, yearOf, subtractDuration } from './retention-calendar.ts';
import { formatRetentionDuration, isZeroDuration, parseRetentionDuration, type RetentionDuration } from './retention-duration.ts';

export interface RetentionSnapshot {
  readonly id: string;
  readonly time: Date;
  /** Minutes east of UTC where the snapshot was made, as its time says: what "a day" is for it. 0 unless given. */
  readonly utcOffset?: number;
  readonly tags?: readonly string[];
  readonly host?: string;
  readonly paths?: readonly string[];
}

/** How many to keep: 0 or absent is no rule, `unlimited` (or -1) is all of them. */
export type KeepCount = number | 'unlimited';

/** `1y5m7d2h`, counted back from the newest snapshot of the group. */
export type KeepWithin = string | RetentionDuration;

/** A snapshot stays when any of these rules keeps it. */
export interface RetentionPolicy {
  readonly last?: KeepCount;
  /** The newest of each hour, day, ISO week, month, year, for as many of them as have a snapshot. */
  readonly hourly?: KeepCount;
  readonly daily?: KeepCount;
  readonly weekly?: KeepCount;
  readonly monthly?: KeepCount;
  readonly yearly?: KeepCount;
  readonly within?: KeepWithin;
  readonly withinHourly?: KeepWithin;
  readonly withinDaily?: KeepWithin;
  readonly withinWeekly?: KeepWithin;
  readonly withinMonthly?: KeepWithin;
  readonly withinYearly?: KeepWithin;
  /** Lists of tags: a snapshot stays when it has all tags of one list. An empty tag in a list means "has no tags". */
  readonly tags?: readonly (readonly string[])[];
}

export interface RetentionPlan {
  /** Newest first, each with why it stays. */
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  /** Ids, newest first. */
  readonly remove: readonly string[];
}

/**
 * Applies a policy to the snapshots of one group (`groupSnapshots`), given in any order. An empty policy keeps all.
 *
 * @param now Snapshots of the future do not move the `within` rules.
 * @throws HoldfastError `usage` for a count or duration that is none, and when no rule keeps any snapshot: such a policy is a mistake.
 */
export function planRetention(snapshots: readonly RetentionSnapshot[], policy: RetentionPolicy, now: Date): RetentionPlan {
  /* An invalid date compares with nothing, and what follows decides what is deleted. */
  if (snapshots.some(({ time }) => Number.isNaN(time.getTime())))
    throw new HoldfastError('internal', { reason: 'retention was asked about a snapshot without a time' });
  const newestFirst = snapshots.toSorted((a, b) => b.time.getTime() - a.time.getTime());
  const latest = newestFirst.find(({ time }) => time.getTime() < now.getTime());
  const rules = compileRules(policy, latest);
  if (rules.length === 0) return { keep: newestFirst.map(({ id }) => ({ id, reasons: ['policy is empty'] })), remove: [] };
  const judged = newestFirst.map((snapshot, index) => {
    const place = { index, isOldest: index === newestFirst.length - 1 };
    return { id: snapshot.id, reasons: rules.flatMap((rule) => rule(snapshot, place)) };
  });
  const [newest] = judged;
  if (newest !== undefined && judged.every(({ reasons }) => reasons.length === 0)) {
    throw new HoldfastError('usage', {
      reason: `this policy would keep none of ${judged.length} snapshots`,
      help: 'holdfast prune --help',
    });
  }
  if (newest?.reasons.length === 0) newest.reasons.push(newestReason);
  return {
    keep: judged.filter(({ reasons }) => reasons.length > 0),
    remove: judged.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id),
  };
}

/** Why a snapshot stays that no rule keeps. */
export const newestReason = 'newest snapshot';

interface Place {
  readonly index: number;
  readonly isOldest: boolean;
}

/** Why a rule keeps a snapshot; nothing when it does not. Rules count, so they are asked about each snapshot once, newest first. */
type Rule = (snapshot: RetentionSnapshot, place: Place) => readonly string[];

/** What the snapshots are told apart by: one of each value is kept. */
type Bucket = (snapshot: RetentionSnapshot, place: Place) => number;

function compileRules(policy: RetentionPolicy, latest: RetentionSnapshot | undefined): Rule[] {
  const counted: readonly [KeepCount | undefined, Bucket, string][] = [
    [policy.last, (_snapshot, { index }) => index, 'last snapshot'],
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
    ...counted.flatMap(([count, bucket, reason]) => keepCounted(readCount(count, reason), bucket, reason)),
    ...within.flatMap(([duration, bucket, reason]) => keepWithinBuckets(duration, bucket, reason, latest)),
  ];
}

function keepTagged(tags: readonly string[]): Rule {
  const reason = [`has tags [${tags.join(', ')}]`];
  return ({ tags: own = [] }) => (tags.every((tag) => own.includes(tag) || (tag === '' && own.length === 0)) ? reason : []);
}

function keepWithin(value: KeepWithin | undefined, latest: RetentionSnapshot | undefined): Rule[] {
  const duration = readWithin(value);
  if (duration === undefined) return [];
  const after = subtractDuration(latest, duration);
  const reason = [`within ${formatRetentionDuration(duration)}`];
  return [({ time }) => (time.getTime() > after ? reason : [])];
}

function keepCounted(count: number, bucket: Bucket, reason: string): Rule[] {
  if (count === 0) return [];
  let left = count;
  const keepOne = firstOfBucket(bucket, reason);
  return [
    (snapshot, place) => {
      if (left === 0) return [];
      const reasons = keepOne(snapshot, place);
      if (reasons.length > 0) left -= 1;
      return reasons;
    },
  ];
}

function keepWithinBuckets(value: KeepWithin | undefined, bucket: Bucket, reason: string, latest: RetentionSnapshot | undefined): Rule[] {
  const duration = readWithin(value);
  if (duration === undefined) return [];
  const after = subtractDuration(latest, duration);
  const keepOne = firstOfBucket(bucket, reason);
  const text = formatRetentionDuration(duration);
  return [(snapshot, place) => (snapshot.time.getTime() > after ? keepOne(snapshot, place).map((why) => `${why} ${text}`) : [])];
}

/** Keeps the first of each bucket, and the oldest of all even if its bucket has one: the history then reaches as far back as it can. */
function firstOfBucket(bucket: Bucket, reason: string): Rule {
  let last = -1;
  return (snapshot, place) => {
    const value = bucket(snapshot, place);
    if (value !== last) {
      last = value;
      return [reason];
    }
    return place.isOldest ? [`oldest ${reason}`] : [];
  };
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
