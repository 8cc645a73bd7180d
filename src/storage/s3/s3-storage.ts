import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import { systemClock, type Clock } from '../../util/clock.ts';
import { assertRange } from '../byte-range.ts';
import { toStorageError } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import { measureSourceFile, removeSourceFile } from '../source-file.ts';
import type { S3Address } from '../storage-address.ts';
import type { StorageOptions } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, ServerSigns, Storage } from '../storage.ts';
import { createBucket } from './create-bucket.ts';
import { archivedClass, listObjects } from './list-objects.ts';
import { uploadInParts } from './multipart-upload.ts';
import { ObjectLock } from './object-lock.ts';
import { createPastStorage } from './past-storage.ts';
import { putObject, type ObjectSettings } from './put-object.ts';
import { headObject, readObject } from './read-object.ts';
import { S3Archive } from './s3-archive.ts';
import { S3Connection, type S3Limits } from './s3-connection.ts';
import { hasName, hasStatus } from './s3-error.ts';
import { bodyOfBytes, bodyOfFile, type UploadBody } from './upload-body.ts';

/** For tests: what else would take too long or too much. */
export interface S3Internals {
  readonly clock?: Clock;
  readonly limits?: S3Limits;
  /** Bytes up to which a file is stored with one request, and of the parts of a larger one. Default 1 GiB and 64 MiB. */
  readonly largestSinglePut?: number;
  readonly partSize?: number;
}

/**
 * A repository in a bucket of Amazon S3 or of what speaks its protocol. Nothing is sent yet. With `asOf` it is for reading, and shows what the
 * bucket held then.
 * @throws `storage-url`, `storage-setup`
 */
export async function createS3Storage(address: S3Address, options: StorageOptions = {}, internals: S3Internals = {}): Promise<Storage> {
  const connection = new S3Connection(address, options, internals.limits);
  if (options.asOf !== undefined) return createPastStorage(connection, options.asOf);
  return new S3Storage(connection, options, internals);
}

class S3Storage implements Storage {
  readonly location: string;
  declare readonly retention?: ObjectLock;
  readonly archive: S3Archive;
  readonly #connection: S3Connection;
  readonly #internals: S3Internals;
  /* Until the server says that it knows no conditions. */
  #knowsConditions = true;

  constructor(connection: S3Connection, { lock, isLockable }: StorageOptions, internals: S3Internals) {
    this.location = connection.location;
    this.#connection = connection;
    this.#internals = internals;
    this.archive = new S3Archive(connection);
    if (lock !== undefined) this.retention = new ObjectLock(connection, lock, isLockable ?? (() => true), internals.clock ?? systemClock);
  }

  /** Makes the bucket where there is none and the key may do so; and looks whether it can lock where that was asked for. */
  async create(): Promise<void> {
    await createBucket(this.#connection, this.retention !== undefined);
    await this.retention?.assertUsable();
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertKey(key, this.location);
    assertRange(range, key);
    return readObject(this.#connection, { key }, range, signal);
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    throwIfInterrupted(options.signal);
    await this.#store(key, bodyOfBytes(data, { ...this.#sums, sha256: options.sha256 }), options);
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    throwIfInterrupted(options.signal);
    const source = { path, key, location: this.location };
    const size = await measureSourceFile(source);
    /* Before a large file is read and sent for nothing. */
    if (options.ifAbsent === true) await this.#assertFree(key, options.signal);
    try {
      if (size <= (this.#internals.largestSinglePut ?? 2 ** 30))
        await this.#store(key, await bodyOfFile(path, 0, size, { ...this.#sums, sha256: options.sha256 }), options);
      else await this.#storeInParts(key, path, size, options);
    } catch (error) {
      throwIfInterrupted(options.signal);
      throw toStorageError(error, { action: 'write', key, location: this.location });
    }
    await removeSourceFile(source);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    assertKey(key, this.location);
    const head = await headObject(this.#connection, { key });
    return head === undefined ? undefined : { key, size: head.ContentLength ?? 0 };
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    for await (const { key, size } of listObjects(this.#connection, prefix, signal)) yield { key, size };
  }

  async remove(key: string): Promise<void> {
    assertKey(key, this.location);
    if (this.retention !== undefined) return this.retention.remove(key);
    const input = { Bucket: this.#connection.bucket, Key: this.#connection.nameOf(key) };
    try {
      await this.#connection.run({ action: 'remove', key, right: 's3:DeleteObject' }, undefined, (client) =>
        client.send(new DeleteObjectCommand(input)),
      );
    } catch (error) {
      if (!hasName(error, 'NoSuchKey')) throw error;
    }
    return undefined;
  }

  probe(signal?: AbortSignal): Promise<ServerSigns> {
    return this.#connection.probe(signal);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  get #sums(): { readonly md5: boolean } {
    return { md5: this.retention !== undefined };
  }

  async #store(key: string, body: UploadBody, { ifAbsent, signal }: PutOptions): Promise<void> {
    await this.retention?.assertUsable();
    const settings = this.#settingsFor(key);
    const put = (condition: { readonly IfNoneMatch?: '*' }): Promise<void> =>
      putObject(this.#connection, key, body, { ...settings, ...condition }, signal);
    if (ifAbsent !== true) return this.retention === undefined ? put({}) : this.retention.replace(key, body, () => put({}), signal);
    /* Some servers ignore the condition without a word. */
    await this.#assertFree(key, signal);
    if (this.#knowsConditions) {
      try {
        return await put({ IfNoneMatch: '*' });
      } catch (error) {
        if (!hasStatus(error, 501)) throw error;
        this.#knowsConditions = false;
      }
    }
    return put({});
  }

  /** Conditions on the end of such an upload are ignored by some servers: two that begin at once may both succeed. */
  async #storeInParts(key: string, path: string, size: number, { signal }: PutOptions): Promise<void> {
    await this.retention?.assertUsable();
    const file = { key, path, size, partSize: this.#internals.partSize ?? 64 * 2 ** 20 };
    await uploadInParts(this.#connection, file, this.#settingsFor(key), signal);
  }

  async #assertFree(key: string, signal: AbortSignal | undefined): Promise<void> {
    const head = await headObject(this.#connection, { key }, signal).catch((error: unknown) => {
      /* Who may write but not read is left to the condition. */
      if (hasStatus(error, 403)) return undefined;
      throw error;
    });
    if (head !== undefined) throw new HoldfastError('storage-exists', { key, location: this.location });
  }

  #settingsFor(key: string): ObjectSettings {
    const { storageClass, encryption } = this.#connection.settings;
    return {
      ...(storageClass === undefined || !fitsClass(key, storageClass)
        ? {}
        : { StorageClass: storageClass as NonNullable<ObjectSettings['StorageClass']> }),
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption.algorithm, SSEKMSKeyId: encryption.kmsKeyId }),
      ...this.retention?.settingsFor(key),
    };
  }
}

/* All of a repository but its packs. */
const needed = /^(?:config$|(?:keys|index|snapshots|locks|holdfast)\/)/;

/** Not in an archive: that without which nothing in a repository is found, not even what must be retrieved. */
function fitsClass(key: string, storageClass: string): boolean {
  return !archivedClass.test(storageClass) || !needed.test(key);
}
