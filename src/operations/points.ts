/** Recovery points: what the snapshots of a repository mean to its user. Pure, but for `loadPoints`. */
import type { Repository } from '../engine/repository.ts';
import type { LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import { loadSnapshots } from '../engine/snapshots/load-snapshots.ts';
import { describeLacking, findLacking } from './point-needs.ts';
import { pointDigits, readTags, type PointTags } from './point-tags.ts';

export interface PointComponent extends LoadedSnapshot {
  readonly tags: PointTags;
}

export interface Point {
  /** The id of its first snapshot. */
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  readonly host: string;
  /** In the order they were saved. */
  readonly components: readonly PointComponent[];
  /** `partial` where a component of that run is missing; `broken` where one builds on what is gone, and cannot be restored. */
  readonly status: 'complete' | 'partial' | 'broken';
  /** Of a broken one: the beginnings of the ids of what is gone, by the ids of the snapshots that need it. */
  readonly lacking?: ReadonlyMap<string, readonly string[]>;
}

/** The points that these snapshots (oldest first) make, oldest first. */
export function groupPoints(snapshots: readonly LoadedSnapshot[]): Point[] {
  const groups = new Map<string, PointComponent[]>();
  // Thousands of snapshots have the same tags, and where they were read from one file the same list of them.
  const known = new Map<readonly string[] | undefined, PointTags>();
  for (const loaded of snapshots) {
    const list = loaded.snapshot.tags;
    const tags = known.get(list) ?? readTags(list);
    known.set(list, tags);
    // A snapshot that was copied or tagged anew has a new id; what its companions call it is the original's.
    const name = tags.point ?? (loaded.snapshot.original ?? loaded.id).slice(0, pointDigits);
    const group = groups.get(name);
    // A second snapshot of the same component is not part of that run: somebody made a copy of it.
    if (group === undefined) groups.set(name, [{ ...loaded, tags }]);
    else if (group.some(({ tags: other }) => other.component === tags.component)) groups.set(loaded.id, [{ ...loaded, tags }]);
    else group.push({ ...loaded, tags });
  }
  const lacking = findLacking([...groups.values()].flat());
  const points = [...groups.values()].map(pointOf);
  return lacking.size === 0 ? points : points.map((point) => markBroken(point, lacking));
}

function markBroken(point: Point, all: ReadonlyMap<string, readonly string[]>): Point {
  const lacking = new Map(point.components.flatMap(({ id }) => (all.has(id) ? [[id, all.get(id) ?? []] as const] : [])));
  return lacking.size === 0 ? point : { ...point, status: 'broken', lacking };
}

/** Whether none of these components builds on what is gone. */
export function canBeRestored({ lacking }: Point, components: readonly PointComponent[]): boolean {
  return lacking === undefined || components.every(({ id }) => !lacking.has(id));
}

/** Every point of a repository, oldest first. */
export async function loadPoints(repository: Repository): Promise<Point[]> {
  return groupPoints(await loadSnapshots(repository));
}

function pointOf(members: readonly PointComponent[]): Point {
  const components = members.length === 1 ? members : inOrder(members);
  const [first] = components;
  if (first === undefined) throw new TypeError('a point has at least one snapshot');
  const expected = Math.max(...components.map(({ tags }) => tags.parts));
  return {
    id: first.id,
    time: first.snapshot.time,
    host: first.snapshot.hostname ?? '',
    components,
    status: components.length < expected ? 'partial' : 'complete',
  };
}

function inOrder(members: readonly PointComponent[]): PointComponent[] {
  const leader = members.find(({ tags }) => tags.point === undefined);
  const others = members.filter((member) => member !== leader).toSorted((a, b) => beganAt(a) - beganAt(b));
  return leader === undefined ? others : [leader, ...others];
}

/** All snapshots of a point have its time; when each was begun stands in its summary. */
function beganAt({ snapshot }: PointComponent): number {
  return Date.parse(snapshot.summary?.backup_start ?? snapshot.time);
}

/** The tag of what a restore saves before it overwrites it. */
export const safetyTag = 'safety';

/** Whether a point holds data of its own: not a copy of what a restore was about to overwrite, and not a report. `latest` means the newest such point. */
export function isOwnPoint({ components }: Point): boolean {
  return components.some(({ tags }) => tags.kind !== 'report' && !tags.own.includes(safetyTag));
}

/** The application that made a point; undefined where it was made without a configuration. */
export function applicationOf({ components }: Point): string | undefined {
  return components.find(({ tags }) => tags.application !== undefined)?.tags.application;
}

/** The names of its components, in the order they were saved. */
export function componentNames({ components }: Point): string[] {
  return components.map(({ tags }) => tags.component);
}

/** The paths of all its components, each once. */
function pathsOf({ components }: Point): readonly string[] {
  return distinct(components.map(({ snapshot }) => snapshot.paths));
}

/** What is in any of the lists, once. Most points have one component with one path: ten thousand of them are listed twice as fast without a set. */
function distinct(lists: readonly (readonly string[])[]): readonly string[] {
  const [only] = lists;
  return lists.length === 1 && only !== undefined && only.length < 2 ? only : [...new Set(lists.flat())];
}

/** A point as `list` prints it, and `list --json` word for word. */
export interface PointRecord {
  readonly id: string;
  readonly short_id: string;
  readonly time: string;
  readonly host: string;
  /** Absent where the point was made without a configuration. */
  readonly application?: string;
  readonly components: readonly string[];
  readonly tags: readonly string[];
  /** Bytes of content, before deduplication; null where the program that wrote it did not say. */
  readonly size: number | null;
  readonly status: Point['status'];
  /** Why it is broken. */
  readonly reason?: string;
  /** True once a drill has restored all that it holds. */
  readonly proven: boolean;
  /** The components that a drill has restored. */
  readonly proven_components: readonly string[];
  readonly snapshots: readonly string[];
  readonly paths: readonly string[];
}

/** A point as data. @param proven ids of the snapshots that drills have proved */
export function describePoint(point: Point, proven: ReadonlySet<string> = new Set()): PointRecord {
  const data = point.components.filter(({ tags }) => tags.kind !== 'point' && tags.kind !== 'report');
  const provenOnes = data.filter(({ id }) => proven.has(id));
  const application = applicationOf(point);
  const sizes = point.components.map(({ snapshot }) => snapshot.summary?.total_bytes_processed);
  return {
    id: point.id,
    short_id: point.id.slice(0, 8),
    time: point.time,
    host: point.host,
    ...(application === undefined ? {} : { application }),
    components: componentNames(point),
    tags: distinct(point.components.map(({ tags }) => tags.own)),
    size: sizes.reduce<number | null>((sum, size) => (sum === null || size === undefined ? null : sum + size), 0),
    status: point.status,
    ...(point.lacking === undefined ? {} : { reason: reasonOf(point) }),
    proven: data.length > 0 && provenOnes.length === data.length,
    proven_components: provenOnes.map(({ tags }) => tags.component),
    snapshots: point.components.map(({ id }) => id),
    paths: pathsOf(point),
  };
}

function reasonOf({ components, lacking }: Point): string {
  return components
    .flatMap(({ id, tags }) => {
      const names = lacking?.get(id);
      return names === undefined ? [] : [`${tags.component} cannot be restored: ${describeLacking(names)}`];
    })
    .join('; ');
}
