import { GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import { assertRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import type { ByteRange, ObjectInfo, Storage } from '../storage.ts';
import { listVersions, type PastVersion } from './list-objects.ts';
import { readObject } from './read-object.ts';
import type { S3Connection } from './s3-connection.ts';
import { hasStatus } from './s3-error.ts';

/** A versioned bucket as it was at a time, for reading: what was deleted or replaced since is there. */
export function createPastStorage(connection: S3Connection, asOf: Date): Storage {
  return new PastStorage(connection, asOf);
}

type Objects = ReadonlyMap<string, { readonly version: string; readonly size: number }>;

class PastStorage implements Storage {
  readonly location: string;
  readonly #connection: S3Connection;
  readonly #asOf: Date;
  #found: Promise<Objects> | undefined;

  constructor(connection: S3Connection, asOf: Date) {
    this.location = connection.location;
    this.#connection = connection;
    this.#asOf = asOf;
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertKey(key, this.location);
    assertRange(range, key);
    throwIfInterrupted(signal);
    const object = (await untilSignal(this.#objects(), signal)).get(key);
    if (object === undefined) throw new HoldfastError('storage-missing', { key, location: this.location });
    return readObject(this.#connection, { key, version: object.version }, range, signal);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    assertKey(key, this.location);
    const object = (await this.#objects()).get(key);
    return object === undefined ? undefined : { key, size: object.size };
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    throwIfInterrupted(signal);
    for (const [key, { size }] of await untilSignal(this.#objects(), signal)) {
      throwIfInterrupted(signal);
      if (key.startsWith(prefix)) yield { key, size };
    }
  }

  create(): Promise<void> {
    return this.#refuse('create', 'a repository');
  }

  put(key: string): Promise<void> {
    return this.#refuse('write', key);
  }

  putFile(key: string): Promise<void> {
    return this.#refuse('write', key);
  }

  remove(key: string): Promise<void> {
    return this.#refuse('remove', key);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #refuse(action: string, key: string): Promise<void> {
    if (action !== 'create') assertKey(key, this.location);
    const reason = `it is shown as it was at ${this.#asOf.toISOString()}, for reading only`;
    throw new HoldfastError('storage-refused', {
      action,
      key,
      location: this.location,
      reason,
      help: 'Copy what you need to another repository',
    });
  }

  /* The past does not change: one listing is enough. */
  #objects(): Promise<Objects> {
    this.#found ??= this.#find().catch((error: unknown) => {
      this.#found = undefined;
      throw error;
    });
    return this.#found;
  }

  async #find(): Promise<Objects> {
    await this.#assertVersioned();
    const newest = new Map<string, PastVersion>();
    for await (const state of listVersions(this.#connection)) {
      if (state.since > this.#asOf) continue;
      const other = newest.get(state.key);
      if (other === undefined || isNewer(state, other)) newest.set(state.key, state);
    }
    const objects = new Map<string, { readonly version: string; readonly size: number }>();
    for (const { key, version, size } of newest.values()) if (size !== undefined) objects.set(key, { version, size });
    return objects;
  }

  async #assertVersioned(): Promise<void> {
    const { bucket, location } = this.#connection;
    const request = { action: 'read', key: 'the versioning', right: 's3:GetBucketVersioning' } as const;
    const send = this.#connection.run(request, undefined, (client) => client.send(new GetBucketVersioningCommand({ Bucket: bucket })));
    const status = await send.then(
      (answer) => answer.Status ?? 'never',
      (error: unknown) => {
        /* Who may not ask may still be allowed to list the versions. */
        if (hasStatus(error, 403)) return 'unknown';
        throw error;
      },
    );
    if (status !== 'never') return;
    const reason = `the bucket "${bucket}" keeps no earlier versions`;
    throw new HoldfastError('storage-setup', { location, reason, help: 'Read it as it is now; switch versioning on for the next time' });
  }
}

/** Of two states of one object within the clock's tick, a version counts before the mark of a deletion: showing too much does no harm. */
function isNewer(state: PastVersion, other: PastVersion): boolean {
  if (state.since.getTime() !== other.since.getTime()) return state.since > other.since;
  if (state.isLatest !== other.isLatest) return state.isLatest;
  return other.size === undefined && state.size !== undefined;
}

/** A result that others wait for too, unless the signal comes first. */
async function untilSignal<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  const given = Promise.withResolvers<never>();
  const leave = (): void => given.reject(new Error('the signal was given'));
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([result, given.promise]);
  } catch (error) {
    throwIfInterrupted(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
