/**
 * What a retention policy does to the points of a repository: a plain value that is shown before anything is done. Pure. A point stays or goes
 * as a whole: half of one is nothing that could be restored.
 */
import { HoldfastError } from '../errors.ts';
import { groupSnapshots, type GroupBy, type SnapshotGroup } from '../policy/group-snapshots.ts';
import { planRetention, type RetentionPolicy, type RetentionSnapshot } from '../policy/retention.ts';
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

/**
 * Applies a policy to each group of points. `by.paths` means the paths and the components of the whole point. Whatever the groups are, the
 * point with the newest snapshot of a component of a host stays.
 *
 * @throws HoldfastError `usage` for a policy that makes no sense
 */
export function planForget(points: readonly Point[], policy: RetentionPolicy, by: GroupBy, now: Date): ForgetPlan {
  const newest = new Set(newestOfComponents(points.flatMap(({ components }) => components)).map(({ id }) => id));
  const groups = groupPointsBy(points, by).map(({ key, members }) => {
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
  return {
    groups,
    remove: groups.flatMap(({ remove }) => remove.flatMap(idsOf)),
    keep: groups.flatMap(({ keep }) => keep.flatMap(idsOf)),
  };
}

/** Exactly these snapshots go. Throws `point-needed` for the last one of a component, unless forced. */
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
  const removed = points
    .map((point) => ({ point, components: point.components.filter(({ id }) => remove.has(id)) }))
    .filter(({ components }) => components.length > 0);
  return { groups: [{ key: {}, keep: [], remove: removed }], remove: [...remove], keep: keep.map(({ id }) => id) };
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
    tags: [...new Set(point.components.flatMap(({ snapshot }) => (snapshot.tags ?? []).filter((tag) => !/^p(oint|arts):/.test(tag))))],
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
