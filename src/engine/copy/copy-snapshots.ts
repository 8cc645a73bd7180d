/**
 * Snapshots from one repository to another. Blobs keep their ids, so only those that are missing there travel: whole packs where both have the same
 * key; else opened with one key, sealed with the other, and verified.
 */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { findReachableBlobs, type ReachObserver } from '../browse/reachable-blobs.ts';
import type { BitSet } from '../index/bit-set.ts';
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { loadSnapshot, loadSnapshots, type LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import { saveSnapshot } from '../snapshots/save-snapshot.ts';
import type { Snapshot } from '../snapshot-json.ts';
import { parseTime } from '../tree/time.ts';
import { copyBlobs } from './copy-blobs.ts';
import type { CopyRun } from './copy-run.ts';

/** A snapshot and what it is called in the other repository. */
export interface CopiedSnapshot {
  readonly from: string;
  readonly to: string;
}

export interface CopyReport {
  readonly copied: readonly CopiedSnapshot[];
  /** Those that were there already. */
  readonly present: readonly CopiedSnapshot[];
  readonly blobs: number;
  /** Packs that were taken over byte for byte. */
  readonly wholePacks: number;
  /** Bytes of content, before compression. */
  readonly bytes: number;
}

/**
 * Copies snapshots, named by their full ids. One that was copied before is passed over; an interrupted copy goes on where it was when it is
 * begun again. Both repositories should be locked (not exclusively).
 *
 * @throws HoldfastError `damaged`, `blob-missing` when something a snapshot needs cannot be read: then none of the snapshots is stored
 */
export async function copySnapshots(
  from: Repository,
  to: Repository,
  snapshotIds: readonly string[],
  context: RunContext,
): Promise<CopyReport> {
  const snapshots: LoadedSnapshot[] = [];
  for (const id of new Set(snapshotIds)) snapshots.push(await loadSnapshot(from, id));
  const { missing, present } = await findCopies(snapshots, to);
  if (missing.length === 0) return { copied: [], present, blobs: 0, wholePacks: 0, bytes: 0 };
  const run: CopyRun = {
    from,
    to,
    fromIndex: await from.loadIndex({ reload: true }),
    toIndex: await to.loadIndex({ reload: true }),
    context,
  };
  const done = await copyBlobs(run, await findNeeded(run, missing));
  const copied: CopiedSnapshot[] = [];
  for (const loaded of missing) copied.push({ from: loaded.id, to: await saveSnapshot(to, asCopy(loaded)) });
  if (done.blobs > 0) await to.loadIndex({ reload: true });
  return { copied, present, ...done };
}

/** Which of these snapshots the other repository has, under which names, and which not. */
export async function findCopies<Loaded extends LoadedSnapshot>(
  snapshots: readonly Loaded[],
  to: Repository,
): Promise<{ readonly missing: readonly Loaded[]; readonly present: readonly CopiedSnapshot[] }> {
  const there = await loadSnapshots(to);
  const present: CopiedSnapshot[] = [];
  const missing: Loaded[] = [];
  for (const loaded of snapshots) {
    const copy = there.find((each) => isCopyOf(each, loaded));
    if (copy === undefined) missing.push(loaded);
    else present.push({ from: loaded.id, to: copy.id });
  }
  return { missing, present };
}

/** The first of all copies is what `original` names; the same state of the same files is the same snapshot even where that is not recorded. */
function isCopyOf(a: LoadedSnapshot, b: LoadedSnapshot): boolean {
  if (a.snapshot.tree !== b.snapshot.tree) return false;
  if ((a.snapshot.original ?? a.id) === (b.snapshot.original ?? b.id)) return true;
  const samePaths =
    a.snapshot.paths.length === b.snapshot.paths.length && a.snapshot.paths.every((path) => b.snapshot.paths.includes(path));
  return samePaths && a.snapshot.hostname === b.snapshot.hostname && parseTime(a.snapshot.time) === parseTime(b.snapshot.time);
}

/** Its parent may not be there, so it is left out; a parent only ever makes a backup faster. */
function asCopy({ id, snapshot }: LoadedSnapshot): Snapshot {
  const { parent: _, ...rest } = snapshot;
  return { ...rest, original: snapshot.original ?? id };
}

/** Source entries of what the snapshots need, whether it is there or not: that a tree is there does not mean that all below it is. */
function findNeeded({ from, fromIndex, context }: CopyRun, snapshots: readonly LoadedSnapshot[]): Promise<BitSet> {
  context.events({ type: 'phase', phase: 'find blobs' });
  const observer: ReachObserver = {
    missing: (type, id) => {
      throw new HoldfastError('blob-missing', { type, id });
    },
    unreadable: (tree, error) => {
      throw error instanceof HoldfastError
        ? error
        : new HoldfastError('damaged', { object: `tree ${tree} in ${from.location}`, reason: reasonOf(error) }, error);
    },
  };
  const roots = snapshots.map(({ id, snapshot }) => ({ tree: snapshot.tree, user: `snapshot ${id}` }));
  return findReachableBlobs(from, fromIndex, roots, observer, context.signal);
}
