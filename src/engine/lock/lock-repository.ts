/**
 * Locks as restic has them, so that both programs respect each other: look, write, wait, look again. Any number of runs may hold a
 * lock at once, or one run an exclusive one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { HeldLock } from './held-lock.ts';
import { describeHolder, describeThisProcess, encodeLock, loadLocks, type LockFile } from './lock-file.ts';
import { defaultTiming, type LockTiming } from './lock-timing.ts';
import { ageOf, describeAge, isOfThisHost, isStale } from './stale-lock.ts';

export interface LockOptions {
  /** Nobody else may hold any lock: for what deletes. Otherwise only exclusive locks of others are in the way. */
  readonly exclusive: boolean;
  /** How long to wait for others to finish, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** For tests. */
  readonly timing?: Partial<LockTiming>;
}

export interface RepositoryLock {
  readonly exclusive: boolean;
  /** Aborts with `lock-lost` when the lock can no longer be vouched for: whatever relies on it must stop. */
  readonly signal: AbortSignal;
  /** Gives the lock back. May be called more than once, and does not throw. */
  release(): Promise<void>;
}

/**
 * Locks a repository. Locks that this host left behind are removed, with a notice; those of other hosts never are.
 *
 * @throws HoldfastError `locked` naming the holder and the lock's age, `lock-unreadable`, `interrupted`
 */
export async function lockRepository(repository: Repository, options: LockOptions, context: RunContext): Promise<RepositoryLock> {
  const timing = { ...defaultTiming, ...options.timing };
  const waitMs = options.waitMs ?? 0;
  const deadline = repository.clock.now().getTime() + waitMs;
  let told = false;
  for (let pauseMs = Math.min(timing.firstPauseMs, waitMs); ; pauseMs = Math.min(pauseMs * 2, timing.longestPauseMs)) {
    try {
      return await tryLock(repository, options.exclusive, timing, context);
    } catch (error) {
      const leftMs = deadline - repository.clock.now().getTime();
      if (!isError(error, 'locked') || leftMs <= 0) throw error;
      if (!told) context.events({ type: 'notice', message: `${error.message} Waiting for it for up to ${describeAge(leftMs)}.` });
      told = true;
      await pause(Math.min(pauseMs, leftMs), context.signal);
    }
  }
}

async function tryLock(repository: Repository, exclusive: boolean, timing: LockTiming, context: RunContext): Promise<RepositoryLock> {
  await assertFree(repository, exclusive, undefined, timing, context);
  const id = await repository.writeFile('lock', encodeLock(describeThisProcess(exclusive, repository.clock.now())));
  try {
    // Who wrote at the same instant is seen now by at least one of the two.
    await pause(timing.settleMs, context.signal);
    await assertFree(repository, exclusive, id, timing, context);
  } catch (error) {
    await repository.removeFile('lock', id).catch(() => {});
    throw error;
  }
  return new HeldLock(repository, { id, exclusive, timing, events: context.events });
}

/** An unreadable lock may be one that is just being written, or a storage that stutters: it is looked at four times, as restic does. */
async function assertFree(
  repository: Repository,
  exclusive: boolean,
  own: string | undefined,
  timing: LockTiming,
  context: RunContext,
): Promise<void> {
  for (let attempt = 1, pauseMs = timing.firstPauseMs; ; attempt += 1, pauseMs *= 2) {
    const unreadable = await findConflict(repository, exclusive, own, context);
    if (unreadable === undefined) return;
    if (attempt === 4)
      throw new HoldfastError('lock-unreadable', {
        location: repository.location,
        id: unreadable.id.slice(0, 8),
        reason: unreadable.problem,
      });
    await pause(pauseMs, context.signal);
  }
}

/** Throws `locked`; returns a lock that could not be read, if that is all that is in the way. */
async function findConflict(
  repository: Repository,
  exclusive: boolean,
  own: string | undefined,
  context: RunContext,
): Promise<{ id: string; problem: string } | undefined> {
  let unreadable: { id: string; problem: string } | undefined;
  for (const loaded of await loadLocks(repository, own)) {
    if ('problem' in loaded) {
      unreadable ??= loaded;
      continue;
    }
    if (await removeOwnLeftover(repository, loaded.id, loaded.lock, context)) continue;
    if (!exclusive && !loaded.lock.exclusive) continue;
    const age = describeAge(ageOf(loaded.lock, repository.clock.now()));
    throw new HoldfastError('locked', { location: repository.location, holder: describeHolder(loaded.lock), age });
  }
  return unreadable;
}

async function removeOwnLeftover(repository: Repository, id: string, lock: LockFile, context: RunContext): Promise<boolean> {
  const now = repository.clock.now();
  if (!isOfThisHost(lock) || !isStale(lock, now)) return false;
  await repository.storage.remove(keyOf('lock', id));
  context.events({
    type: 'notice',
    message: `Removed a lock that ${describeHolder(lock)} left behind ${describeAge(ageOf(lock, now))} ago.`,
  });
  return true;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw new HoldfastError('interrupted', {}, error);
  }
}
