/** What a copy would bring to another repository: for a dry run. Nothing is written, not even a lock. */
import { findCopies, type CopiedSnapshot } from '../engine/copy/copy-snapshots.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { findPoint } from './find-point.ts';
import { withNeeded } from './point-needs.ts';
import type { PointRequest } from './point-request.ts';
import { loadPoints, type Point, type PointComponent } from './points.ts';

export interface CopyPlan {
  readonly missing: readonly { readonly point: Point; readonly component: PointComponent }[];
  /** Those that are there already. */
  readonly present: readonly CopiedSnapshot[];
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
  const pointOf = new Map(all.flatMap((point) => point.components.map((component) => [component, point] as const)));
  const { snapshots: chosen } = withNeeded(
    found.flatMap(({ components }) => components),
    [...pointOf.keys()],
  );
  const { missing, present } = to === undefined ? { missing: chosen, present: [] } : await findCopies(chosen, to);
  return { missing: missing.flatMap((component) => withPoint(component, pointOf.get(component))), present };
}

function withPoint(component: PointComponent, point: Point | undefined): CopyPlan['missing'] {
  return point === undefined ? [] : [{ point, component }];
}
