import { RestoreObjectCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import type { ArchiveAccess, ArchiveState, RetrievalSpeed } from '../storage.ts';
import { archivedClass, listObjects } from './list-objects.ts';
import { headObject } from './read-object.ts';
import type { S3Connection } from './s3-connection.ts';
import { hasName } from './s3-error.ts';

/** For how many days what was retrieved stays readable: as long as a restore that breaks off may take to be gone on with. */
const readableDays = 7;

const tiers = { standard: 'Standard', bulk: 'Bulk', expedited: 'Expedited' } as const;

/** Objects of GLACIER and DEEP_ARCHIVE: a copy that can be read for some days is asked for, and comes in its time. */
export class S3Archive implements ArchiveAccess {
  readonly #connection: S3Connection;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  async *list(prefix: string, signal?: AbortSignal): ReturnType<ArchiveAccess['list']> {
    for await (const { key, size, storageClass } of listObjects(this.#connection, prefix, signal))
      if (archivedClass.test(storageClass ?? '')) yield { key, size };
  }

  async stateOf(key: string, signal?: AbortSignal): Promise<ArchiveState> {
    const head = await headObject(this.#connection, { key }, signal);
    if (head === undefined) throw new HoldfastError('storage-missing', { key, location: this.#connection.location });
    if (!archivedClass.test(head.StorageClass ?? '') && head.ArchiveStatus === undefined) return 'ready';
    if (head.Restore === undefined) return 'archived';
    return head.Restore.includes('ongoing-request="true"') ? 'retrieving' : 'ready';
  }

  async retrieve(key: string, speed: RetrievalSpeed, signal?: AbortSignal): Promise<void> {
    const input = {
      Bucket: this.#connection.bucket,
      Key: this.#connection.nameOf(key),
      RestoreRequest: { Days: readableDays, GlacierJobParameters: { Tier: tiers[speed] } },
    };
    try {
      await this.#connection.run({ action: 'retrieve', key, right: 's3:RestoreObject' }, signal, (client, options) =>
        client.send(new RestoreObjectCommand(input), options),
      );
    } catch (error) {
      if (!hasName(error, 'RestoreAlreadyInProgress')) throw error;
    }
  }
}
