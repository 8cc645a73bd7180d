/**
 * What a retention policy does to the points of a repository: a plain value that is shown before anything is done. Pure. A point stays or goes
 * as a whole: half of one is nothing that could be restored.
 */
import { HoldfastError } from '../errors.ts';
import { groupSnapshots, type GroupBy, type SnapshotGroup } from '../policy/group-snapshots.ts';
import { planRetention, type RetentionPolicy, type RetentionSnapshot } from '../policy/retention.ts';
import { nameSnapshots } from './point-needs.ts';
import { isBond } from './point-tags.ts';
import { componentNames, pathsOf, type Point, type PointComponent } from './points.ts';

/** A point that stays or goes; only some of its components where these were named. */
export interface PlannedPoint {
  readonly point: Point;
  readonly components: readonly PointComponent[];
}

/** A point that stays, and why. */
export interface KeptPoint extends PlannedPoint {
  readonly reasons: readonly string[];
}

export interface ForgetGroup {
  readonly key: SnapshotGroup<RetentionSnapshot>['key'] & { readonly components?: readonly string[] };
  /** Newest first. */
  readonly keep: readonly KeptPoint[];
  readonly remove: readonly PlannedPoint[];
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  /** Full ids of snapshots. */
  readonly remove: readonly string[];
  readonly keep: readonly string[];
}

export interface RetentionRules {
  readonly policy: RetentionPolicy;
  /** `by.paths` means the paths and the components of the whole point. */
  readonly by: GroupBy;
  readonly now: Date;
  /** Points that the policy is not asked about, and that stay. */
  readonly others?: readonly Point[];
}

/**
 * Applies a policy to each group of points. Whatever the groups are, the point with the newest snapshot of a component of a host stays, and so
 * does what anything that stays cannot be restored without.
 *
 * @throws HoldfastError `usage` for a policy that makes no sense
 */
export function planForget(points: readonly Point[], { policy, by, now, others = [] }: RetentionRules): ForgetPlan {
  const newest = new Set(newestOfComponents(points.flatMap(({ components }) => components)).map(({ id }) => id));
  const judged = groupPointsBy(points, by).map(({ key, members }) => {
    const byId = new Map(members.map((point) => [point.id, point]));
    const plan = planRetention(members.map(toRetention), policy, now);
    const isNewest = (id: string): boolean => byId.get(id)?.components.some((component) => newest.has(component.id)) === true;
    const saved = plan.remove.filter(isNewest).map((id) => ({ id, reasons: ['newest of its component'] }));
    return {
      key,
      keep: [...plan.keep, ...saved].flatMap(({ id, reasons }) => wholePoint(byId, id).map((planned) => ({ ...planned, reasons }))),
      remove: plan.remove.filter((id) => !isNewest(id)).flatMap((id) => wholePoint(byId, id)),
    };
  });
  const groups = keepNeeded(judged, others);
  return {
    groups,
    remove: groups.flatMap(({ remove }) => remove.flatMap(idsOf)),
    keep: [...groups.flatMap(({ keep }) => keep.flatMap(idsOf)), ...others.flatMap(({ components }) => components.map(({ id }) => id))],
  };
}

/** Takes back what was to go and is needed by what stays, with the reason. What is taken back keeps what it needs in turn. */
function keepNeeded(groups: readonly ForgetGroup[], others: readonly Point[]): ForgetGroup[] {
  const going = groups.flatMap(({ remove }) => remove.map(({ point }) => point));
  const staying = [...groups.flatMap(({ keep }) => keep.map(({ point }) => point)), ...others].toSorted(newestFirst);
  const all = [...going, ...staying];
  const named = nameSnapshots(all.flatMap(({ components }) => components));
  const goes = new Map(going.flatMap((point) => point.components.map(({ id }) => [id, point] as const)));
  const neededBy = new Map<Point, Point>();
  // A list is walked to its end, also to what is added on the way.
  for (const point of staying)
    for (const name of point.components.flatMap(({ tags }) => tags.needs ?? [])) {
      const needed = goes.get(named.get(name)?.id ?? '');
      if (needed === undefined || neededBy.has(needed)) continue;
      neededBy.set(needed, point);
      staying.push(needed);
    }
  return groups.map(({ key, keep, remove }) => ({
    key,
    keep: [
      ...keep,
      ...remove.flatMap((planned) => {
        const by = neededBy.get(planned.point);
        return by === undefined ? [] : [{ ...planned, reasons: [`needed by ${shortOf(by)}`] }];
      }),
    ].toSorted((a, b) => newestFirst(a.point, b.point)),
    remove: remove.filter(({ point }) => !neededBy.has(point)),
  }));
}

