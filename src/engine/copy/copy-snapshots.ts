/**
 * Snapshots from one repository to another. Blobs keep their ids, so only those that are missing there travel: opened with one key, verified,
 * sealed with the other. They stay compressed as they are, but for a repository of version 1, which knows no compression.
 */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { findReachableBlobs, type ReachObserver } from '../browse/reachable-blobs.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { EntriesByPack } from '../index/entries-by-pack.ts';
import { IndexWriter } from '../index/index-writer.ts';
import type { BitSet } from '../index/bit-set.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { PackBuilder } from '../pack/pack-builder.ts';
import { readVerifiedBlobs } from '../pack/read-verified-blobs.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted, type RunContext } from '../run-context.ts';
import { loadSnapshot, loadSnapshots, type LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import { saveSnapshot } from '../snapshots/save-snapshot.ts';
import type { Snapshot } from '../snapshot-json.ts';
import { parseTime } from '../tree/time.ts';
import { BlobResealer } from './blob-resealer.ts';

/** After this many packs an index file is written, so that an interrupted copy does not begin anew. */
const packsAnIndex = 64;

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
  /** Bytes of content, before compression. */
  readonly bytes: number;
}

interface CopyRun {
  readonly from: Repository;
  readonly to: Repository;
  readonly fromIndex: BlobIndex;
  readonly toIndex: BlobIndex;
  readonly context: RunContext;
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
  if (missing.length === 0) return { copied: [], present, blobs: 0, bytes: 0 };
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

async function copyBlobs(run: CopyRun, needed: BitSet): Promise<{ blobs: number; bytes: number }> {
  const { from, to, fromIndex, context } = run;
  const { events, signal } = context;
  events({ type: 'phase', phase: 'copy blobs' });
  const writer = new IndexWriter(to);
  const builder = new PackBuilder(to, writer, { signal });
  const resealer = new BlobResealer(to);
  const reading = { repository: from, index: fromIndex, opener: new BlobOpener(from.masterKey), signal };
  const byPack = new EntriesByPack(fromIndex);
  const totals = { blobs: 0, bytes: 0 };
  let flushedAt = 0;
  try {
    for (let pack = 0; pack < fromIndex.packs.length; pack++) {
      throwIfAborted(signal);
      const blobs = blobsToCopy(run, byPack, pack, needed);
      for await (const blob of readVerifiedBlobs(reading, fromIndex.packs[pack] ?? '', blobs)) {
        const resealed = resealer.reseal(blob);
        await builder.addSealed(resealed.blob, resealed.sealed);
        totals.blobs += 1;
        totals.bytes += blob.content.length;
      }
      if (blobs.length > 0) events({ type: 'progress', phase: 'copy blobs', itemsDone: totals.blobs, bytesDone: totals.bytes });
      if (builder.packs - flushedAt < packsAnIndex) continue;
      await writer.flush();
      flushedAt = builder.packs;
    }
    await builder.finish();
    await writer.finish();
  } catch (error) {
    await builder.discard();
    // What is stored is kept for the next attempt; that this, too, may fail changes nothing about what is told.
    await writer.finish().catch(() => {});
    throw error;
  }
  return totals;
}

function blobsToCopy(
  { fromIndex, toIndex }: CopyRun,
  byPack: EntriesByPack,
  pack: number,
  needed: BitSet,
): ReturnType<EntriesByPack['blobsOf']> {
  if (!byPack.of(pack).some((entry) => needed.has(entry) && !toIndex.has(fromIndex.idOf(entry), fromIndex.typeOf(entry)))) return [];
  const entries = byPack.of(pack);
  return byPack.blobsOf(pack).filter(({ id, type }, at) => needed.has(entries[at] ?? 0) && !toIndex.has(id, type));
}
