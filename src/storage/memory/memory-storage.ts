import { HoldfastError } from '../../errors.ts';
import { sliceRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import { readSourceFile, removeSourceFile } from '../source-file.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';

/**
 * A repository in the memory of this process, for tests and for programs that send it elsewhere. It ends with the process.
 * @param name tells several apart in messages
 */
export function createMemoryStorage(name = 'storage'): Storage {
  return new MemoryStorage(`memory:${name}`);
}

class MemoryStorage implements Storage {
  readonly location: string;
  readonly #objects = new Map<string, Uint8Array>();

  constructor(location: string) {
    this.location = location;
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
    this.#objects.set(key, new Uint8Array(data));
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
    this.#objects.delete(key);
  }

  async close(): Promise<void> {}

  #assertFree(key: string, options: PutOptions): void {
    if (options.ifAbsent === true && this.#objects.has(key)) throw new HoldfastError('storage-exists', { key, location: this.location });
  }
}
