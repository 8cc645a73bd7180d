import { systemClock, type Clock } from '../../util/clock.ts';
import { pause } from '../interruption.ts';
import { measureSourceFile } from '../source-file.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';
import { RateLimit } from './rate-limit.ts';

export interface ThrottleOptions {
  /** Bytes a second that may be written. Default: no limit. */
  readonly uploadRate?: number;
  /** Bytes a second that may be read. Default: no limit. */
  readonly downloadRate?: number;
  readonly clock?: Clock;
  /** For tests: waits so many milliseconds. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Keeps the average rate of all calls together below a limit. One object passes in one piece: it is the pause around it that
 * is measured out, before a put and after a get. Has no `local`, so that every byte passes here.
 */
export function createThrottleStorage(inner: Storage, options: ThrottleOptions): Storage {
  return new ThrottleStorage(inner, options);
}

class ThrottleStorage implements Storage {
  readonly location: string;
  declare readonly retention?: NonNullable<Storage['retention']>;
  declare readonly archive?: NonNullable<Storage['archive']>;
  declare readonly probe?: NonNullable<Storage['probe']>;
  readonly #inner: Storage;
  readonly #upload: RateLimit;
  readonly #download: RateLimit;
  readonly #wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;

  constructor(inner: Storage, options: ThrottleOptions) {
    this.location = inner.location;
    if (inner.retention !== undefined) this.retention = inner.retention;
    if (inner.archive !== undefined) this.archive = inner.archive;
    if (inner.probe !== undefined) this.probe = (signal) => inner.probe?.(signal) ?? Promise.resolve({});
    this.#inner = inner;
    const clock = options.clock ?? systemClock;
    this.#upload = new RateLimit(options.uploadRate, clock);
    this.#download = new RateLimit(options.downloadRate, clock);
    this.#wait = options.wait ?? pause;
  }

  create(): Promise<void> {
    return this.#inner.create();
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    const data = await this.#inner.get(key, range, signal);
    await this.#hold(this.#download, data.length, signal);
    return data;
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#hold(this.#upload, data.length, options.signal);
    await this.#inner.put(key, data, options);
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    const size = await measureSourceFile({ path, key, location: this.location });
    await this.#hold(this.#upload, size, options.signal);
    await this.#inner.putFile(key, path, options);
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#inner.stat(key);
  }

  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, signal);
  }

  remove(key: string): Promise<void> {
    return this.#inner.remove(key);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #hold(limit: RateLimit, bytes: number, signal?: AbortSignal): Promise<void> {
    const milliseconds = limit.take(bytes);
    if (milliseconds > 0) await this.#wait(milliseconds, signal);
  }
}
