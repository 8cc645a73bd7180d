/** Snapshots that stay whatever the rules say, and why. Pure. */
import { nameSnapshots } from '../point-needs.ts';
import { pointDigits } from '../point-tags.ts';
import { isOwnPoint, type Point, type PointComponent } from '../points.ts';

export const newestOfComponentReason = 'newest of its component';
export const wholePointReason = 'in the newest whole point of a component';

export interface ProtectionFacts {
  readonly now: Date;
  /** Ids of snapshots that are held, with why. */
  readonly held: ReadonlyMap<string, string>;
  /** Ids of snapshots that were restored and proved. */
  readonly proven: ReadonlySet<string>;
  /** What the clocks of hosts are judged by: all points that are there. */
  readonly all: readonly Point[];
}

/**
 * Of each component of each host: the newest snapshot, the newest whole point that has one, the newest proven one; and what is held, or was made by a
 * clock that was behind.
 */
export function findProtected(
  points: readonly Point[],
  { now, held, proven, all }: ProtectionFacts,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const add = (id: string, reason: string): void => {
    const reasons = found.get(id);
    if (reasons === undefined) found.set(id, [reason]);
    else reasons.push(reason);
  };
  for (const [id, reason] of held) add(id, reason);
  const named = nameSnapshots(all.flatMap(({ components }) => components));
  const counted = new Set(points);
  for (const members of pastByComponent(all, now).values()) {
    const asked = members.filter(({ point }) => counted.has(point));
    // A copy of what a restore was about to overwrite must not stand in for a backup.
    const ranked = asked.some(({ isOwn }) => isOwn) ? asked.filter(({ isOwn }) => isOwn) : asked;
    const newest = firstOf(ranked);
    const whole = firstOf(ranked.filter(({ point }) => point.status === 'complete'));
    const isNewest = new Set(newest.map(({ component }) => component.id));
    for (const id of isNewest) add(id, newestOfComponentReason);
    // As a whole: with a component less it would be none.
    for (const { point } of whole) for (const { id } of point.components) if (!isNewest.has(id)) add(id, wholePointReason);
    for (const { component } of firstOf(ranked.filter(({ component: { id } }) => proven.has(id))))
      add(component.id, 'newest proven of its component');
    for (const [id, reason] of madeByClocksBehind(members, named, now)) add(id, reason);
  }
  return found;
}

/** The newest: of those of one time all, for which of them came last nobody can tell. */
function firstOf(newestFirst: readonly Member[]): readonly Member[] {
  return newestFirst.filter(({ time }) => time === newestFirst[0]?.time);
}

interface Member {
  readonly component: PointComponent;
  readonly time: number;
  readonly point: Point;
  readonly isOwn: boolean;
}

/**
 * Snapshots by component and host, newest first. Without those of the future: a clock that runs ahead
 * must not make what it wrote the newest there is.
 */
function pastByComponent(points: readonly Point[], now: Date): Map<string, Member[]> {
  const members = points.toReversed().flatMap((point): Member[] => {
    const isOwn = isOwnPoint(point);
    return point.components.map((component) => ({ component, time: Date.parse(component.snapshot.time), point, isOwn }));
  });
  const past = members.filter(({ time }) => time <= now.getTime()).toSorted((a, b) => b.time - a.time);
  return Map.groupBy(past, ({ component: { tags, snapshot } }) => `${tags.component}\n${snapshot.hostname ?? ''}`);
}

/**
 * A snapshot that was compared with one that is dated later was made after it, whatever its own date says. As long as nothing newer than that other
 * one has come, it may be the newest state there is.
 */
function* madeByClocksBehind(
  members: readonly Member[],
  named: ReturnType<typeof nameSnapshots>,
  now: Date,
): Generator<readonly [string, string]> {
  const newest = members[0]?.time ?? 0;
  for (const { component, time } of members) {
    const { parent: parentId } = component.snapshot;
    const parent = parentId === undefined ? undefined : named.get(parentId.slice(0, pointDigits));
    if (parent === undefined) continue;
    const parentTime = Date.parse(parent.snapshot.time);
    if (parentTime <= time || parentTime > now.getTime() || parentTime < newest) continue;
    yield [component.id, `made after ${parent.id.slice(0, 8)}, by a clock that was behind`];
    // Without that other one nobody could tell the next time.
    yield [parent.id, `shows that ${component.id.slice(0, 8)} was made by a clock that was behind`];
  }
}
