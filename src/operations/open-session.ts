/** From an address and a password to an open repository, and the lock that work on it holds. */
import { HoldfastError, isError, reasonOf } from '../errors.ts';
import { configKey } from '../engine/layout.ts';
import { lockRepository, type RepositoryLock } from '../engine/lock/lock-repository.ts';
import { initRepository, openRepository, type Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { Storage } from '../storage/storage.ts';
import { cacheFor, keptFolder, openPlace, type PlaceOptions } from './open-place.ts';

export interface SessionRequest {
  /** A path, or an address such as `s3://bucket/prefix`. */
  readonly url: string;
  /** Asked for once it is known that there is a repository. */
  readonly password: () => Promise<string>;
  /** Credentials and limits of that place. */
  readonly place?: PlaceOptions;
  /** Wraps the place before anything is read of it. */
  readonly around?: (storage: Storage) => Storage;
}

/** Opens the repository at an address. Throws `repository-missing`, `password-wrong`, `storage-url`, `storage-setup`, … */
export async function openSession({ url, password, place = {}, around = asItIs }: SessionRequest): Promise<Repository> {
  const storage = around(await openPlace(url, place));
  try {
    let opened: Repository | undefined = undefined;
    const through = await cacheFor(storage, place, () => opened);
    const keepIn = await keptFolder(place);
    opened = await openRepository(storage, {
      password,
      ...(through === undefined ? {} : { through }),
      ...(keepIn === undefined ? {} : { keepIn }),
    });
    return opened;
  } catch (error) {
    const isMissing = isError(error, 'storage-setup') && (await isAbsent(storage));
    await storage.close();
    throw isMissing ? new HoldfastError('repository-missing', { location: storage.location }, error) : error;
  }
}

/** In a bucket that is not there is no repository either. */
async function isAbsent(storage: Storage): Promise<boolean> {
  try {
    return (await storage.stat(configKey)) === undefined;
  } catch {
    return false;
  }
}

export interface CreateRequest extends SessionRequest {
  readonly version?: 1 | 2;
  /** Cut files as this repository does, so that copies between the two share their data. */
  readonly polynomialOf?: Repository;
  /** Seal with this repository's key, so that copies between the two take over whole packs. */
  readonly sameKeyAs?: Repository | undefined;
}

/** Creates a repository and opens it. Throws `repository-exists`. */
export async function createSession({
  url,
  password,
  version,
  polynomialOf,
  sameKeyAs,
  place,
  around = asItIs,
}: CreateRequest): Promise<Repository> {
  const storage = around(await openPlace(url, place));
  try {
    if ((await storage.stat(configKey)) !== undefined) throw new HoldfastError('repository-exists', { location: storage.location });
    return await initRepository(storage, {
      password: await password(),
      ...(version === undefined ? {} : { version }),
      ...(polynomialOf === undefined ? {} : { polynomial: polynomialOf.config.polynomial }),
      ...(sameKeyAs === undefined ? {} : { masterKey: sameKeyAs.masterKey }),
    });
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function asItIs(storage: Storage): Storage {
  return storage;
}

/** How to lock: waiting for how long, or not at all. */
export interface LockChoice {
  readonly waitMs?: number;
  /** Only for reading, where nothing can be written. */
  readonly noLock?: boolean;
}

export interface LockedWork<Result> {
  readonly repository: Repository;
  /** `shared`: others may read and add meanwhile; `exclusive`: for what deletes. */
  readonly mode: 'shared' | 'exclusive';
  readonly lock: LockChoice;
  readonly context: RunContext;
  /** Does the work under a context that also stops when the lock is lost. */
  readonly work: (context: RunContext, lock: RepositoryLock) => Promise<Result>;
}

/** Works under a lock, which is given back whatever happens. Throws `locked`, `lock-lost`, and what the work throws. */
export async function withLock<Result>({ repository, mode, lock: choice, context, work }: LockedWork<Result>): Promise<Result> {
  if (choice.noLock === true)
    throw new HoldfastError('usage', { reason: '--no-lock is for commands that only read, and this one writes', help: 'holdfast --help' });
  const lock = await lockRepository(
    repository,
    { exclusive: mode === 'exclusive', ...(choice.waitMs === undefined ? {} : { waitMs: choice.waitMs }) },
    context,
  );
  try {
    return await work({ events: context.events, signal: AbortSignal.any([context.signal, lock.signal]) }, lock);
  } catch (error) {
    throw lock.signal.aborted ? lock.signal.reason : error;
  } finally {
    await lock.release();
  }
}

/** Reading work: under a shared lock, or without one where the caller says so. Throws `lock-unwritable` where a lock cannot be stored. */
export async function withReadLock<Result>(
  request: Omit<LockedWork<Result>, 'mode' | 'work'> & { work(context: RunContext): Promise<Result> },
): Promise<Result> {
  if (request.lock.noLock === true) return request.work(request.context);
  let isLocked = false;
  try {
    return await withLock({
      ...request,
      mode: 'shared',
      work: (context) => {
        isLocked = true;
        return request.work(context);
      },
    });
  } catch (error) {
    if (
      isLocked ||
      !(
        isError(error, 'storage-full') ||
        isError(error, 'storage-quota') ||
        isError(error, 'storage-denied') ||
        isError(error, 'storage-failed')
      )
    )
      throw error;
    throw new HoldfastError('lock-unwritable', { location: request.repository.location, reason: reasonOf(error) }, error);
  }
}
