/** What commands read of a repository, for those that retrieve it first. */
import type { EventSink } from '../events.ts';
import { findManifests } from './application/find-manifest.ts';
import { findPoint } from './find-point.ts';
import { withNeeded } from './point-needs.ts';
import type { PointRequest } from './point-request.ts';
import { applicationOf, type Point, type PointComponent } from './points.ts';
import type { RetrievalScope } from './retrieve.ts';

export interface ScopeFacts {
  readonly now: Date;
  readonly events?: EventSink;
}

/** A point, or what lies below a path of it. */
export function scopeOfPoint(point: PointRequest, path: string | undefined, facts: ScopeFacts): RetrievalScope {
  return { path, choose: (points) => needed(findPoint(points, { ...point, ...facts }).components, points) };
}

/** A whole application: of each of its components the newest up to the point that is recovered. */
export function scopeOfRecovery(
  { name, application }: { readonly name?: string | undefined; readonly application?: string | undefined },
  facts: ScopeFacts,
): RetrievalScope {
  return {
    choose: (points) => {
      const whole = findManifests(points, application === undefined ? {} : { application });
      if (whole.length === 0) return []; // the recovery itself tells
      const base = name === undefined ? whole.at(-1) : findPoint(/^[0-9a-f]+$/.test(name) ? points : whole, { name, ...facts }).point;
      const alike = points.filter((point) => point.host === base?.host && applicationOf(point) === applicationOf(base));
      return needed(newestOfEach(alike, new Date(base?.time ?? facts.now)), points);
    },
  };
}

/** A server as it was at a moment: its newest base backup before that. */
export function scopeOfMoment(point: PointRequest, until: Date | undefined, facts: ScopeFacts): RetrievalScope {
  return {
    choose: (points) => {
      const isBase = ({ tags }: PointComponent): boolean =>
        tags.kind === 'postgres-base' && (point.component ?? tags.component) === tags.component;
      const bases = points.map((each) => ({ ...each, components: each.components.filter(isBase) }));
      return needed(newestOfEach(bases, until ?? facts.now), points);
    },
  };
}

function newestOfEach(points: readonly Point[], until: Date): PointComponent[] {
  const newest = new Map<string, PointComponent>();
  for (const { time, components } of points)
    if (Date.parse(time) <= until.getTime()) for (const component of components) newest.set(component.tags.component, component);
  return [...newest.values()];
}

function needed(components: readonly PointComponent[], points: readonly Point[]): readonly PointComponent[] {
  return withNeeded(
    components,
    points.flatMap((each) => each.components),
  ).snapshots;
}
