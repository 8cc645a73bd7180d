/** A folder of this machine as a server offers it to others: what lies in it is written and read as by any local run. */
import { existsSync } from 'node:fs';
import { createLocalStorage } from '../storage/local/local-storage.ts';
import type { ObjectInfo, PutOptions } from '../storage/storage.ts';

/** One repository, or the place for one. */
export interface ServedRepository {
  /** Whether its folder has been created. */
  exists(): boolean;
  create(): Promise<void>;
  /** Absolute path of an object's file, which may not be there. */
  path(key: string): string;
  /** A folder on the same file system for what is received. */
  stagingFolder(): Promise<string>;
  /** Makes a finished file an object, durably. Throws `storage-exists` with `ifAbsent`. */
  putFile(key: string, path: string, options?: PutOptions): Promise<void>;
  stat(key: string): Promise<ObjectInfo | undefined>;
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>;
  remove(key: string): Promise<void>;
}

/** Opens a folder for a server. Nothing is touched yet. */
export function openServedRepository(folder: string): ServedRepository {
  const storage = createLocalStorage(folder);
  const { local } = storage;
  if (local === undefined) throw new TypeError('a folder has local access');
  return {
    exists: () => existsSync(storage.location),
    create: () => storage.create(),
    path: (key) => local.path(key),
    stagingFolder: () => local.stagingFolder(),
    putFile: (key, file, options) => storage.putFile(key, file, options),
    stat: (key) => storage.stat(key),
    list: (prefix, signal) => storage.list(prefix, signal),
    remove: (key) => storage.remove(key),
  };
}
