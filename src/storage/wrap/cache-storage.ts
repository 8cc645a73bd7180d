import { assertRange, sliceRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey } from '../object-key.ts';
import { measureSourceFile, readSourceFile } from '../source-file.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';
import { largestCachedObject } from './cache-file.ts';
import { CacheFolder } from './cache-folder.ts';

export interface CacheOptions {
  /** Where the copies are kept; made when first needed. See `cacheFolderOf`. */
  readonly folder: string;
  /** True for keys of objects that never change and are read often: indexes, snapshots, packs of trees. */
  readonly isCacheable: (key: string) => boolean;
  /** Bytes that all copies together may take; the oldest go first. Default 2 GiB. */
  readonly maximumBytes?: number;
  /** Told once when the folder cannot be used: the work goes on without it. */
  readonly onProblem?: (reason: string) => void;
}

export interface CachedStorage extends Storage {
  /** Forgets the copy of an object. */
  invalidate(key: string): Promise<void>;
}

/**
 * Keeps copies of small immutable objects in a folder of this machine. A copy carries checksums and is dropped when they do not match;
 * a range of a cacheable object that is not there yet brings the whole object, once for all who ask at the same time.
 * Existence is not cached: `stat` and `list` ask the storage. An object that somebody else removed may still be read from its copy.
 * Objects above 64 MiB are never kept. Has no `local`.
 */
export function createCacheStorage(inner: Storage, options: CacheOptions): CachedStorage {
  return new CacheStorage(inner, options);
}

class CacheStorage implements CachedStorage {
  readonly location: string;
  declare readonly retention?: NonNullable<Storage['retention']>;
  declare readonly archive?: NonNullable<Storage['archive']>;
  declare readonly probe?: NonNullable<Storage['probe']>;
  readonly #inner: Storage;
  readonly #isCacheable: (key: string) => boolean;
  readonly #cache: CacheFolder;
  readonly #fetches = new Map<string, Promise<Uint8Array>>();
  /** The last change of each key's copy: changes wait for one another, so that an old copy never comes after a newer one. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(inner: Storage, options: CacheOptions) {
    this.location = inner.location;
    if (inner.retention !== undefined) this.retention = inner.retention;
    if (inner.archive !== undefined) this.archive = inner.archive;
    if (inner.probe !== undefined) this.probe = (signal) => inner.probe?.(signal) ?? Promise.resolve({});
    this.#inner = inner;
    this.#isCacheable = options.isCacheable;
    const { folder, maximumBytes = 2 * 2 ** 30, onProblem = () => {} } = options;
    this.#cache = new CacheFolder({ folder, maximumBytes, onProblem });
  }

  create(): Promise<void> {
    return this.#inner.create();
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertKey(key, this.location);
    assertRange(range, key);
    throwIfInterrupted(signal);
    if (!this.#isCacheable(key)) return this.#inner.get(key, range, signal);
    const copy = await this.#cache.read(key, range);
    if (copy !== undefined) return copy;
    if (range !== undefined && (await this.#isTooLarge(key))) return this.#inner.get(key, range, signal);
    const whole = await this.#fetch(key);
    throwIfInterrupted(signal);
    return sliceRange(whole, range, key, this.location);
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    if (!this.#isCacheable(key)) return this.#inner.put(key, data, options);
    await this.#replace(key, new Uint8Array(data), () => this.#inner.put(key, data, options));
    return undefined;
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    const source = { path, key, location: this.location };
    const isKept = options.readOften === true || this.#isCacheable(key);
    if (!isKept || (await measureSourceFile(source)) > largestCachedObject) return this.#inner.putFile(key, path, options);
    await this.#replace(key, await readSourceFile(source), () => this.#inner.putFile(key, path, options));
    return undefined;
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#inner.stat(key);
  }

  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, signal);
  }

  async remove(key: string): Promise<void> {
    await this.invalidate(key);
    await this.#inner.remove(key);
    /* A read that was under way may have kept a copy meanwhile. */
    await this.invalidate(key);
  }

  async invalidate(key: string): Promise<void> {
    assertKey(key, this.location);
    this.#fetches.delete(key);
    await this.#change(key, () => this.#cache.remove(key));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #isTooLarge(key: string): Promise<boolean> {
    const info = await this.#inner.stat(key);
    return info !== undefined && info.size > largestCachedObject;
  }

  /** The whole object from the storage, kept on the way. Who asks while it comes gets the same. */
  #fetch(key: string): Promise<Uint8Array> {
    const underway = this.#fetches.get(key);
    if (underway !== undefined) return underway;
    const fetch: Promise<Uint8Array> = this.#inner.get(key).then(async (data) => {
      await this.#change(key, async () => {
        /* Unless the key was invalidated meanwhile. */
        if (this.#fetches.get(key) === fetch) await this.#cache.write(key, data);
      });
      return data;
    });
    this.#fetches.set(key, fetch);
    const forget = (): void => {
      if (this.#fetches.get(key) === fetch) this.#fetches.delete(key);
    };
    fetch.then(forget, forget);
    return fetch;
  }

  async #replace(key: string, data: Uint8Array, store: () => Promise<void>): Promise<void> {
    await this.invalidate(key);
    await store();
    this.#fetches.delete(key);
    await this.#change(key, () => this.#cache.write(key, data));
  }

  async #change(key: string, work: () => Promise<void>): Promise<void> {
    const change = (this.#changes.get(key) ?? Promise.resolve()).then(work);
    this.#changes.set(key, change);
    await change;
    if (this.#changes.get(key) === change) this.#changes.delete(key);
  }
}
