/** From an address to the storage that a repository is opened on: the driver, and what keeps a network from being felt. */
import { join } from 'node:path';
import { idOf } from '../engine/layout.ts';
import { isLockable } from '../engine/lockable.ts';
import type { Repository } from '../engine/repository.ts';
import type { EventSink } from '../events.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { StorageEnvironment, StorageLock } from '../storage/storage-options.ts';
import type { Storage } from '../storage/storage.ts';

/** What is known of a place beside its address. */
export interface PlaceOptions {
  /** Credentials, by names of variables. Default: the environment of the process. */
  readonly environment?: StorageEnvironment;
  readonly storageClass?: string;
  readonly lock?: StorageLock;
  /** Requests at once. */
  readonly connections?: number;
  /** As the place was at this time: only for reading. */
  readonly asOf?: Date;
  /** Bytes a second. */
  readonly uploadRate?: number;
  readonly downloadRate?: number;
  /** False keeps no copies of small objects on this machine; a folder says where. Default: where the system wants caches. */
  readonly cache?: false | { readonly folder: string };
  /** Told of what had to be tried again. */
  readonly events?: EventSink;
}

/** Nothing is touched yet. Throws `storage-url`, `storage-setup`. */
export async function openPlace(url: string, options: PlaceOptions = {}): Promise<Storage> {
  const { uploadRate, downloadRate, cache: _, events, ...rest } = options;
  const storage = await openStorage(url, { ...rest, isLockable });
  const limited = uploadRate === undefined && downloadRate === undefined ? storage : await throttle(storage, options);
  if (storage.local !== undefined) return limited;
  const { createRetryStorage } = await import('../storage/wrap/retry-storage.ts');
  return createRetryStorage(limited, {
    onRetry: (failure) => events?.({ type: 'notice', message: `${failure.message} It is tried again.` }),
  });
}

async function throttle(storage: Storage, { uploadRate, downloadRate }: PlaceOptions): Promise<Storage> {
  const { createThrottleStorage } = await import('../storage/wrap/throttle-storage.ts');
  return createThrottleStorage(storage, {
    ...(uploadRate === undefined ? {} : { uploadRate }),
    ...(downloadRate === undefined ? {} : { downloadRate }),
  });
}

/**
 * For `openRepository`: indexes, snapshots and packs of trees of a place that is not on this machine are kept on it once they were read.
 * `opened` is the repository, once there is one: which packs hold trees is known from its index.
 */
export async function cacheFor(
  storage: Storage,
  { cache, environment = process.env, events }: PlaceOptions,
  opened: () => Repository | undefined,
): Promise<((storage: Storage, repositoryId: string) => Storage) | undefined> {
  if (storage.local !== undefined || cache === false) return undefined;
  const { createCacheStorage } = await import('../storage/wrap/cache-storage.ts');
  const { cacheFolderOf } = await import('../storage/wrap/cache-folder.ts');
  return (inner, id) =>
    createCacheStorage(inner, {
      folder: cacheFolderOf(id, cache === undefined ? environment : { XDG_CACHE_HOME: cache.folder }),
      isCacheable: (key) => isReadOften(key, opened()),
      onProblem: (reason) => events?.({ type: 'notice', message: `copies of indexes cannot be kept on this machine: ${reason}` }),
    });
}

/** Where this machine keeps what it has worked out from a repository: beside the copies of its objects. Nothing of one that is looked at as it was. */
export async function keptFolder({
  cache,
  asOf,
  environment = process.env,
}: PlaceOptions): Promise<((repositoryId: string) => string) | undefined> {
  if (cache === false || asOf !== undefined) return undefined;
  const { cacheFolderOf } = await import('../storage/wrap/cache-folder.ts');
  return (id) => join(cacheFolderOf(id, cache === undefined ? environment : { XDG_CACHE_HOME: cache.folder }), 'kept');
}

function isReadOften(key: string, repository: Repository | undefined): boolean {
  if (key.startsWith('index/') || key.startsWith('snapshots/')) return true;
  return key.startsWith('data/') && (repository?.holdsTrees(idOf(key) ?? '') ?? false);
}
