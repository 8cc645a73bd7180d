/** What a copy would bring to another repository: for a dry run. Nothing is written, not even a lock. */
import { parseTime } from '../engine/tree/time.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { loadSnapshots, type LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import { findPoint } from './find-point.ts';
import type { PointRequest } from './point-request.ts';
import { loadPoints, type Point, type PointComponent } from './points.ts';

export interface CopyPlan {
  readonly missing: readonly { readonly point: Point; readonly component: PointComponent }[];
  /** Full ids of those that are there already. */
  readonly present: readonly { readonly from: string; readonly to: string }[];
}

export interface CopyPlanRequest {
  readonly from: Repository;
  /** Undefined where there is no repository to copy to yet. */
  readonly to: Repository | undefined;
  /** All when empty. */
  readonly points: readonly PointRequest[];
}

/** Throws `snapshot-missing`, `damaged`. */
export async function planCopy({ from, to, points }: CopyPlanRequest, { events }: Pick<RunContext, 'events'>): Promise<CopyPlan> {
  const all = await loadPoints(from);
  const now = from.clock.now();
  const found =
    points.length === 0
      ? all.map((point) => ({ point, components: point.components }))
      : points.map((point) => findPoint(all, { ...point, now, events }));
  const there = to === undefined ? [] : await loadSnapshots(to);
  const missing = new Map<string, CopyPlan['missing'][number]>();
  const present = new Map<string, CopyPlan['present'][number]>();
  for (const { point, components } of found) {
    for (const component of components) {
      const copy = there.find((each) => isCopyOf(each, component));
      if (copy === undefined) missing.set(component.id, { point, component });
      else present.set(component.id, { from: component.id, to: copy.id });
    }
  }
  return { missing: [...missing.values()], present: [...present.values()] };
}

/* By the same signs by which a copy passes over what is there: the first of all copies, or the same state of the same paths. */
function isCopyOf(a: LoadedSnapshot, b: LoadedSnapshot): boolean {
  if (a.snapshot.tree !== b.snapshot.tree) return false;
  if ((a.snapshot.original ?? a.id) === (b.snapshot.original ?? b.id)) return true;
  const [paths, others] = [a.snapshot.paths.toSorted(), b.snapshot.paths.toSorted()];
  const sameTime = parseTime(a.snapshot.time) === parseTime(b.snapshot.time);
  return sameTime && a.snapshot.hostname === b.snapshot.hostname && JSON.stringify(paths) === JSON.stringify(others);
}
