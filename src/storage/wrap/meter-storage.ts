import { measureSourceFile } from '../source-file.ts';
import type { StorageOperation } from '../storage-operation.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';

/** What one kind of call came to. */
export interface OperationCount {
  readonly calls: number;
  /** Calls that threw. */
  readonly failures: number;
  /** Bytes read or written by calls that succeeded. */
  readonly bytes: number;
}

export type StorageCounts = Readonly<Record<StorageOperation, OperationCount>>;

/** One call that ended. */
export interface MeteredCall {
  readonly operation: StorageOperation;
  /** The key, or the prefix of a listing; empty for `create`. */
  readonly key: string;
  readonly bytes: number;
  readonly failed: boolean;
}

export interface MeteredStorage extends Storage {
  /** The counts so far, a copy. */
  counts(): StorageCounts;
}

const none: OperationCount = { calls: 0, failures: 0, bytes: 0 };

/**
 * Counts calls and bytes. Has no `local`, so that every byte passes here.
 * @param onCall told of each call that ended; must not throw
 */
export function createMeterStorage(inner: Storage, onCall: (call: MeteredCall) => void = () => {}): MeteredStorage {
  return new MeterStorage(inner, onCall);
}

class MeterStorage implements MeteredStorage {
  readonly location: string;
  declare readonly retention?: NonNullable<Storage['retention']>;
  declare readonly archive?: NonNullable<Storage['archive']>;
  declare readonly probe?: NonNullable<Storage['probe']>;
  readonly #inner: Storage;
  readonly #onCall: (call: MeteredCall) => void;
  #counts: StorageCounts = { create: none, get: none, put: none, putFile: none, stat: none, list: none, remove: none };

  constructor(inner: Storage, onCall: (call: MeteredCall) => void) {
    this.location = inner.location;
    if (inner.retention !== undefined) this.retention = inner.retention;
    if (inner.archive !== undefined) this.archive = inner.archive;
    if (inner.probe !== undefined) this.probe = (signal) => inner.probe?.(signal) ?? Promise.resolve({});
    this.#inner = inner;
    this.#onCall = onCall;
  }

  counts(): StorageCounts {
    return this.#counts;
  }

  create(): Promise<void> {
    return this.#count('create', '', () => this.#inner.create());
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#count(
      'get',
      key,
      () => this.#inner.get(key, range, signal),
      (data) => data.length,
    );
  }

  put(key: string, data: Uint8Array, options?: PutOptions): Promise<void> {
    const size = data.length;
    return this.#count(
      'put',
      key,
      () => this.#inner.put(key, data, options),
      () => size,
    );
  }

  putFile(key: string, path: string, options?: PutOptions): Promise<void> {
    let size = 0;
    const work = async (): Promise<void> => {
      size = await measureSourceFile({ path, key, location: this.location });
      await this.#inner.putFile(key, path, options);
    };
    return this.#count('putFile', key, work, () => size);
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#count('stat', key, () => this.#inner.stat(key));
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    let failed = false;
    try {
      yield* this.#inner.list(prefix, signal);
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      /* Also for a listing that its reader left early. */
      this.#add({ operation: 'list', key: prefix, bytes: 0, failed });
    }
  }

  remove(key: string): Promise<void> {
    return this.#count('remove', key, () => this.#inner.remove(key));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #count<T>(operation: StorageOperation, key: string, work: () => Promise<T>, bytesOf: (result: T) => number = () => 0): Promise<T> {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      this.#add({ operation, key, bytes: 0, failed: true });
      throw error;
    }
    this.#add({ operation, key, bytes: bytesOf(result), failed: false });
    return result;
  }

  #add(call: MeteredCall): void {
    const { calls, failures, bytes } = this.#counts[call.operation];
    const count = { calls: calls + 1, failures: failures + (call.failed ? 1 : 0), bytes: bytes + call.bytes };
    this.#counts = { ...this.#counts, [call.operation]: count };
    this.#onCall(call);
  }
}
