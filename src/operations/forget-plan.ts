/**
 * What a retention policy does to the points of a repository: a plain value that is shown before anything is done. Pure. A point stays or goes
 * as a whole, but for components with rules of their own: half of one is nothing that could be restored.
 */
import { isError } from '../errors.ts';
import type { GroupBy } from '../policy/group-snapshots.ts';
import { planRetention, type RetentionPolicy } from '../policy/retention.ts';
import { nameSnapshots } from './point-needs.ts';
import type { Point, PointComponent } from './points.ts';
import { groupUnits, manifestKind, toRetention, type ComponentRules, type PointUnit, type UnitGroup } from './retention/point-units.ts';
import { findProtected, newestOfComponentReason, wholePointReason } from './retention/protected-snapshots.ts';

/** A point that stays or goes; only some of its components where these were named, or have rules of their own. */
export interface PlannedPoint {
  readonly point: Point;
  readonly components: readonly PointComponent[];
}

/** A point that stays, and why. */
export interface KeptPoint extends PlannedPoint {
  readonly reasons: readonly string[];
}

export interface ForgetGroup {
  readonly key: UnitGroup['key'];
  /** Newest first. */
  readonly keep: readonly KeptPoint[];
  readonly remove: readonly PlannedPoint[];
}

/** A point that is to go, and cannot yet. */
export interface WaitingPoint extends PlannedPoint {
  /** Until when the place holds on to it. */
  readonly until: Date;
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  /** Full ids of snapshots. */
  readonly remove: readonly string[];
  readonly keep: readonly string[];
  /** Those among what stays that would go if the place let them. */
  readonly waiting: readonly WaitingPoint[];
  /** So much goes that somebody should look at it: more than half of the points, and more than ten. Never for points that were named. */
  readonly isLarge: boolean;
}

/** What no rule may remove. */
export interface Safeguards {
  /** Ids of snapshots that are held, with why. */
  readonly held?: ReadonlyMap<string, string>;
  /** Ids of snapshots that the place does not let go before this time. */
  readonly locked?: ReadonlyMap<string, Date>;
}

export interface RetentionRules extends Safeguards {
  readonly policy: RetentionPolicy;
  /** Rules of components that go for themselves. */
  readonly components?: ComponentRules | undefined;
  /** `by.paths` means the paths and the components of the whole point. */
  readonly by: GroupBy;
  readonly now: Date;
  /** Points that the policy is not asked about, and that stay. */
  readonly others?: readonly Point[];
  /** Ids of snapshots that were restored and proved. */
  readonly proven?: ReadonlySet<string>;
  /** Ids of snapshots that must not displace others, with the names of their components: much is missing in them, and nobody accepted it. */
  readonly suspect?: ReadonlyMap<string, string>;
}

/** A group while its members are being judged. */
interface JudgedGroup {
  readonly key: UnitGroup['key'];
  readonly keep: readonly (PointUnit & { readonly reasons: readonly string[] })[];
  readonly remove: readonly PointUnit[];
}

/**
 * Applies a policy to each group of points. Whatever the groups are, of each component of each host the newest snapshot stays, the newest in a whole
 * point and the newest proven, what is held or locked, and what anything that stays cannot be restored without.
 *
 * @throws HoldfastError `usage` for a policy that makes no sense
 */
export function planForget(points: readonly Point[], rules: RetentionRules): ForgetPlan {
  const { policy, by, now, others = [], components } = rules;
  const [held, locked] = [rules.held ?? new Map<string, string>(), rules.locked ?? new Map<string, Date>()];
  const safe = findProtected(points, { now, held, proven: rules.proven ?? new Set(), all: [...points, ...others] });
  const judged = groupUnits(points, { policy, by, components }).map((group): JudgedGroup => {
    const byId = new Map(group.members.map((unit) => [unit.point.id, unit]));
    const units = (ids: readonly string[]): PointUnit[] => ids.flatMap((id) => byId.get(id) ?? []);
    const plan = planRetention(group.members.map(toRetention), group.policy, now);
    const displaced = findDisplaced(group, rules);
    const kept = plan.keep.flatMap(({ id, reasons }) =>
      units([id]).map((unit) => ({ ...unit, reasons: [...reasons, ...heldReasons(unit, held)] })),
    );
    const going = units(plan.remove).map((unit) => ({
      ...unit,
      reasons: [...distinct(unit.components.flatMap(({ id }) => safe.get(id) ?? [])), ...(displaced.get(unit.point.id) ?? [])],
    }));
    return {
      key: group.key,
      keep: [...kept, ...going.filter(({ reasons }) => reasons.length > 0)],
      remove: going.filter(({ reasons }) => reasons.length === 0),
    };
  });
  const unlocked = keepLocked(keepNeeded(judged, others), locked);
  const groups = keepManifests(points, keepNeeded(unlocked.groups, others));
  return { ...summarize(groups, others), waiting: unlocked.waiting, isLarge: isLarge(groups) };
}

