/** Points that were named one by one. Pure. */
import { HoldfastError } from '../../errors.ts';
import { idsOf, shortOf, type ForgetPlan, type PlannedPoint, type Safeguards } from '../forget-plan.ts';
import { nameSnapshots, withNeeded } from '../point-needs.ts';
import type { Point, PointComponent } from '../points.ts';

/**
 * Exactly these snapshots go. Throws `point-held`; `point-needed` for the last one of a component, unless forced; `point-needed-by` for one that
 * another, which stays, cannot be restored without.
 */
export function planForgetThese(
  points: readonly Point[],
  chosen: readonly PointComponent[],
  force: boolean,
  { held = new Map(), locked = new Map() }: Safeguards = {},
): ForgetPlan {
  const all = points.flatMap(({ components }) => components);
  const asked = new Set(chosen.map(({ id }) => id));
  for (const { id } of chosen) {
    const reason = held.get(id);
    const of = points.find(({ components }) => components.some((component) => component.id === id));
    if (reason !== undefined && of !== undefined) throw new HoldfastError('point-held', { id: shortOf(of), reason });
  }
  const keep = all.filter(({ id }) => !asked.has(id));
  const last = newestOfComponents(all).find((snapshot) => asked.has(snapshot.id) && !keep.some((other) => sameComponent(other, snapshot)));
  if (last !== undefined && !force)
    throw new HoldfastError('point-needed', {
      id: last.id.slice(0, 8),
      component: last.tags.component,
      host: last.snapshot.hostname ?? '',
    });
  assertNotNeeded(points, asked);
  // What is locked stays, and so does what it needs.
  const stuck = new Set(
    withNeeded(
      chosen.filter(({ id }) => locked.has(id)),
      all,
    ).snapshots.map(({ id }) => id),
  );
  const pick = (isPicked: (component: PointComponent) => boolean): PlannedPoint[] =>
    points.map((point) => ({ point, components: point.components.filter(isPicked) })).filter(({ components }) => components.length > 0);
  const groups = [{ key: {}, keep: [], remove: pick(({ id }) => asked.has(id) && !stuck.has(id)) }];
  const waiting = pick(({ id }) => asked.has(id) && stuck.has(id)).map((planned) => ({
    ...planned,
    until: new Date(Math.max(...[...locked].filter(([id]) => stuck.has(id)).map(([, until]) => until.getTime()))),
  }));
  return {
    groups,
    remove: groups.flatMap(({ remove }) => remove.flatMap(idsOf)),
    keep: [...keep.map(({ id }) => id), ...waiting.flatMap(idsOf)],
    waiting,
    isLarge: false,
  };
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
