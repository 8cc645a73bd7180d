import type { Repository } from '../repository.ts';
import { describeHolder, loadLocks } from './lock-file.ts';
import { ageOf, isStale } from './stale-lock.ts';

export interface RemovedLock {
  readonly id: string;
  /** For people: who held it, or why that is not known. */
  readonly holder: string;
  /** Milliseconds since its last refresh, where the lock could be read. */
  readonly ageMs?: number;
}

/** Which locks are meant: those whose holder is gone, or with `all` every lock, also those that cannot be read. */
export interface UnlockOptions {
  readonly all?: boolean;
}

/** The locks that `unlockRepository` would remove now: not refreshed for 30 minutes, or of a process of this host that is dead. */
export async function findRemovableLocks(repository: Repository, { all = false }: UnlockOptions = {}): Promise<RemovedLock[]> {
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

/** Removes them. With `all`: only for when nobody uses the repository. */
export async function unlockRepository(repository: Repository, options: UnlockOptions = {}): Promise<RemovedLock[]> {
  const found = await findRemovableLocks(repository, options);
  for (const { id } of found) await repository.removeFile('lock', id);
  return found;
}
