/**
 * Which snapshots of a group stay and which may go: restic's rules (`forget`, as of 0.17, with the "oldest" rule), and beyond them what always
 * stays: the newest snapshot, the newest that is whole, and everything that says to be of the future. Pure: the result is a plan that is shown
 * before anything is done.
 */
import { HoldfastError } from '../errors.ts';
import type { RetentionDuration } from './retention-duration.ts';
import { compileRules } from './retention-rules.ts';

export interface RetentionSnapshot {
  readonly id: string;
  readonly time: Date;
  /** Of those of one time the one that comes last by this is the newest. The id unless given. */
  readonly rank?: string;
  /** Minutes east of UTC where the snapshot was made, as its time says: what "a day" is for it. 0 unless given. */
  readonly utcOffset?: number;
  readonly tags?: readonly string[];
  readonly host?: string;
  readonly paths?: readonly string[];
  /** Something of it is missing: it stands in for its hour, day, … only where there is no whole one, and then does not count. */
  readonly isPartial?: boolean;
}

/** How many to keep: 0 or absent is no rule, `unlimited` (or -1) is all of them. */
export type KeepCount = number | 'unlimited';

/** `1y5m7d2h`, counted back from the newest whole snapshot of the group. */
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

/** Why snapshots stay that no rule keeps. */
export const newestReason = 'newest snapshot';
const newestWholeReason = 'newest whole snapshot';
export const futureReason = 'from the future';

/**
 * Applies a policy to the snapshots of one group (`groupSnapshots`), given in any order. An empty policy keeps all.
 *
 * @param now What is dated later was made by a clock that was wrong (or `now` is): it stays, and counts for nothing.
 * @throws HoldfastError `usage` for a count or duration that is none, and when no rule keeps any snapshot: such a policy is a mistake.
 */
export function planRetention(snapshots: readonly RetentionSnapshot[], policy: RetentionPolicy, now: Date): RetentionPlan {
  /* An invalid date compares with nothing, and what follows decides what is deleted. */
  if (Number.isNaN(now.getTime()) || snapshots.some(({ time }) => Number.isNaN(time.getTime())))
    throw new HoldfastError('internal', { reason: 'retention was asked about a snapshot without a time' });
  const newestFirst = snapshots.toSorted((a, b) => b.time.getTime() - a.time.getTime() || (rankOf(a) < rankOf(b) ? 1 : -1));
  const past = newestFirst.filter(({ time }) => time.getTime() <= now.getTime());
  const newestWhole = past.find(({ isPartial }) => isPartial !== true);
  const rules = compileRules(policy, newestWhole ?? past[0]);
  if (rules.length === 0) return { keep: newestFirst.map(({ id }) => ({ id, reasons: ['policy is empty'] })), remove: [] };
  const reasons = new Map(newestFirst.map((snapshot): [RetentionSnapshot, string[]] => [snapshot, []]));
  for (const rule of rules) for (const { snapshot, reason } of rule(past)) reasons.get(snapshot)?.push(reason);
  const isKept = (snapshot: RetentionSnapshot): boolean => (reasons.get(snapshot) ?? []).length > 0;
  if (past.length > 0 && !past.some(isKept))
    throw new HoldfastError('usage', {
      reason: `this policy would keep none of ${past.length} snapshots`,
      help: 'holdfast prune --help',
    });
  for (const snapshot of newestFirst.slice(0, newestFirst.length - past.length)) reasons.get(snapshot)?.push(futureReason);
  for (const [snapshot, reason] of [
    [past[0], newestReason],
    [newestWhole, newestWholeReason],
  ] as const)
    if (snapshot !== undefined && !isKept(snapshot)) reasons.get(snapshot)?.push(reason);
  return {
    keep: newestFirst.filter(isKept).map((snapshot) => ({ id: snapshot.id, reasons: reasons.get(snapshot) ?? [] })),
    remove: newestFirst.filter((snapshot) => !isKept(snapshot)).map(({ id }) => id),
  };
}

function rankOf({ rank, id }: RetentionSnapshot): string {
  return rank ?? id;
}
