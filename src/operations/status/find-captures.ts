/** What was saved of each component, and when: from the snapshots' summaries and the manifests of points. Pure, but for `readManifests`. */
import { mapConcurrently } from '../../engine/concurrency.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { sampleHistory } from '../../policy/expectation.ts';
import { pointComponent, reportComponent, type ManifestComponent } from '../application/application-manifest.ts';
import { findManifests, readManifestOf } from '../application/find-manifest.ts';
import type { Point, PointComponent } from '../points.ts';
import type { CaptureFacts } from './status-facts.ts';

const readAtOnce = 8;
const mostManifests = 400;
/** Less new content than this says nothing about what kind it is. */
const leastAdded = 64 * 1024;

/** By the id of the point. */
export type Manifests = ReadonlyMap<string, readonly ManifestComponent[]>;

/**
 * What points say about their components: of each component the newest, and what `sampleHistory` chooses of those before it, which is about a hundred
 * at most, and 400 of all. One that cannot be read is a notice.
 */
export async function readManifests(
  repository: Repository,
  points: readonly Point[],
  events: EventSink,
  known: Manifests = new Map(),
): Promise<Manifests> {
  const found = new Map(known);
  await mapConcurrently(chooseManifests(points), readAtOnce, async (point) => {
    try {
      found.set(point.id, (await readManifestOf(repository, point)).components);
    } catch (error) {
      events({ type: 'notice', message: `The manifest of the point ${point.id.slice(0, 8)} cannot be read: ${reasonOf(error)}` });
    }
  });
  return found;
}

function chooseManifests(points: readonly Point[]): Point[] {
  const dated = findManifests(points).map((point) => ({ at: new Date(point.time), point }));
  const byComponent = new Map<string, typeof dated>();
  for (const each of dated)
    for (const { tags } of each.point.components.filter(isData))
      byComponent.set(tags.component, [...(byComponent.get(tags.component) ?? []), each]);
  const chosen = new Set<Point>();
  for (const members of byComponent.values()) {
    const newest = members.at(-1);
    if (newest === undefined) continue;
    for (const { point } of [newest, ...sampleHistory(members, newest.at).toReversed()]) if (chosen.size < mostManifests) chosen.add(point);
  }
  return [...chosen];
}

function isData({ tags: { kind } }: PointComponent): boolean {
  return kind !== pointComponent && kind !== reportComponent;
}

/** By component, the oldest first. */
export function findCaptures(
  points: readonly Point[],
  proven: ReadonlySet<string>,
  manifests: Manifests,
): ReadonlyMap<string, readonly CaptureFacts[]> {
  const found = new Map<string, { readonly capture: CaptureFacts; readonly component: PointComponent }[]>();
  for (const point of points)
    for (const component of point.components.filter(isData)) {
      const { component: name } = component.tags;
      const members = found.get(name) ?? [];
      members.push({ capture: captureOf(point, component, proven, manifestOf(manifests, point, name)), component });
      found.set(name, members);
    }
  return new Map(
    [...found].map(([name, members]) => {
      const sorted = members.toSorted((a, b) => a.capture.at.getTime() - b.capture.at.getTime());
      return [name, sorted.map(({ capture, component }, index) => ({ ...capture, ...changeOf(component, sorted[index - 1]?.component) }))];
    }),
  );
}

function manifestOf(manifests: Manifests, { id }: Pick<Point, 'id'>, name: string): ManifestComponent | undefined {
  return manifests.get(id)?.find((each) => each.name === name && each.status === 'saved');
}

function captureOf(
  point: Point,
  { id, snapshot, tags }: PointComponent,
  proven: ReadonlySet<string>,
  manifest: ManifestComponent | undefined,
): CaptureFacts {
  const { summary } = snapshot;
  const rows = manifest?.facts['rows'];
  const common = {
    at: new Date(summary?.backup_start ?? snapshot.time),
    point: point.id.slice(0, 8),
    snapshot: id,
    proven: proven.has(id),
    ...(typeof rows === 'number' ? { rows } : {}),
    ...(manifest?.tables === undefined ? {} : { tables: manifest.tables }),
    ...keysIn(tags.kind, manifest),
  };
  // Most base backups hold only what changed: their own size says nothing about the server's, nor does their time.
  if (tags.kind === 'postgres-base') return { ...common, ...sizeOfBase(manifest), isBase: true };
  if (summary === undefined) return common;
  return {
    ...common,
    bytes: summary.total_bytes_processed,
    files: summary.total_files_processed,
    seconds: Math.max(0, Date.parse(summary.backup_end) - Date.parse(summary.backup_start)) / 1000,
  };
}

/** The keys of a Redis server count as the rows of one table. */
function keysIn(kind: string, manifest: ManifestComponent | undefined): Pick<CaptureFacts, 'rows' | 'tables'> {
  const keys = kind === 'redis' ? manifest?.facts['keys'] : undefined;
  return typeof keys === 'number' ? { rows: keys, tables: { redis: { 'all keys': keys } } } : {};
}

function sizeOfBase(manifest: ManifestComponent | undefined): Pick<CaptureFacts, 'bytes' | 'files'> {
  const { baseSize, baseFiles } = manifest?.facts ?? {};
  return {
    ...(typeof baseSize === 'number' ? { bytes: baseSize } : {}),
    ...(typeof baseFiles === 'number' ? { files: baseFiles } : {}),
  };
}

/**
 * How much of what was there before is another now, and what the new looks like. Not of dumps, which have no parent: they are cut anew where rows moved,
 * and what they add says little about what changed.
 */
function changeOf(
  { snapshot, tags }: PointComponent,
  before: PointComponent | undefined,
): Pick<CaptureFacts, 'churn' | 'renamed' | 'entropy'> {
  const { summary } = snapshot;
  if (summary === undefined || tags.kind === 'postgres' || tags.kind === 'postgres-base' || tags.kind === 'redis') return {};
  const entropy = summary.data_added < leastAdded ? {} : { entropy: Math.min(8, (8 * summary.data_added_packed) / summary.data_added) };
  const earlier = before?.snapshot.summary;
  if (earlier === undefined || snapshot.parent === undefined) return entropy;
  const { total_bytes_processed: bytes, total_files_processed: files } = earlier;
  return {
    ...entropy,
    ...(bytes === 0 ? {} : { churn: replacedShare(summary.data_added, summary.total_bytes_processed - bytes, bytes) }),
    ...(files === 0 ? {} : { renamed: replacedShare(summary.files_new, summary.total_files_processed - files, files) }),
  };
}

/** What came in addition replaces nothing. */
function replacedShare(added: number, growth: number, before: number): number {
  return Math.min(1, Math.max(0, added - Math.max(0, growth)) / before);
}
