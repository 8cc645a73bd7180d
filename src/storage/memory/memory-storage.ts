import { HoldfastError } from '../../errors.ts';
import { sliceRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import { readSourceFile, removeSourceFile } from '../source-file.ts';
import type { StorageLock } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, RetentionAccess, Storage } from '../storage.ts';
import type { Clock } from '../../util/clock.ts';

/** What places of other kinds can do, for those who want to see what comes of it. */
export interface MemoryOptions {
  /** Objects are locked when they are put, as the clock has it. */
  readonly lock?: StorageLock & { readonly clock: Clock; readonly isLockable?: (key: string) => boolean };
  /** Nothing but locks of runs can be removed, and nothing replaced. */
  readonly appendOnly?: boolean;
}

/**
 * A repository in the memory of this process, for tests and for programs that send it elsewhere. It ends with the process.
 * @param name tells several apart in messages
 */
export function createMemoryStorage(name = 'storage', options: MemoryOptions = {}): Storage {
  return new MemoryStorage(`memory:${name}`, options);
}

class MemoryStorage implements Storage {
  readonly location: string;
  declare readonly retention?: RetentionAccess;
  readonly #options: MemoryOptions;
  readonly #objects = new Map<string, Uint8Array>();
  /** Until when objects are locked, in milliseconds since 1970. */
  readonly #locked = new Map<string, number>();

  constructor(location: string, options: MemoryOptions) {
    this.location = location;
    this.#options = options;
    if (options.lock !== undefined) this.retention = this.#retentionOf(options.lock);
  }

  async create(): Promise<void> {}

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertKey(key, this.location);
    throwIfInterrupted(signal);
    const data = this.#objects.get(key);
    if (data === undefined) throw new HoldfastError('storage-missing', { key, location: this.location });
    return sliceRange(data, range, key, this.location);
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    throwIfInterrupted(options.signal);
    this.#assertFree(key, options);
    if (this.#objects.has(key)) this.#assertRemovable(key, 'write');
    this.#objects.set(key, new Uint8Array(data));
    const { lock } = this.#options;
    if (lock !== undefined && lock.isLockable?.(key) !== false) this.#locked.set(key, lock.clock.now().getTime() + lock.forMs);
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    this.#assertFree(key, options);
    const source = { path, key, location: this.location };
    await this.put(key, await readSourceFile(source), options);
    await removeSourceFile(source);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    assertKey(key, this.location);
    const data = this.#objects.get(key);
    return data === undefined ? undefined : { key, size: data.length };
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    for (const [key, data] of [...this.#objects]) {
      throwIfInterrupted(signal);
      if (key.startsWith(prefix)) yield { key, size: data.length };
    }
  }

  async remove(key: string): Promise<void> {
    assertKey(key, this.location);
    this.#assertRemovable(key, 'delete');
    this.#objects.delete(key);
    this.#locked.delete(key);
  }

  async close(): Promise<void> {}

  #assertFree(key: string, options: PutOptions): void {
    if (options.ifAbsent === true && this.#objects.has(key)) throw new HoldfastError('storage-exists', { key, location: this.location });
  }

  /** A place that only takes more refuses whether the object is there or not. */
  #assertRemovable(key: string, action: string): void {
    const { lock, appendOnly = false } = this.#options;
    if (appendOnly && !key.startsWith('locks/')) throw new HoldfastError('storage-denied', { action, key, location: this.location });
    const until = this.#locked.get(key);
    if (lock === undefined || until === undefined || until <= lock.clock.now().getTime()) return;
    throw new HoldfastError('storage-locked', { key, location: this.location, until: new Date(until).toISOString() });
  }

  #retentionOf({ mode, forMs, clock }: NonNullable<MemoryOptions['lock']>): RetentionAccess {
    const known = (key: string): number => {
      assertKey(key, this.location);
      if (!this.#objects.has(key)) throw new HoldfastError('storage-missing', { key, location: this.location });
      return this.#locked.get(key) ?? 0;
    };
    return {
      mode,
      forMs,
      extend: async (key, until) => void this.#locked.set(key, Math.max(known(key), until.getTime())),
      lockedUntil: async (key) => {
        const until = known(key);
        return until > clock.now().getTime() ? new Date(until) : undefined;
      },
    };
  }
}
