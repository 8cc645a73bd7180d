/** The index anew from the packs themselves: each pack says at its end what is in it. For an index that is lost, damaged or wrong. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { isDamage } from '../browse/reachable-blobs.ts';
import { mapConcurrently } from '../concurrency.ts';
import { EntriesByPack } from '../index/entries-by-pack.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { loadReadableIndexes, type ReadableIndexes } from '../index/load-readable-indexes.ts';
import type { IndexedPack } from '../index/index-file.ts';
import type { RepositoryLock } from '../lock/lock-repository.ts';
import { packSizeOf, readPackHeader } from '../pack/read-pack-header.ts';
import type { Repository, RepositoryFile } from '../repository.ts';
import { throwIfAborted, type RunContext } from '../run-context.ts';

const headersAtOnce = 8;

export interface RebuildOptions {
  /** Trust no index file, also where what it says of a pack fits the pack's size. */
  readonly readAllPacks?: boolean;
}

/** What is there, and what the old index says of it. */
export interface IndexInspection {
  readonly packs: number;
  /** Packs whose header was read. */
  readonly packsRead: number;
  /** Packs that index files named and that are not there. */
  readonly packsMissing: number;
  /** Index files that the new ones replace. */
  readonly removedIndexFiles: number;
  /** Packs whose header cannot be read, and index files that could not: what only they held is not in a new index. */
  readonly problems: readonly { readonly object: string; readonly reason: string }[];
}

export interface RebuildReport extends IndexInspection {
  readonly newIndexFiles: number;
}

/** Reads what a rebuild would read, and writes nothing. Throws `interrupted`, and what the storage throws. */
export async function inspectIndex(repository: Repository, options: RebuildOptions, context: RunContext): Promise<IndexInspection> {
  return surveyPacks(repository, { old: await loadReadableIndexes(repository), ...options }, context, async () => {});
}

/**
 * Writes new index files for every pack that is there, and then removes the old ones. Needs an exclusive lock. Packs are not changed: one whose
 * header cannot be read stays where it is.
 *
 * @throws HoldfastError `lock-lost`, `interrupted`, and what the storage throws; the old index files are then still there
 */
export async function rebuildIndex(
  repository: Repository,
  options: RebuildOptions,
  lock: RepositoryLock,
  { events, signal }: RunContext,
): Promise<RebuildReport> {
  if (!lock.exclusive) throw new HoldfastError('internal', { reason: 'the index was to be rebuilt without an exclusive lock' });
  const context = { events, signal: AbortSignal.any([lock.signal, signal]) };
  const old = await loadReadableIndexes(repository);
  const writer = new IndexWriter(repository);
  const found = await surveyPacks(repository, { old, ...options }, context, (pack) => writer.add(pack));
  await writer.finish();
  for (const id of writer.written) await repository.readFile('index', id);
  throwIfAborted(context.signal);
  for (const id of old.files) await repository.removeFile('index', id);
  await repository.loadIndex({ reload: true });
  return { ...found, newIndexFiles: writer.written.length };
}

async function surveyPacks(
  repository: Repository,
  { old, readAllPacks = false }: RebuildOptions & { readonly old: ReadableIndexes },
  { events, signal }: RunContext,
  onPack: (pack: IndexedPack) => Promise<void>,
): Promise<IndexInspection> {
  const byPack = new EntriesByPack(old.index);
  const indexedPacks = old.index.packs.length;
  const problems = old.problems.map(({ id, error }) => ({ object: `index ${id}`, reason: reasonOf(error) }));
  const packs = await repository.listFiles('pack');
  let packsKnown = 0;
  let packsRead = 0;
  events({ type: 'phase', phase: 'read packs' });
  await mapConcurrently(packs, headersAtOnce, async (file) => {
    throwIfAborted(signal);
    const number = old.index.packNumber(file.id);
    if (number < indexedPacks) packsKnown += 1;
    const trusted = number < indexedPacks && !readAllPacks ? byPack.blobsOf(number) : undefined;
    const pack =
      trusted !== undefined && packSizeOf(trusted) === file.size
        ? { id: file.id, blobs: trusted }
        : await readPack(repository, file, problems);
    if (pack?.blobs !== trusted) packsRead += 1;
    if (pack !== undefined) await onPack(pack);
    events({ type: 'progress', phase: 'read packs', itemsDone: packsRead, itemsTotal: packs.length, bytesDone: 0 });
  });
  return { packs: packs.length, packsRead, packsMissing: indexedPacks - packsKnown, removedIndexFiles: old.files.length, problems };
}

async function readPack(
  repository: Repository,
  { id, size }: RepositoryFile,
  problems: { object: string; reason: string }[],
): Promise<IndexedPack | undefined> {
  try {
    return { id, blobs: await readPackHeader(repository, id, size) };
  } catch (error) {
    if (!isDamage(error)) throw error;
    problems.push({ object: `pack ${id}`, reason: reasonOf(error) });
    return undefined;
  }
}