/**
 * Exactly these snapshots go. Throws `point-needed` for the last one of a component, unless forced, and `point-needed-by` for one that another,
 * which stays, cannot be restored without.
 */
export function planForgetThese(points: readonly Point[], chosen: readonly PointComponent[], force: boolean): ForgetPlan {
  const all = points.flatMap(({ components }) => components);
  const remove = new Set(chosen.map(({ id }) => id));
  const keep = all.filter(({ id }) => !remove.has(id));
  const last = newestOfComponents(all).find((snapshot) => remove.has(snapshot.id) && !keep.some((other) => sameComponent(other, snapshot)));
  if (last !== undefined && !force)
    throw new HoldfastError('point-needed', {
      id: last.id.slice(0, 8),
      component: last.tags.component,
      host: last.snapshot.hostname ?? '',
    });
  assertNotNeeded(points, remove);
  const removed = points
    .map((point) => ({ point, components: point.components.filter(({ id }) => remove.has(id)) }))
    .filter(({ components }) => components.length > 0);
  return { groups: [{ key: {}, keep: [], remove: removed }], remove: [...remove], keep: keep.map(({ id }) => id) };
}

/** Points that need one that is to go are named up to this many. */
const mostNamed = 8;

function assertNotNeeded(points: readonly Point[], remove: ReadonlySet<string>): void {
  const named = nameSnapshots(points.flatMap(({ components }) => components));
  const needed = new Map<PointComponent, Set<Point>>();
  for (const point of points)
    for (const { tags } of point.components.filter(({ id }) => !remove.has(id)))
      for (const name of tags.needs ?? []) {
        const snapshot = named.get(name);
        if (snapshot !== undefined && remove.has(snapshot.id)) needed.set(snapshot, (needed.get(snapshot) ?? new Set()).add(point));
      }
  for (const [snapshot, by] of needed) {
    const names = [...by].map(shortOf);
    const others = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
    throw new HoldfastError('point-needed-by', { id: shortOf(snapshot), by: `${names.slice(0, mostNamed).join(', ')}${others}` });
  }
}

interface PointGroup {
  readonly key: ForgetGroup['key'];
  readonly members: readonly Point[];
}

/** Two components may have the same path, under different names: they are different sets all the same. */
function groupPointsBy(points: readonly Point[], by: GroupBy): PointGroup[] {
  const byId = new Map(points.map((point) => [point.id, point]));
  return groupSnapshots(points.map(toRetention), by).flatMap(({ key, snapshots }): PointGroup[] => {
    const members = snapshots.flatMap(({ id }) => byId.get(id) ?? []);
    if (by.paths !== true) return [{ key, members }];
    const sets = Map.groupBy(members, (point) => componentNames(point).toSorted().join('\n'));
    return [...sets.values()].map((set) => ({
      key: { ...key, components: set.slice(0, 1).flatMap(componentNames).toSorted() },
      members: set,
    }));
  });
}

function newestOfComponents(snapshots: readonly PointComponent[]): PointComponent[] {
  const newest: PointComponent[] = [];
  for (const snapshot of snapshots.toSorted((a, b) => Date.parse(b.snapshot.time) - Date.parse(a.snapshot.time))) {
    if (!newest.some((other) => sameComponent(other, snapshot))) newest.push(snapshot);
  }
  return newest;
}

function sameComponent(a: PointComponent, b: PointComponent): boolean {
  return a.tags.component === b.tags.component && a.snapshot.hostname === b.snapshot.hostname;
}

/** Tags that only tell how a point is held together differ from point to point, and would put each in a group of its own. */
function toRetention(point: Point): RetentionSnapshot {
  return {
    id: point.id,
    time: new Date(point.time),
    utcOffset: offsetOf(point.time),
    tags: [...new Set(point.components.flatMap(({ snapshot }) => (snapshot.tags ?? []).filter((tag) => !isBond(tag))))],
    host: point.host,
    paths: pathsOf(point),
  };
}

/** Minutes east of UTC at the end of an RFC 3339 time. */
function offsetOf(time: string): number {
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)$/.exec(time) ?? [];
  return sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

function wholePoint(byId: ReadonlyMap<string, Point>, id: string): PlannedPoint[] {
  const point = byId.get(id);
  return point === undefined ? [] : [{ point, components: point.components }];
}

function idsOf({ components }: PlannedPoint): string[] {
  return components.map(({ id }) => id);
}

function newestFirst(a: Point, b: Point): number {
  return Date.parse(b.time) - Date.parse(a.time);
}

function shortOf({ id }: { readonly id: string }): string {
  return id.slice(0, 8);
}
