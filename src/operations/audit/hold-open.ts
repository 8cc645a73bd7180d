import type { Storage } from '../../storage/storage.ts';

export interface HeldStorage {
  /** The same place; closing it does nothing. */
  readonly storage: Storage;
  /** Closes it. */
  readonly release: () => Promise<void>;
}

/**
 * A place that stays open when the work on it is over, so that it can still be written how the work ended.
 *
 * @param onStored told the key of each object that was stored
 */
export function holdOpen(inner: Storage, onStored: (key: string) => void): HeldStorage {
  const storage: Storage = {
    location: inner.location,
    ...(inner.local === undefined ? {} : { local: inner.local }),
    ...(inner.retention === undefined ? {} : { retention: inner.retention }),
    ...(inner.archive === undefined ? {} : { archive: inner.archive }),
    ...(inner.invalidate === undefined ? {} : { invalidate: (key) => inner.invalidate?.(key) ?? Promise.resolve() }),
    ...(inner.probe === undefined ? {} : { probe: (signal) => inner.probe?.(signal) ?? Promise.resolve({}) }),
    create: () => inner.create(),
    get: (key, range, signal) => inner.get(key, range, signal),
    put: async (key, data, options) => {
      await inner.put(key, data, options);
      onStored(key);
    },
    putFile: async (key, path, options) => {
      await inner.putFile(key, path, options);
      onStored(key);
    },
    stat: (key) => inner.stat(key),
    list: (prefix, signal) => inner.list(prefix, signal),
    remove: (key) => inner.remove(key),
    close: () => Promise.resolve(),
  };
  return { storage, release: () => inner.close() };
}
