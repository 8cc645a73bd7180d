/** Finds the point that somebody means: by id, `latest`, `latest:COMPONENT`, a time, each with `:/path` behind it. */
import { HoldfastError, isError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import { filterSnapshots, selectSnapshot, type SnapshotFilter } from '../engine/snapshots/find-snapshot.ts';
import { canBeRestored, describePoint, isOwnPoint, safetyTag, type Point, type PointComponent } from './points.ts';

export interface PointQuery {
  /** As the user wrote it, without a path. */
  readonly name: string;
  /** Only points that hold this component count. */
  readonly component?: string;
  readonly filter?: SnapshotFilter;
  /** What "yesterday" is counted from. */
  readonly now: Date;
  /** Told which point a time has chosen: the words do not show it. */
  readonly events?: EventSink;
}

export interface FoundPoint {
  readonly point: Point;
  /** Those asked for: all of the point, or the one that was named by `latest:COMPONENT`, by its own snapshot's id, or by `component`. */
  readonly components: readonly PointComponent[];
}

/** Throws `snapshot-missing` when there is no such point, or it does not hold the component. */
export function findPoint(points: readonly Point[], { name, component, filter = {}, now, events }: PointQuery): FoundPoint {
  const [, latestOf] = /^latest:(.+)$/.exec(name) ?? [];
  const wanted = latestOf ?? component;
  const isNamedById = /^[0-9a-f]{1,64}$/.test(name);
  const counted = isNamedById || asksForCopies(filter) ? points : points.filter(isOwnPoint);
  const holding = counted.filter(
    ({ components }) => isNamedById || wanted === undefined || components.some(({ tags }) => tags.component === wanted),
  );
  if (holding.length === 0 && counted.length > 0)
    throw new HoldfastError('snapshot-missing', {
      name,
      reason: `no point has a component "${wanted ?? ''}"; there are ${namesOf(counted)}`,
    });
  const words = latestOf === undefined ? absoluteTime(name, now) : 'latest';
  const select = (among: readonly Point[]): LoadedSnapshot =>
    selectSnapshot(among.flatMap(({ components }) => components).toSorted(byTime), words, filter);
  const newest = select(holding);
  const chosen = isNamedById ? newest : passOver(newest, holding, { wanted, select, events });
  const point = holding.find(({ components }) => components.some(({ id }) => id === chosen.id));
  if (point === undefined) throw new TypeError('a selected snapshot belongs to a point');
  const single = isNamedById && chosen.id !== point.id ? chosen.id : undefined;
  const components = point.components.filter(
    ({ id, tags }) => (single === undefined || id === single) && (wanted === undefined || tags.component === wanted),
  );
  if (components.length === 0)
    throw new HoldfastError('snapshot-missing', { name, reason: `it has no component "${wanted ?? ''}"; it has ${namesOf([point])}` });
  if (!isNamedById && !/^latest(:|$)/.test(name))
    events?.({ type: 'notice', message: `"${name}" is the point ${point.id.slice(0, 8)} of ${formatLocal(new Date(point.time))}` });
  return { point, components };
}

interface PassOver {
  readonly wanted: string | undefined;
  readonly select: (among: readonly Point[]) => LoadedSnapshot;
  readonly events: EventSink | undefined;
}

/** What cannot be restored, because it builds on what is gone, is not what anybody means who does not name it, as long as there is another. */
function passOver(newest: LoadedSnapshot, points: readonly Point[], { wanted, select, events }: PassOver): LoadedSnapshot {
  const isWhole = (point: Point): boolean =>
    canBeRestored(
      point,
      point.components.filter(({ tags }) => wanted === undefined || tags.component === wanted),
    );
  const point = points.find(({ components }) => components.some(({ id }) => id === newest.id));
  if (point === undefined || isWhole(point)) return newest;
  const whole = points.filter(isWhole);
  try {
    const chosen = select(whole);
    const { reason = '' } = describePoint(point);
    events?.({ type: 'notice', message: `The point ${point.id.slice(0, 8)} is passed over: ${reason}.` });
    return chosen;
  } catch (error) {
    if (isError(error, 'snapshot-missing')) return newest;
    throw error;
  }
}

/** What a restore saved before it overwrote it is only meant where that is said: `latest` would undo the restore. */
function asksForCopies({ tags = [] }: SnapshotFilter): boolean {
  return tags.some((list) => list.includes(safetyTag));
}

/** The points that have a snapshot which fits. */
export function filterPoints(points: readonly Point[], filter: SnapshotFilter): Point[] {
  return points.filter(({ components }) => filterSnapshots(components, filter).length > 0);
}

/** Stable: snapshots of the same instant stay in the order of their point. */
function byTime(a: PointComponent, b: PointComponent): number {
  return Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time);
}

function namesOf(points: readonly Point[]): string {
  return [...new Set(points.flatMap(({ components }) => components.map(({ tags }) => tags.component)))].sort().join(', ');
}

/** `yesterday 18:00` and `today` as the date they mean in this machine's zone; anything else as it is. */
function absoluteTime(name: string, now: Date): string {
  const [, word, clock = ''] = /^(yesterday|today)(?:\s+(\d\d:\d\d(?::\d\d)?))?$/i.exec(name.trim()) ?? [];
  if (word === undefined) return name;
  const day = new Date(now);
  if (word.toLowerCase() === 'yesterday') day.setDate(day.getDate() - 1);
  return `${formatLocal(day).slice(0, 10)} ${clock}`.trim();
}

/** `2026-11-20 14:30:05` in this machine's zone. */
function formatLocal(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(time.getFullYear()).padStart(4, '0')}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
