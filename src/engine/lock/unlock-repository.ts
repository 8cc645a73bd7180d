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

/**
 * Removes locks whose holder is gone: not refreshed for 30 minutes, or of a process of this host that is dead. With `all` every lock, also
 * those that cannot be read: only for when nobody uses the repository.
 */
export async function unlockRepository(repository: Repository, options: { readonly all?: boolean } = {}): Promise<RemovedLock[]> {
  const now = repository.clock.now();
  const removed: RemovedLock[] = [];
  const known = new Set<string>();
  for (const loaded of await loadLocks(repository)) {
    known.add(loaded.id);
    if ('lock' in loaded ? options.all !== true && !isStale(loaded.lock, now) : options.all !== true) continue;
    await repository.removeFile('lock', loaded.id);
    removed.push(
      'lock' in loaded
        ? { id: loaded.id, holder: describeHolder(loaded.lock), ageMs: ageOf(loaded.lock, now) }
        : { id: loaded.id, holder: `unreadable (${loaded.problem})` },
    );
  }
  if (options.all !== true) return removed;
  for (const { id } of await repository.listFiles('lock')) {
    if (known.has(id)) continue;
    await repository.removeFile('lock', id);
    removed.push({ id, holder: 'unreadable (it is empty)' });
  }
  return removed;
}
