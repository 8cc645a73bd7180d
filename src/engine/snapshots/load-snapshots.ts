import { isError, type HoldfastError } from '../../errors.ts';
import { parseTime } from '../tree/time.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { decodeSnapshot, type Snapshot } from '../snapshot-json.ts';
import { mapConcurrently } from '../concurrency.ts';

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
  await mapConcurrently(await repository.listFiles('snapshot'), concurrency, async ({ id }) => {
    try {
      snapshots.push(await loadSnapshot(repository, id));
    } catch (error) {
      if (isError(error, 'storage-missing')) return;
      if (options.tolerant !== true || !isError(error, 'damaged')) throw error;
      problems.push({ id, error });
    }
  });
  snapshots.sort(byTime);
  return options.tolerant === true ? { snapshots, problems: problems.sort((a, b) => (a.id < b.id ? -1 : 1)) } : snapshots;
}

/** One snapshot by its full id. Throws `damaged`, `storage-missing`. */
export async function loadSnapshot(repository: Repository, id: string): Promise<LoadedSnapshot> {
  const json = await repository.readFile('snapshot', id);
  return { id, snapshot: decodeSnapshot(json, `${keyOf('snapshot', id)} in ${repository.location}`) };
}

function byTime(a: LoadedSnapshot, b: LoadedSnapshot): number {
  const [left, right] = [parseTime(a.snapshot.time), parseTime(b.snapshot.time)];
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
