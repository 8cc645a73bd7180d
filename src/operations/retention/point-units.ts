/**
 * What stays or goes as one: a whole point, half of which would be nothing to restore from; but a component with rules of its own goes for itself.
 * Pure.
 */
import { groupSnapshots, type GroupBy, type SnapshotGroup } from '../../policy/group-snapshots.ts';
import type { RetentionPolicy, RetentionSnapshot } from '../../policy/retention.ts';
import { lastingName } from '../point-needs.ts';
import { isBond } from '../point-tags.ts';
import { isOwnPoint, type Point, type PointComponent } from '../points.ts';

/** Rules of single components, by their names. */
export interface ComponentRules {
  /** Only points of this application are meant. */
  readonly application: string;
  readonly policies: ReadonlyMap<string, RetentionPolicy>;
}

/** Components of one point that stay or go together. */
export interface PointUnit {
  readonly point: Point;
  readonly components: readonly PointComponent[];
  /** A component of that run is missing, and no rule has removed it. */
  readonly isPartial: boolean;
}

export interface UnitGroup {
  readonly key: SnapshotGroup<RetentionSnapshot>['key'] & { readonly components?: readonly string[] };
  readonly policy: RetentionPolicy;
  readonly members: readonly PointUnit[];
}

/** The kind of the snapshot that holds a point's manifest: it is of use as long as anything of that point is there. */
export const manifestKind = 'point';

export interface Grouping {
  readonly policy: RetentionPolicy;
  readonly by: GroupBy;
  readonly components?: ComponentRules | undefined;
}

/**
 * The groups that rules are applied to. A manifest whose point has components with rules of their own is in no group: it stays as long as any of
 * the others. What a restore saved before it overwrote it is never in one group with backups.
 */
export function groupUnits(points: readonly Point[], grouping: Grouping): UnitGroup[] {
  const { own, rest } = splitPoints(points, grouping.components);
  const [safety, backups] = [rest.filter(({ point }) => !isOwnPoint(point)), rest.filter(({ point }) => isOwnPoint(point))];
  return [...groupRest(backups, grouping), ...groupRest(safety, grouping), ...groupOwn(own, grouping)];
}

function splitPoints(points: readonly Point[], rules: ComponentRules | undefined): { own: PointUnit[]; rest: PointUnit[] } {
  const own: PointUnit[] = [];
  const rest: PointUnit[] = [];
  for (const point of points) {
    const isOwn = ({ tags }: PointComponent): boolean =>
      rules !== undefined && tags.application === rules.application && rules.policies.has(tags.component) && isOwnPoint(point);
    const alone = point.components.filter(isOwn);
    own.push(...alone.map((component) => ({ point, components: [component], isPartial: false })));
    const others = point.components.filter((component) => !isOwn(component));
    const isOnlyManifest = alone.length > 0 && others.every(({ tags }) => tags.kind === manifestKind);
    if (!isOnlyManifest) rest.push({ point, components: others, isPartial: false });
  }
  return { own, rest: judgeWholeness(rest, rules) };
}

/** Whose components are not all there: but for those that rules of their own have removed. */
function judgeWholeness(units: readonly PointUnit[], rules: ComponentRules | undefined): PointUnit[] {
  const whole = Map.groupBy(
    units.filter((unit) => missingOf(unit) <= 0),
    kinOf,
  );
  return units.map((unit) => {
    const missing = missingOf(unit);
    if (missing <= 0) return unit;
    const others = whole.get(kinOf(unit)) ?? [];
    if (others.some((other) => namesOf(other).join('\n') === namesOf(unit).join('\n'))) return unit;
    const removable = [...(rules?.policies.keys() ?? [])].filter(
      (name) => !unit.point.components.some(({ tags }) => tags.component === name),
    );
    // By what they hold: one that was made without a manifest is no less than those with one.
    const own = contentOf(unit);
    const isLessThanOthers = others.some((other) => own.length < contentOf(other).length && isSubset(own, contentOf(other)));
    return { ...unit, isPartial: isLessThanOthers || missing > removable.length };
  });
}

function missingOf({ point: { components } }: PointUnit): number {
  return Math.max(...components.map(({ tags }) => tags.parts)) - components.length;
}

