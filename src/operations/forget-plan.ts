/** What a retention policy does to the points of a repository: a plain value that is shown before anything is done. Pure. */
import { HoldfastError } from '../errors.ts';
import { groupSnapshots, type GroupBy, type SnapshotGroup } from '../policy/group-snapshots.ts';
import { planRetention, type RetentionPolicy, type RetentionSnapshot } from '../policy/retention.ts';
import type { Point, PointComponent } from './points.ts';

/** A snapshot that stays, and why. */
export interface KeptSnapshot {
  readonly snapshot: PointComponent;
  readonly reasons: readonly string[];
}

export interface ForgetGroup {
  readonly key: SnapshotGroup<RetentionSnapshot>['key'];
  /** Newest first. */
  readonly keep: readonly KeptSnapshot[];
  readonly remove: readonly PointComponent[];
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  /** Full ids. */
  readonly remove: readonly string[];
  readonly keep: readonly string[];
}

/**
 * Applies a policy to each group of snapshots. Whatever the groups are, the newest snapshot of a component of a host stays.
 *
 * @throws HoldfastError `usage` for a policy that makes no sense
 */
export function planForget(points: readonly Point[], policy: RetentionPolicy, by: GroupBy, now: Date): ForgetPlan {
  const snapshots = points.flatMap(({ components }) => components);
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  const newest = new Set(newestOfComponents(snapshots).map(({ id }) => id));
  const groups = groupSnapshots(snapshots.map(toRetention), by).map(({ key, snapshots: members }) => {
    const plan = planRetention(members, policy, now);
    const saved = plan.remove.filter((id) => newest.has(id));
    const keep = [...plan.keep, ...saved.map((id) => ({ id, reasons: ['newest of its component'] }))];
    return {
      key,
      keep: keep.flatMap(({ id, reasons }) => withSnapshot(byId, id).map((snapshot) => ({ snapshot, reasons }))),
      remove: plan.remove.filter((id) => !newest.has(id)).flatMap((id) => withSnapshot(byId, id)),
    };
  });
  return {
    groups,
    remove: groups.flatMap(({ remove }) => remove.map(({ id }) => id)),
    keep: groups.flatMap(({ keep }) => keep.map(({ snapshot }) => snapshot.id)),
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
  const group: ForgetGroup = { key: {}, keep: [], remove: all.filter(({ id }) => remove.has(id)) };
  return { groups: [group], remove: [...remove], keep: keep.map(({ id }) => id) };
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

function toRetention({ id, snapshot }: PointComponent): RetentionSnapshot {
  return {
    id,
    time: new Date(snapshot.time),
    utcOffset: offsetOf(snapshot.time),
    tags: snapshot.tags ?? [],
    host: snapshot.hostname ?? '',
    paths: snapshot.paths,
  };
}

/** Minutes east of UTC at the end of an RFC 3339 time. */
function offsetOf(time: string): number {
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)$/.exec(time) ?? [];
  return sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

function withSnapshot(byId: ReadonlyMap<string, PointComponent>, id: string): PointComponent[] {
  const snapshot = byId.get(id);
  return snapshot === undefined ? [] : [snapshot];
}
