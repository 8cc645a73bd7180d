/** What `unlock` and `repair-index` would do, for their dry runs. Nothing is written, not even a lock. */
import { isDamage } from '../engine/browse/reachable-blobs.ts';
import { EntriesByPack } from '../engine/index/entries-by-pack.ts';
import { loadReadableIndexes } from '../engine/index/load-readable-indexes.ts';
import { describeHolder, loadLocks } from '../engine/lock/lock-file.ts';
import { ageOf, isStale } from '../engine/lock/stale-lock.ts';
import type { RemovedLock } from '../engine/lock/unlock-repository.ts';
import { packSizeOf, readPackHeader } from '../engine/pack/read-pack-header.ts';
import type { RebuildReport } from '../engine/repair/rebuild-index.ts';
import type { Repository } from '../engine/repository.ts';
import { throwIfAborted, type RunContext } from '../engine/run-context.ts';
import { reasonOf } from '../errors.ts';

/** The locks that `unlock` would remove now. */
export async function findRemovableLocks(repository: Repository, all: boolean): Promise<RemovedLock[]> {
  const now = repository.clock.now();
  const locks = await loadLocks(repository);
  const found = locks.flatMap((loaded): RemovedLock[] => {
    if (!('lock' in loaded)) return all ? [{ id: loaded.id, holder: `unreadable (${loaded.problem})` }] : [];
    if (!all && !isStale(loaded.lock, now)) return [];
    return [{ id: loaded.id, holder: describeHolder(loaded.lock), ageMs: ageOf(loaded.lock, now) }];
  });
  if (!all) return found;
  const known = new Set(locks.map(({ id }) => id));
  const others = (await repository.listFiles('lock')).filter(({ id }) => !known.has(id));
  return [...found, ...others.map(({ id }) => ({ id, holder: 'unreadable (it is empty)' }))];
}

/** What `repair-index` would find; `newIndexFiles` is not known before they are written. */
export type IndexInspection = Omit<RebuildReport, 'newIndexFiles'>;

/** Reads what a repair would read: the index, and the headers of packs that no index names as they are. */
export async function inspectIndex(
  repository: Repository,
  readAllPacks: boolean,
  { events, signal }: RunContext,
): Promise<IndexInspection> {
  const old = await loadReadableIndexes(repository);
  const byPack = new EntriesByPack(old.index);
  const indexedPacks = old.index.packs.length;
  const problems = old.problems.map(({ id, error }) => ({ object: `index ${id}`, reason: reasonOf(error) }));
  const packs = await repository.listFiles('pack');
  let [packsKnown, packsRead] = [0, 0];
  events({ type: 'phase', phase: 'read packs' });
  for (const { id, size } of packs) {
    throwIfAborted(signal);
    const number = old.index.packNumber(id);
    if (number < indexedPacks) packsKnown += 1;
    if (number < indexedPacks && !readAllPacks && packSizeOf(byPack.blobsOf(number)) === size) continue;
    packsRead += 1;
    try {
      await readPackHeader(repository, id, size);
    } catch (error) {
      if (!isDamage(error)) throw error;
      problems.push({ object: `pack ${id}`, reason: reasonOf(error) });
    }
    events({ type: 'progress', phase: 'read packs', itemsDone: packsRead, itemsTotal: packs.length, bytesDone: 0 });
  }
  return { packs: packs.length, packsRead, packsMissing: indexedPacks - packsKnown, removedIndexFiles: old.files.length, problems };
}
