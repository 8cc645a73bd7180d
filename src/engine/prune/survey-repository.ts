/** What prune has to know of a repository: which blobs are used, and which packs are there. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { findReachableBlobs, type ReachObserver } from '../browse/reachable-blobs.ts';
import type { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { EntriesByPack } from '../index/entries-by-pack.ts';
import { loadReadableIndexes } from '../index/load-readable-indexes.ts';
import { headerBegin, recordLength } from '../pack/pack-header.ts';
import type { Repository, RepositoryFile } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { loadSnapshots, type LoadedSnapshot } from '../snapshots/load-snapshots.ts';

/** Per blob, beside the index: 8 bytes of entry numbers, 1 of counting, 2 bits. */
export interface Survey {
  readonly snapshots: readonly string[];
  readonly indexFiles: readonly string[];
  readonly index: BlobIndex;
  readonly byPack: EntriesByPack;
  /** By entry: the one entry that stands for all copies of its blob. */
  readonly canonical: Uint32Array;
  /** Used blobs, by their canonical entries. */
  readonly used: BitSet;
  /** Packs that index files name: numbers below this one. */
  readonly indexedPacks: number;
  /** By pack number: bytes as listed, -1 where it is not there. */
  readonly listedSizes: Float64Array;
  /** By pack number: bytes as its index entries say. */
  readonly statedSizes: Float64Array;
  readonly unindexed: readonly RepositoryFile[];
}

/**
 * Reads all that is needed, and refuses when any of it cannot be read: a tree that is not understood may need anything.
 *
 * @throws HoldfastError `prune-refused`, `damaged`, `interrupted`
 */
export async function surveyRepository(
  repository: Repository,
  keepSnapshots: readonly string[] | undefined,
  { events, signal }: RunContext,
): Promise<Survey> {
  events({ type: 'phase', phase: 'find used blobs' });
  const snapshots = selectSnapshots(repository, await loadSnapshots(repository), keepSnapshots);
  const { index, files, problems } = await loadReadableIndexes(repository);
  for (const { error } of problems) throw refuse(repository, `an index file is unreadable: ${reasonOf(error)}`, error);
  const roots = snapshots.map(({ id, snapshot }) => ({ tree: snapshot.tree, user: `snapshot ${id}` }));
  const observer: ReachObserver = {
    missing: (type, id, user) => {
      throw refuse(repository, `${user} needs ${type} blob ${id}, which no index names`);
    },
    unreadable: (tree, error) => {
      throw refuse(repository, `tree ${tree} cannot be read: ${reasonOf(error)}`, error);
    },
    progress: (trees) => events({ type: 'progress', phase: 'find used blobs', itemsDone: trees, bytesDone: 0 }),
  };
  const used = await findReachableBlobs(repository, index, roots, observer, signal);
  const byPack = new EntriesByPack(index);
  return {
    snapshots: snapshots.map(({ id }) => id).sort(),
    indexFiles: files,
    index,
    byPack,
    canonical: findCanonicalEntries(index),
    used,
    ...(await listPacks(repository, index, byPack)),
  };
}

function selectSnapshots(
  repository: Repository,
  snapshots: readonly LoadedSnapshot[],
  keep: readonly string[] | undefined,
): readonly LoadedSnapshot[] {
  if (keep === undefined) return snapshots;
  const wanted = new Set(keep);
  const kept = snapshots.filter(({ id }) => wanted.has(id));
  if (kept.length !== wanted.size)
    throw new HoldfastError('prune-outdated', { location: repository.location, reason: 'a snapshot that is to be kept is not there' });
  return kept;
}

function findCanonicalEntries(index: BlobIndex): Uint32Array {
  const canonical = new Uint32Array(index.size);
  for (let entry = 0; entry < index.size; entry++) canonical[entry] = index.findSame(entry);
  return canonical;
}

async function listPacks(
  repository: Repository,
  index: BlobIndex,
  byPack: EntriesByPack,
): Promise<Pick<Survey, 'indexedPacks' | 'listedSizes' | 'statedSizes' | 'unindexed'>> {
  const indexedPacks = index.packs.length;
  const listedSizes = new Float64Array(indexedPacks).fill(-1);
  const unindexed: RepositoryFile[] = [];
  for (const file of await repository.listFiles('pack')) {
    const pack = index.packNumber(file.id); // a number above all others for one that no index names
    if (pack < indexedPacks) listedSizes[pack] = file.size;
    else unindexed.push(file);
  }
  const statedSizes = Float64Array.from({ length: indexedPacks }, (_, pack) => statedSize(index, byPack.of(pack)));
  return { indexedPacks, listedSizes, statedSizes, unindexed };
}

function statedSize(index: BlobIndex, entries: Uint32Array): number {
  let size = headerBegin;
  for (const entry of entries) size += index.lengthOf(entry) + recordLength(index.uncompressedLengthOf(entry));
  return size;
}

/** Whether a pack is there as the index says. Blobs in any other are as good as lost. */
export function isUsable(survey: Survey, pack: number): boolean {
  return survey.listedSizes[pack] === survey.statedSizes[pack];
}

export function refuse(repository: Repository, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('prune-refused', { location: repository.location, reason }, cause);
}