/** What the rules would keep had the suspect ones not come, by the ids of the points, and why. */
function findDisplaced(
  { members, policy }: UnitGroup,
  { suspect = new Map(), now }: RetentionRules,
): ReadonlyMap<string, readonly string[]> {
  const suspectOf = ({ components }: PointUnit): string[] => components.flatMap(({ id }) => suspect.get(id) ?? []);
  const sound = members.filter((unit) => suspectOf(unit).length === 0);
  if (sound.length === members.length) return new Map();
  const names = [...new Set(members.flatMap(suspectOf))].join(', ');
  const reasons = [`${names} may have lost something: stays until that is accepted`];
  try {
    return new Map(planRetention(sound.map(toRetention), policy, now).keep.map(({ id }) => [id, reasons]));
  } catch (error) {
    // A policy that keeps none of them: it keeps others of the group, or the plan of the whole has said so.
    if (!isError(error, 'usage')) throw error;
    const [newest] = sound.toSorted(newestFirst);
    return newest === undefined ? new Map() : new Map([[newest.point.id, reasons]]);
  }
}

/** Each once; the newest of its component need not be told to be in a whole point. */
function distinct(reasons: readonly string[]): string[] {
  return [...new Set(reasons)].filter((reason) => reason !== wholePointReason || !reasons.includes(newestOfComponentReason));
}

function heldReasons({ components }: PointUnit, held: ReadonlyMap<string, string>): string[] {
  return [...new Set(components.flatMap(({ id }) => held.get(id) ?? []))];
}

/** Takes back what was to go and is needed by what stays, with the reason. What is taken back keeps what it needs in turn. */
function keepNeeded(groups: readonly JudgedGroup[], others: readonly Point[]): JudgedGroup[] {
  const going = groups.flatMap(({ remove }) => remove);
  const staying: PlannedPoint[] = [
    ...groups.flatMap(({ keep }) => keep),
    ...others.map((point) => ({ point, components: point.components })),
  ].toSorted(newestFirst);
  const named = nameSnapshots([...going, ...staying].flatMap(({ components }) => components));
  const goes = new Map(going.flatMap((unit) => unit.components.map(({ id }) => [id, unit] as const)));
  const neededBy = new Map<PlannedPoint, Point>();
  // A list is walked to its end, also to what is added on the way.
  for (const { point, components } of staying)
    for (const name of components.flatMap(({ tags }) => tags.needs ?? [])) {
      const needed = goes.get(named.get(name)?.id ?? '');
      if (needed === undefined || neededBy.has(needed)) continue;
      neededBy.set(needed, point);
      staying.push(needed);
    }
  return takeBack(groups, (unit) => {
    const by = neededBy.get(unit);
    return by === undefined ? undefined : `needed by ${shortOf(by)}`;
  });
}

/** Takes back what the place does not let go yet. */
function keepLocked(
  groups: readonly JudgedGroup[],
  locked: ReadonlyMap<string, Date>,
): { readonly groups: readonly JudgedGroup[]; readonly waiting: readonly WaitingPoint[] } {
  const untilOf = ({ components }: PlannedPoint): Date | undefined =>
    components
      .map(({ id }) => locked.get(id))
      .reduce((last, until) => (last === undefined || (until !== undefined && until > last) ? until : last), undefined);
  const waiting = groups.flatMap(({ remove }) =>
    remove.flatMap((unit) => {
      const until = untilOf(unit);
      return until === undefined ? [] : [{ point: unit.point, components: unit.components, until }];
    }),
  );
  const taken = takeBack(groups, (unit) => {
    const until = untilOf(unit);
    return until === undefined ? undefined : `locked until ${formatDay(until)}`;
  });
  return { groups: taken, waiting };
}

