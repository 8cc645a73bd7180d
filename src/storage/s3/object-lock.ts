import {
  DeleteObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutObjectRetentionCommand,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { HoldfastError, isError } from '../../errors.ts';
import type { Clock } from '../../util/clock.ts';
import type { StorageLock } from '../storage-options.ts';
import type { RetentionAccess } from '../storage.ts';
import type { ObjectSettings } from './put-object.ts';
import { headObject, readObject } from './read-object.ts';
import type { S3Connection } from './s3-connection.ts';
import { hasName, hasStatus } from './s3-error.ts';
import { bodyOfBytes, type UploadBody } from './upload-body.ts';

/* Versions of one key that are looked at before it counts as one that somebody keeps writing. */
const mostVersions = 1000;

/** Objects of a bucket with object lock: locked when they are put, and for as long as that holds neither removed nor replaced. */
export class ObjectLock implements RetentionAccess {
  readonly mode: StorageLock['mode'];
  readonly forMs: number;
  readonly #connection: S3Connection;
  readonly #isLockable: (key: string) => boolean;
  readonly #clock: Clock;
  #usable: Promise<void> | undefined;

  constructor(connection: S3Connection, lock: StorageLock, isLockable: (key: string) => boolean, clock: Clock) {
    this.mode = lock.mode;
    this.forMs = lock.forMs;
    this.#connection = connection;
    this.#isLockable = isLockable;
    this.#clock = clock;
  }

  /** What a put of this key says about its lock. */
  settingsFor(key: string): ObjectSettings {
    if (!this.#isLockable(key)) return {};
    return { ObjectLockMode: modeNames[this.mode], ObjectLockRetainUntilDate: this.#end() };
  }

  /**
   * Looks, once, whether the bucket can lock.
   * @throws `storage-setup`
   */
  assertUsable(): Promise<void> {
    this.#usable ??= this.#probe().catch((error: unknown) => {
      this.#usable = undefined;
      throw error;
    });
    return this.#usable;
  }

  /**
   * Puts an object where another may be: one that is locked stays, one that is not goes for good. The same content again only renews its lock,
   * since it is what an earlier attempt left whose answer was lost.
   * @throws `storage-locked`
   */
  async replace(key: string, body: UploadBody, store: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const earlier = this.#isLockable(key) ? await headObject(this.#connection, { key }, signal) : undefined;
    const until = earlier === undefined ? undefined : this.#lockEnd(earlier);
    if (earlier === undefined || until === undefined) {
      await store();
      if (earlier?.VersionId !== undefined) await this.#removeVersion(key, earlier.VersionId);
      return;
    }
    if (!(await this.#isSame(key, earlier, body, signal))) throw this.#locked(key, until);
    await this.extend(key, this.#end());
  }

  /** Removes an object for good, with what lies below it. Keys that are not for locking get a delete marker where something locked them. */
  async remove(key: string): Promise<void> {
    for (let round = 0; round < mostVersions; round += 1) {
      const current = await headObject(this.#connection, { key });
      if (current === undefined) return;
      const until = this.#lockEnd(current);
      if (until !== undefined && this.#isLockable(key)) throw this.#locked(key, until);
      const version = until === undefined ? current.VersionId : undefined;
      const isForGood = version !== undefined && (await this.#mayRemoveVersion(key, version));
      if (isForGood) continue;
      await this.#removeVersion(key, undefined);
      return;
    }
    throw new HoldfastError('storage-failed', {
      action: 'remove',
      key,
      location: this.#connection.location,
      reason: 'it keeps coming back',
    });
  }

  async extend(key: string, until: Date): Promise<void> {
    const { mode, end } = await this.#retention(key);
    if (end !== undefined && end >= until) return;
    /* A stricter lock than ours stays one. */
    const Retention = { Mode: mode === 'COMPLIANCE' ? mode : modeNames[this.mode], RetainUntilDate: until };
    await this.#connection.run({ action: 'lock', key, right: 's3:PutObjectRetention' }, undefined, (client) =>
      client.send(new PutObjectRetentionCommand({ ...this.#target(key), Retention })),
    );
  }

  async lockedUntil(key: string): Promise<Date | undefined> {
    const { end } = await this.#retention(key);
    return end !== undefined && end > this.#clock.now() ? end : undefined;
  }

  async #retention(key: string): Promise<{ readonly mode?: string | undefined; readonly end?: Date | undefined }> {
    try {
      const { Retention } = await this.#connection.run({ action: 'read', key, right: 's3:GetObjectRetention' }, undefined, (client) =>
        client.send(new GetObjectRetentionCommand(this.#target(key))),
      );
      return { mode: Retention?.Mode, end: Retention?.RetainUntilDate };
    } catch (error) {
      if (!hasName(error, 'NoSuchObjectLockConfiguration', 'ObjectLockConfigurationNotFoundError')) throw error;
      return {};
    }
  }

  async #probe(): Promise<void> {
    const { bucket, location } = this.#connection;
    const setup = (reason: string, cause?: unknown): HoldfastError =>
      new HoldfastError(
        'storage-setup',
        {
          location,
          reason,
          help: `Make a bucket with object lock (aws s3api create-bucket --bucket NAME --object-lock-enabled-for-bucket), or leave out the lock`,
        },
        cause,
      );
    try {
      const request = { action: 'read', key: 'the object lock configuration', right: 's3:GetBucketObjectLockConfiguration' } as const;
      const { ObjectLockConfiguration: found } = await this.#connection.run(request, undefined, (client) =>
        client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket })),
      );
      if (found?.ObjectLockEnabled !== 'Enabled') throw setup(`the bucket "${bucket}" has no object lock`);
    } catch (error) {
      /* Who may not ask finds out by the first put. */
      if (hasStatus(error, 403)) return;
      if (isError(error, 'storage-failed') || isError(error, 'storage-setup')) throw error;
      throw setup(`the bucket "${bucket}" has no object lock`, error);
    }
  }

  /** Until when a version is locked, for a sentence; undefined where it is not. */
  #lockEnd(head: HeadObjectCommandOutput): string | undefined {
    if (head.ObjectLockLegalHoldStatus === 'ON') return 'its legal hold is lifted';
    const end = head.ObjectLockRetainUntilDate;
    return end !== undefined && end > this.#clock.now() ? end.toISOString() : undefined;
  }

  async #isSame(key: string, head: HeadObjectCommandOutput, body: UploadBody, signal: AbortSignal | undefined): Promise<boolean> {
    if (head.ContentLength !== body.size) return false;
    if (head.ETag !== undefined && head.ETag.replaceAll('"', '') === body.md5?.toString('hex')) return true;
    const there = await readObject(this.#connection, { key, version: head.VersionId }, undefined, signal);
    return bodyOfBytes(there).sha256 === body.sha256;
  }

  /** False where the key lacks the right: that is a good choice for a host, and a delete marker takes the object out of sight all the same. */
  async #mayRemoveVersion(key: string, version: string): Promise<boolean> {
    try {
      await this.#removeVersion(key, version);
      return true;
    } catch (error) {
      if (isError(error, 'storage-refused') || isError(error, 'storage-denied')) return false;
      throw error;
    }
  }

  async #removeVersion(key: string, version: string | undefined): Promise<void> {
    const right = version === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    await this.#connection.run({ action: 'remove', key, right }, undefined, (client) =>
      client.send(new DeleteObjectCommand({ ...this.#target(key), VersionId: version })),
    );
  }

  #target(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#connection.bucket, Key: this.#connection.nameOf(key) };
  }

  #end(): Date {
    return new Date(this.#clock.now().getTime() + this.forMs);
  }

  #locked(key: string, until: string): HoldfastError {
    return new HoldfastError('storage-locked', { key, location: this.#connection.location, until });
  }
}

const modeNames = { governance: 'GOVERNANCE', compliance: 'COMPLIANCE' } as const;
