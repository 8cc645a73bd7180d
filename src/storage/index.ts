/**
 * Where repositories lie: the interface, the drivers, and what wraps them.
 *
 * @example
 * const storage = createRetryStorage(await openStorage('/backups/app'));
 * await storage.create();
 * await storage.put('config', bytes, { ifAbsent: true });
 */
export type { ByteRange, LocalAccess, ObjectInfo, PutOptions, Storage } from './storage.ts';
export type { StorageOperation } from './storage-operation.ts';
export { openStorage } from './open-storage.ts';
export { createLocalStorage, type LocalStorageOptions } from './local/local-storage.ts';
export { createMemoryStorage } from './memory/memory-storage.ts';
export { createRetryStorage, type RetryOptions } from './wrap/retry-storage.ts';
export { createCacheStorage, type CachedStorage, type CacheOptions } from './wrap/cache-storage.ts';
export { cacheFolderOf } from './wrap/cache-folder.ts';
export { createThrottleStorage, type ThrottleOptions } from './wrap/throttle-storage.ts';
export {
  createMeterStorage,
  type MeteredCall,
  type MeteredStorage,
  type OperationCount,
  type StorageCounts,
} from './wrap/meter-storage.ts';
