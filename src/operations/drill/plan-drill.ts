/** What a drill will restore: a plain value, shown before anything is done. */
import type { Configuration } from '../../config/configuration.ts';
import type { DrillConfiguration } from '../../config/drill-configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { EventSink } from '../../events.ts';
import { HoldfastError } from '../../errors.ts';
import { findManifests, readManifestOf } from '../application/find-manifest.ts';
import type { ApplicationManifest } from '../application/application-manifest.ts';
import { findPoint } from '../find-point.ts';
import { applicationOf, isOwnPoint, loadPoints, type Point } from '../points.ts';
import { captureRank } from '../back-up.ts';
import type { PlannedComponent } from './drill-run.ts';

export interface DrillPlan {
  readonly drill: DrillConfiguration;
  /** The point that is meant; components that it does not have come from the newest before it. */
  readonly point: Point;
  readonly components: readonly PlannedComponent[];
  /** What somebody should know before, a line each. */
  readonly remarks: readonly string[];
}

export interface DrillRequest {
  readonly drill: DrillConfiguration;
  /** As the user said it; the newest that has what is wanted where it is not said. */
  readonly point?: string;
}

/** Changes nothing. Throws `snapshot-missing`, `component-unknown`, `damaged`. */
export async function planDrill(
  repository: Repository,
  { drill, point: named }: DrillRequest,
  configuration: Configuration | undefined,
  events: EventSink,
): Promise<DrillPlan> {
  const points = (await loadPoints(repository)).filter(isOwnPoint);
  const ofApplication = configuration === undefined ? points : points.filter((point) => applicationOf(point) === configuration.application);
  // What was saved without a configuration may be drilled with one: it has to be named.
  const name = named ?? 'latest';
  const { point } = findPoint(/^[0-9a-f]+$/.test(name) || ofApplication.length === 0 ? points : ofApplication, {
    name,
    now: repository.clock.now(),
    events,
  });
  const alike = points.filter((each) => each.host === point.host && applicationOf(each) === applicationOf(point));
  const until = alike.slice(0, alike.findIndex(({ id }) => id === point.id) + 1);
  const wanted = drill.components.length === 0 ? namesOf(point, configuration) : drill.components;
  const manifests = new Map<string, ApplicationManifest | undefined>();
  const components: PlannedComponent[] = [];
  const remarks: string[] = [];
  for (const component of wanted) {
    const from = until.findLast(({ components: its }) => its.some(({ tags }) => tags.component === component));
    const snapshot = from?.components.find(({ tags }) => tags.component === component);
    if (from === undefined || snapshot === undefined) {
      if (drill.components.length > 0)
        throw new HoldfastError('snapshot-missing', {
          name: point.id.slice(0, 8),
          reason: `neither it nor a point before it has a component "${component}"`,
        });
      remarks.push(`no point has the component "${component}"`);
      continue;
    }
    if (from.id !== point.id) remarks.push(`"${component}" is in the point ${from.id.slice(0, 8)} of ${from.time}, and in no later one`);
    if (!manifests.has(from.id))
      manifests.set(from.id, findManifests([from]).length === 0 ? undefined : await readManifestOf(repository, from));
    const saved = manifests.get(from.id)?.components.find((each) => each.name === component && each.status === 'saved');
    const source = configuration?.components.find((each) => each.name === component)?.source;
    components.push({
      name: component,
      kind: snapshot.tags.kind,
      point: from.id,
      snapshot,
      ...(source === undefined ? {} : { source }),
      ...(saved === undefined ? {} : { saved }),
    });
  }
  return { drill, point, components: components.toSorted((a, b) => captureRank(a.kind) - captureRank(b.kind)), remarks };
}

/** Those of the configuration, and what the point has beside them; never what describes the point itself. */
function namesOf(point: Point, configuration: Configuration | undefined): string[] {
  const inPoint = point.components.flatMap(({ tags }) => (tags.kind === 'point' || tags.kind === 'report' ? [] : [tags.component]));
  return [...new Set([...(configuration?.components.map(({ name }) => name) ?? []), ...inPoint])];
}
