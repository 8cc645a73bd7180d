import { isError, type HoldfastError } from '../../errors.ts';
import { parseTime } from '../tree/time.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { decodeSnapshot, type Snapshot } from '../snapshot-json.ts';
import { mapConcurrently } from '../concurrency.ts';
import { keepSnapshots, readKeptSnapshots } from './kept-snapshots.ts';

export interface LoadedSnapshot {
  readonly id: string;
  readonly snapshot: Snapshot;
}

/** A snapshot file that could not be read. */
export interface SnapshotProblem {
  readonly id: string;
  readonly error: HoldfastError;
}

export interface TolerantlyLoaded {
  readonly snapshots: LoadedSnapshot[];
  readonly problems: SnapshotProblem[];
}

const concurrency = 8;

/**
 * Every snapshot, oldest first (equal times in the order of their ids). Throws `damaged` naming the first file that cannot be read;
 * with `tolerant` such files are returned beside the others instead. One that is removed meanwhile is left out.
 */
export function loadSnapshots(repository: Repository): Promise<LoadedSnapshot[]>;
export function loadSnapshots(repository: Repository, options: { readonly tolerant: true }): Promise<TolerantlyLoaded>;
export async function loadSnapshots(
  repository: Repository,
  options: { readonly tolerant?: true } = {},
): Promise<LoadedSnapshot[] | TolerantlyLoaded> {
  const snapshots: LoadedSnapshot[] = [];
  const problems: SnapshotProblem[] = [];
  const ids = await repository.listIds('snapshot');
  // Whoever asks for problems wants every file looked at.
  const kept = options.tolerant === true ? undefined : repository.kept;
  const known = kept === undefined ? new Map<string, Snapshot>() : await readKeptSnapshots(kept);
  const unknown: string[] = [];
  for (const id of ids) {
    const snapshot = known.get(id);
    if (snapshot === undefined) unknown.push(id);
    else snapshots.push({ id, snapshot });
  }
  await mapConcurrently(unknown, concurrency, async (id) => {
    try {
      snapshots.push(await loadSnapshot(repository, id));
    } catch (error) {
      if (isError(error, 'storage-missing')) return;
      if (options.tolerant !== true || !isError(error, 'damaged')) throw error;
      problems.push({ id, error });
    }
  });
  sortByTime(snapshots);
  if (kept !== undefined) await keepSnapshots(kept, known, snapshots);
  return options.tolerant === true ? { snapshots, problems: problems.sort((a, b) => (a.id < b.id ? -1 : 1)) } : snapshots;
}

/** One snapshot by its full id. Throws `damaged`, `storage-missing`. */
export async function loadSnapshot(repository: Repository, id: string): Promise<LoadedSnapshot> {
  const json = await repository.readFile('snapshot', id);
  return { id, snapshot: decodeSnapshot(json, `${keyOf('snapshot', id)} in ${repository.location}`) };
}

/** Each time is read once: to read them in every comparison takes longer than to load them. Milliseconds tell most apart. */
function sortByTime(snapshots: LoadedSnapshot[]): void {
  const timed = snapshots.map((loaded) => ({ loaded, ms: Date.parse(loaded.snapshot.time) }));
  timed.sort((a, b) => a.ms - b.ms || byExactTime(a.loaded, b.loaded));
  for (const [place, { loaded }] of timed.entries()) snapshots[place] = loaded;
}

function byExactTime(a: LoadedSnapshot, b: LoadedSnapshot): number {
  const [left, right] = [parseTime(a.snapshot.time), parseTime(b.snapshot.time)];
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