/** Points that were to have as many components, of the same host and application, were made alike; what a restore saved was not. */
function kinOf({ point }: PointUnit): string {
  const { host, components } = point;
  const application = components.find(({ tags }) => tags.application !== undefined)?.tags.application;
  return JSON.stringify([host, application, Math.max(...components.map(({ tags }) => tags.parts)), isOwnPoint(point)]);
}

/** Two components may have the same path, under different names: they are different sets all the same. A partial point is beside the whole ones. */
function groupRest(units: readonly PointUnit[], { policy, by }: Grouping): UnitGroup[] {
  const byId = new Map(units.map((unit) => [unit.point.id, unit]));
  const grouped = groupSnapshots(units.map(toRetention), by).flatMap(({ key, snapshots }): UnitGroup[] => {
    const members = snapshots.flatMap(({ id }) => byId.get(id) ?? []);
    if (by.paths !== true) return [{ key, policy, members }];
    return [...Map.groupBy(members, (unit) => namesOf(unit).join('\n')).values()].map((set) => ({
      key: { ...key, components: set.slice(0, 1).flatMap(namesOf) },
      policy,
      members: set,
    }));
  });
  return by.paths === true ? joinPartial(grouped) : grouped;
}

function joinPartial(groups: readonly UnitGroup[]): UnitGroup[] {
  const isWhole = ({ members }: UnitGroup): boolean => members.some(({ isPartial }) => !isPartial);
  const joined = new Map(groups.map((group) => [group, [...group.members]]));
  for (const group of groups.filter((each) => !isWhole(each))) {
    const [partial] = group.members;
    const home = groups.find(
      (other) =>
        isWhole(other) &&
        partial !== undefined &&
        other.members.some((unit) => !unit.isPartial && kinOf(unit) === kinOf(partial)) &&
        isSubset(group.key.components ?? [], other.key.components ?? []) &&
        isSubset(group.key.tags ?? [], other.key.tags ?? []),
    );
    if (home === undefined) continue;
    joined.get(home)?.push(...group.members);
    joined.delete(group);
  }
  return [...joined].map(([group, members]) => ({ ...group, members }));
}

function groupOwn(units: readonly PointUnit[], { by, components: rules }: Grouping): UnitGroup[] {
  const nameOf = ({ components }: PointUnit): string => components[0]?.tags.component ?? '';
  const groups = Map.groupBy(units, (unit) => JSON.stringify([by.host === true ? unit.point.host : undefined, nameOf(unit)]));
  return [...groups.values()].flatMap((members) =>
    members.slice(0, 1).map((first) => ({
      key: { ...(by.host === true ? { host: first.point.host } : {}), components: [nameOf(first)] },
      policy: rules?.policies.get(nameOf(first)) ?? {},
      members,
    })),
  );
}

/** Tags that only tell how a point is held together differ from point to point, and would put each in a group of its own. */
export function toRetention({ point, components, isPartial }: PointUnit): RetentionSnapshot {
  return {
    id: point.id,
    time: new Date(point.time),
    rank: rankOf(point),
    utcOffset: offsetOf(point.time),
    tags: [...new Set(components.flatMap(({ snapshot }) => (snapshot.tags ?? []).filter((tag) => !isBond(tag))))],
    host: point.host,
    paths: [...new Set(components.flatMap(({ snapshot }) => snapshot.paths))],
    isPartial,
  };
}

/** Orders points of one time, and stays the same when rules of their own take components away, the first of the point among them. */
function rankOf({ id, components: [first] }: Point): string {
  return first === undefined ? id : `${first.tags.point ?? lastingName(first)} ${id}`;
}

/** Minutes east of UTC at the end of an RFC 3339 time. */
function offsetOf(time: string): number {
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)$/.exec(time) ?? [];
  return sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

function namesOf({ components }: PointUnit): string[] {
  return components.map(({ tags }) => tags.component).toSorted();
}

function contentOf({ components }: PointUnit): string[] {
  return components.flatMap(({ tags }) => (tags.kind === manifestKind ? [] : tags.component));
}

function isSubset(some: readonly string[], all: readonly string[]): boolean {
  return some.every((name) => all.includes(name));
}