function takeBack(groups: readonly JudgedGroup[], whyOf: (unit: PointUnit) => string | undefined): JudgedGroup[] {
  return groups.map(({ key, keep, remove }) => {
    const taken = remove.flatMap((unit) => {
      const why = whyOf(unit);
      return why === undefined ? [] : [{ ...unit, reasons: [why] }];
    });
    return { key, keep: [...keep, ...taken].toSorted(newestFirst), remove: remove.filter((unit) => whyOf(unit) === undefined) };
  });
}

/** A manifest that is in no group goes with the last of its point's other components. */
function keepManifests(points: readonly Point[], groups: readonly JudgedGroup[]): JudgedGroup[] {
  const grouped = new Set(groups.flatMap(({ keep, remove }) => [...keep, ...remove].flatMap(({ components }) => idsOf({ components }))));
  const stays = new Set(groups.flatMap(({ keep }) => keep.map(({ point }) => point.id)));
  const loose = points
    .map((point) => ({
      point,
      isPartial: false,
      components: point.components.filter(({ id, tags }) => !grouped.has(id) && tags.kind === manifestKind),
    }))
    .filter(({ components }) => components.length > 0)
    .toSorted(newestFirst);
  // A manifest that was judged with others, of which some stay, stays too.
  const kept = groups.map(({ key, keep, remove }) => {
    const split = remove.flatMap((unit): readonly { readonly unit: PointUnit; readonly stays: boolean }[] => {
      const manifests = unit.components.filter(({ tags }) => tags.kind === manifestKind);
      if (manifests.length === 0 || !stays.has(unit.point.id)) return [{ unit, stays: false }];
      const others = unit.components.filter(({ tags }) => tags.kind !== manifestKind);
      return [
        { unit: { ...unit, components: manifests }, stays: true },
        { unit: { ...unit, components: others }, stays: false },
      ];
    });
    const manifests = split.filter((each) => each.stays).map(({ unit }) => ({ ...unit, reasons: ['describes what stays of its point'] }));
    return {
      key,
      keep: [...keep, ...manifests].toSorted(newestFirst),
      remove: split.filter((each) => !each.stays).map(({ unit }) => unit),
    };
  });
  if (loose.length === 0) return kept;
  const manifests: JudgedGroup = {
    key: { components: [manifestKind] },
    keep: loose.filter(({ point }) => stays.has(point.id)).map((unit) => ({ ...unit, reasons: ['describes what stays of its point'] })),
    remove: loose.filter(({ point }) => !stays.has(point.id)),
  };
  return [...kept, manifests];
}

/** What is more than this goes only when somebody has looked at it. */
const mostAtOnce = 10;

function isLarge(groups: readonly JudgedGroup[]): boolean {
  const removed = groups.reduce((sum, { remove }) => sum + remove.length, 0);
  const all = groups.reduce((sum, { keep }) => sum + keep.length, removed);
  return removed > mostAtOnce && removed > all / 2;
}

function summarize(groups: readonly JudgedGroup[], others: readonly Point[]): Pick<ForgetPlan, 'groups' | 'remove' | 'keep'> {
  const planned = ({ point, components }: PlannedPoint): PlannedPoint => ({ point, components });
  return {
    groups: groups.map(({ key, keep, remove }) => ({
      key,
      keep: keep.map(({ reasons, ...unit }) => ({ ...planned(unit), reasons })),
      remove: remove.map(planned),
    })),
    remove: groups.flatMap(({ remove }) => remove.flatMap(idsOf)),
    keep: [...groups.flatMap(({ keep }) => keep.flatMap(idsOf)), ...others.flatMap(({ components }) => components.map(({ id }) => id))],
  };
}

/** The ids of what is planned. */
export function idsOf({ components }: Pick<PlannedPoint, 'components'>): string[] {
  return components.map(({ id }) => id);
}

function newestFirst(a: PlannedPoint, b: PlannedPoint): number {
  return Date.parse(b.point.time) - Date.parse(a.point.time);
}

export function shortOf({ id }: { readonly id: string }): string {
  return id.slice(0, 8);
}

/** `2026-12-20`, in UTC, the day on which it is over. */
function formatDay(time: Date): string {
  return time.toISOString().slice(0, 10);
}
