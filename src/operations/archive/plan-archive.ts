/** Chooses what an archive holds. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError } from '../../errors.ts';
import { readManifestOf } from '../application/find-manifest.ts';
import { captureRank } from '../back-up.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { findPoint } from '../find-point.ts';
import type { PointRequest } from '../point-request.ts';
import { applicationOf, isOwnPoint, loadPoints, type Point, type PointComponent } from '../points.ts';
import { archiveName } from './archive-names.ts';
import type { ArchivePlan } from './archive-plan.ts';
import type { ArchiveCompression } from './compress.ts';
import { planItems } from './plan-items.ts';

export interface ArchiveRequest {
  readonly point: PointRequest;
  /** Only these components; all by default. */
  readonly components?: readonly string[];
  /** What its name begins with; the application's name, or the host's, by default. */
  readonly prefix?: string;
  readonly compression: ArchiveCompression;
  readonly oneFile: boolean;
}

/** Nothing is written. Throws `snapshot-missing`, `damaged`. */
export async function planArchive(
  repository: Repository,
  request: ArchiveRequest & { readonly withSecrets: boolean },
  { events, signal }: RunContext,
): Promise<ArchivePlan> {
  const points = await loadPoints(repository);
  const { point, components: found } = findPoint(points, { ...request.point, now: repository.clock.now(), events });
  const { chosen, older } = await completePoint(repository, points, point, found, request);
  for (const { component, time } of older)
    events({ type: 'notice', message: `"${component}" is archived as of ${time}: the point ${point.id.slice(0, 8)} did not save it.` });
  const application = applicationOf(point);
  const components = chosen.toSorted((a, b) => restoreRank(a) - restoreRank(b));
  const time = new Date(point.time);
  const items = await planItems({
    repository,
    components,
    time,
    withSecrets: request.withSecrets,
    open: (snapshot) => openCapturedTree(repository, snapshot, signal),
    events,
    signal,
  });
  if (items.length === 0) throw new HoldfastError('snapshot-missing', { name: request.point.name, reason: 'it holds nothing to archive' });
  return {
    name: archiveName(request.prefix ?? application ?? point.host, time),
    ...(application === undefined ? {} : { application }),
    point: { id: point.id, time: point.time, host: point.host },
    older,
    components,
    items,
    compression: request.compression,
    oneFile: request.oneFile,
  };
}

interface Completed {
  readonly chosen: readonly PointComponent[];
  readonly older: ArchivePlan['older'];
}

/**
 * Components have schedules of their own: what the configuration names and this point did not save comes from the newest point before, as in a recovery.
 * Throws `snapshot-missing` for a component that was asked for and is nowhere.
 */
async function completePoint(
  repository: Repository,
  points: readonly Point[],
  point: Point,
  found: readonly PointComponent[],
  { components: wanted, point: { name } }: ArchiveRequest,
): Promise<Completed> {
  const has = (component: string): boolean => found.some(({ tags }) => tags.component === component);
  const absent = wanted?.filter((component) => !has(component)) ?? (await absentIn(repository, point, found));
  const earlier = points
    .filter((each) => isOwnPoint(each) && each.host === point.host && applicationOf(each) === applicationOf(point))
    .filter((each) => Date.parse(each.time) <= Date.parse(point.time))
    .toReversed();
  const older = absent.flatMap((component) => {
    const holder = earlier.find((each) => each.components.some(({ tags }) => tags.component === component));
    const snapshot = holder?.components.find(({ tags }) => tags.component === component);
    return snapshot === undefined ? [] : [snapshot];
  });
  const missing = wanted?.find((component) => !has(component) && older.every(({ tags }) => tags.component !== component));
  if (missing !== undefined)
    throw new HoldfastError('snapshot-missing', { name, reason: `neither it nor a point before it has a component "${missing}"` });
  const kept = found.filter(({ tags }) => wanted === undefined || wanted.includes(tags.component) || tags.kind === 'point');
  return {
    chosen: [...kept, ...older].filter(({ tags }) => tags.kind !== 'report'),
    older: older.map(({ tags, snapshot }) => ({ component: tags.component, time: snapshot.time })),
  };
}

/** Only a point as a whole is completed. */
async function absentIn(repository: Repository, point: Point, found: readonly PointComponent[]): Promise<readonly string[]> {
  if (found.length < point.components.length || !found.some(({ tags }) => tags.kind === 'point')) return [];
  const manifest = await readManifestOf(repository, point);
  const failed = manifest.components.filter(({ status }) => status === 'failed');
  return [...manifest.skipped, ...failed].map(({ name }) => name);
}

/** Code and configuration first, then data, logs and records last. */
function restoreRank({ tags: { kind } }: PointComponent): number {
  if (kind === 'code') return 0;
  if (kind === 'config') return 1;
  if (kind === 'logs') return 20;
  return kind === 'point' ? 30 : 2 + captureRank(kind);
}
