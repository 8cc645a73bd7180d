/**
 * A point by what people call it: the beginning of its id, `latest`, `latest:COMPONENT`, or a time, which means the newest at or before it.
 */
import { HoldfastError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import { parseTime } from '../tree/time.ts';
import { loadSnapshots, type LoadedSnapshot } from './load-snapshots.ts';

/** Which snapshots count. Everything given must fit. */
export interface SnapshotFilter {
  /** Any of these hosts. */
  readonly hosts?: readonly string[];
  /** All of these paths were backed up. */
  readonly paths?: readonly string[];
  /** All tags of at least one of these lists. `[[]]` asks for none at all. */
  readonly tags?: readonly (readonly string[])[];
}

const shortestPrefix = 4;
const mostCandidates = 8;

/**
 * The point of that name. The filter does not apply to a point named by its id.
 *
 * @throws HoldfastError `snapshot-missing` when there is none, or several begin with that id; `damaged` when a snapshot cannot be read.
 */
export async function findSnapshot(repository: Repository, name: string, filter: SnapshotFilter = {}): Promise<LoadedSnapshot> {
  return selectSnapshot(await loadSnapshots(repository), name, filter);
}

/** The same among snapshots that are loaded already, oldest first. */
export function selectSnapshot(snapshots: readonly LoadedSnapshot[], name: string, filter: SnapshotFilter = {}): LoadedSnapshot {
  const matching = filterSnapshots(snapshots, filter);
  if (name === 'latest')
    return matching.at(-1) ?? missing(name, snapshots.length === 0 ? 'the repository has none yet' : 'none fits the filter');
  if (name.startsWith('latest:')) {
    const component = name.slice('latest:'.length);
    return (
      matching.findLast(({ snapshot }) => snapshot.tags?.includes(`component:${component}`)) ??
      missing(name, `none is of a component "${component}"`)
    );
  }
  if (/^[0-9a-f]{1,64}$/.test(name)) return selectById(snapshots, name);
  const time = parsePointInTime(name);
  if (time === undefined) return missing(name, 'that is no id, no time such as 2026-11-20 14:30, and not "latest"');
  return matching.findLast(({ snapshot }) => parseTime(snapshot.time) < time.end) ?? missing(name, 'none is as old as that');
}

function selectById(snapshots: readonly LoadedSnapshot[], prefix: string): LoadedSnapshot {
  if (prefix.length < shortestPrefix) return missing(prefix, `at least ${shortestPrefix} digits of an id are needed`);
  const candidates = snapshots.filter(({ id }) => id.startsWith(prefix));
  const [first, second] = candidates;
  if (first === undefined) return missing(prefix, 'no id begins so');
  if (second === undefined) return first;
  const listed = candidates
    .slice(0, mostCandidates)
    .map(({ id, snapshot }) => `${id.slice(0, Math.max(8, prefix.length + 2))} of ${snapshot.time}`);
  const more = candidates.length > mostCandidates ? ` and ${candidates.length - mostCandidates} more` : '';
  return missing(prefix, `${candidates.length} ids begin so: ${listed.join(', ')}${more}`);
}

/** The snapshots that fit, in the order given. */
export function filterSnapshots(snapshots: readonly LoadedSnapshot[], filter: SnapshotFilter): LoadedSnapshot[] {
  const { hosts, paths, tags } = filter;
  return snapshots.filter(({ snapshot }) => {
    if (hosts !== undefined && hosts.length > 0 && !hosts.includes(snapshot.hostname ?? '')) return false;
    if (paths !== undefined && !paths.every((path) => snapshot.paths.includes(path))) return false;
    return tags === undefined || tags.length === 0 || tags.some((list) => hasTags(snapshot.tags ?? [], list));
  });
}

function hasTags(tags: readonly string[], wanted: readonly string[]): boolean {
  return wanted.length === 0 ? tags.length === 0 : wanted.every((tag) => tags.includes(tag));
}

/** The newest snapshot of that host with exactly these paths: what a new backup of them is compared with. */
export function findParent(
  snapshots: readonly LoadedSnapshot[],
  of: { readonly host: string; readonly paths: readonly string[] },
): LoadedSnapshot | undefined {
  const wanted = new Set(of.paths);
  return snapshots
    .filter(
      ({ snapshot }) =>
        snapshot.hostname === of.host && new Set(snapshot.paths).size === wanted.size && snapshot.paths.every((path) => wanted.has(path)),
    )
    .reduce<LoadedSnapshot | undefined>(
      (newest, each) => (newest === undefined || parseTime(each.snapshot.time) >= parseTime(newest.snapshot.time) ? each : newest),
      undefined,
    );
}

const timeForm = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A time as people write it: `2026-11-20`, `2026-11-20 14:30`, `2026-11-20T14:30:05.25+01:00`; in the zone of this machine unless it
 * says another. What is left open is meant whole: `14:30` reaches to the end of that minute, a date to the end of that day.
 *
 * @returns nanoseconds since 1970, the end excluded; undefined where this is no time.
 */
export function parsePointInTime(text: string): { readonly start: bigint; readonly end: bigint } | undefined {
  const match = timeForm.exec(text.trim());
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour, minute, second, fraction, zone] = match;
  const next = (step: 'day' | 'minute' | 'second'): number | undefined => {
    const date = new Date(`${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}${zoneOf(zone)}`);
    if (Number.isNaN(date.getTime()) || !isDay(Number(year), Number(month), Number(day))) return undefined;
    if (step === 'day' && zone === undefined) date.setDate(date.getDate() + 1); // a day in the local zone may have 23 or 25 hours
    else date.setTime(date.getTime() + { day: 86_400_000, minute: 60_000, second: 1000 }[step]);
    return date.getTime();
  };
  const end = next(hour === undefined ? 'day' : second === undefined ? 'minute' : 'second');
  if (end === undefined) return undefined;
  if (second !== undefined) {
    const start = BigInt(end - 1000) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'));
    return { start, end: fraction === undefined ? BigInt(end) * 1_000_000n : start + 1n };
  }
  const length = hour === undefined ? 86_400_000 : 60_000;
  return { start: BigInt(end - length) * 1_000_000n, end: BigInt(end) * 1_000_000n };
}

function zoneOf(zone: string | undefined): string {
  if (zone === undefined || zone === 'Z') return zone ?? '';
  return zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function missing(name: string, reason: string): never {
  throw new HoldfastError('snapshot-missing', { name, reason });
}
