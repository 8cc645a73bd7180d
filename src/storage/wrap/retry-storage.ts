import pRetry from 'p-retry';
import { isError, type HoldfastError } from '../../errors.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { removeSourceFile } from '../source-file.ts';
import type { ArchiveAccess, ByteRange, ObjectInfo, PutOptions, RetentionAccess, Storage } from '../storage.ts';
import { hasContent, hasContentOf } from './same-content.ts';

export interface RetryOptions {
  /** Attempts after the first. Default 7: with the pauses about a minute, in which a server can be started anew. */
  readonly retries?: number;
  /** Milliseconds before the first retry; each further one waits twice as long, times a random 1 to 2. Default 250. */
  readonly firstDelay?: number;
  /** Milliseconds that no wait exceeds. Default 30 000. */
  readonly longestDelay?: number;
  /** Told of each failure that is followed by a retry. Must not throw. */
  readonly onRetry?: (failure: HoldfastError) => void;
}

/**
 * Tries again, with growing pauses, what failed with `storage-failed` or `storage-short`. Other failures pass at once, and the last one
 * when the attempts are used up; from then on nothing is tried again until a call succeeds, so that a place that is gone for good is given up in
 * the time of one call. An `ifAbsent` put whose earlier attempt may have arrived counts as done when exactly its content is there.
 */
export function createRetryStorage(inner: Storage, options: RetryOptions = {}): Storage {
  return new RetryStorage(inner, options);
}

class RetryStorage implements Storage {
  readonly location: string;
  declare readonly retention?: NonNullable<Storage['retention']>;
  declare readonly archive?: NonNullable<Storage['archive']>;
  declare readonly probe?: NonNullable<Storage['probe']>;
  declare readonly local?: NonNullable<Storage['local']>;
  readonly #inner: Storage;
  readonly #options: RetryOptions;
  /** A call has used up its attempts, and none has succeeded since. */
  #isGivenUp = false;

  constructor(inner: Storage, options: RetryOptions) {
    this.#inner = inner;
    this.#options = options;
    this.location = inner.location;
    if (inner.retention !== undefined) this.retention = this.#retryRetention(inner.retention);
    if (inner.archive !== undefined) this.archive = this.#retryArchive(inner.archive);
    if (inner.probe !== undefined) this.probe = (signal) => inner.probe?.(signal) ?? Promise.resolve({});
    if (inner.local !== undefined) this.local = inner.local;
  }

  create(): Promise<void> {
    return this.#retry(() => this.#inner.create());
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#retry(() => this.#inner.get(key, range, signal), signal);
  }

  put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    const attempts = new PutAttempts(() => hasContent(this.#inner, key, data, options.signal));
    return this.#retry(() => attempts.run(() => this.#inner.put(key, data, options)), options.signal);
  }

  putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    const source = { path, key, location: this.location };
    const attempts = new PutAttempts(async () => {
      if (!(await hasContentOf(this.#inner, source, options.signal))) return false;
      await removeSourceFile(source);
      return true;
    });
    return this.#retry(() => attempts.run(() => this.#inner.putFile(key, path, options)), options.signal);
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#retry(() => this.#inner.stat(key));
  }

  /** A listing that breaks off begins anew, without what was already told. */
  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    const told = new Set<string>();
    let listing: AsyncIterator<ObjectInfo> | undefined;
    const next = async (): Promise<ObjectInfo | undefined> => {
      try {
        listing ??= this.#inner.list(prefix, signal)[Symbol.asyncIterator]();
        for (;;) {
          const step = await listing.next();
          if (step.done === true) return undefined;
          if (!told.has(step.value.key)) return step.value;
        }
      } catch (error) {
        listing = undefined;
        throw error;
      }
    };
    try {
      for (let info = await this.#retry(next, signal); info !== undefined; info = await this.#retry(next, signal)) {
        told.add(info.key);
        yield info;
      }
    } finally {
      await listing?.return?.();
    }
  }

  remove(key: string): Promise<void> {
    return this.#retry(() => this.#inner.remove(key));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #retryRetention(inner: RetentionAccess): RetentionAccess {
    return {
      mode: inner.mode,
      forMs: inner.forMs,
      extend: (key, until) => this.#retry(() => inner.extend(key, until)),
      lockedUntil: (key) => this.#retry(() => inner.lockedUntil(key)),
    };
  }

  /** A listing that breaks off is for whoever asked to begin anew. */
  #retryArchive(inner: ArchiveAccess): ArchiveAccess {
    return {
      list: (prefix, signal) => inner.list(prefix, signal),
      stateOf: (key, signal) => this.#retry(() => inner.stateOf(key, signal), signal),
      retrieve: (key, speed, signal) => this.#retry(() => inner.retrieve(key, speed, signal), signal),
    };
  }

  async #retry<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { retries = 7, firstDelay = 250, longestDelay = 30_000, onRetry } = this.#options;
    throwIfInterrupted(signal);
    try {
      const result = await pRetry(work, {
        retries,
        minTimeout: firstDelay,
        maxTimeout: longestDelay,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => {
          const again = isWorthRetry(error) && !this.#isGivenUp;
          if (again) onRetry?.(error);
          return again;
        },
      });
      this.#isGivenUp = false;
      return result;
    } catch (error) {
      throwIfInterrupted(signal);
      if (isWorthRetry(error)) this.#isGivenUp = true;
      throw error;
    }
  }
}

/** The attempts of one put. After one that failed without saying whether it arrived, a taken key may be our own work. */
class PutAttempts {
  #earlier: HoldfastError | undefined;
  readonly #isOurs: () => Promise<boolean>;

  constructor(isOurs: () => Promise<boolean>) {
    this.#isOurs = isOurs;
  }

  async run(put: () => Promise<void>): Promise<void> {
    try {
      await put();
    } catch (error) {
      if (this.#earlier !== undefined && isError(error, 'storage-exists') && (await this.#isOurs())) return;
      if (isWorthRetry(error)) this.#earlier = error;
      throw error;
    }
  }
}

function isWorthRetry(error: unknown): error is HoldfastError {
  return isError(error, 'storage-failed') || isError(error, 'storage-short');
}
