import { ListObjectsV2Command, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import type { ObjectInfo } from '../storage.ts';
import type { S3Connection } from './s3-connection.ts';

/** The classes that cannot be read at once. */
export const archivedClass = /^(?:GLACIER|DEEP_ARCHIVE)$/;

/** An object, and its class where that is not the usual one. */
export interface ListedObject extends ObjectInfo {
  readonly storageClass?: string | undefined;
}

/** Every object below a prefix that could be one of ours. */
export async function* listObjects(connection: S3Connection, prefix: string, signal?: AbortSignal): AsyncGenerator<ListedObject> {
  const input = { Bucket: connection.bucket, Prefix: connection.nameOf(prefix) };
  const request = { action: 'list', key: prefix === '' ? 'the objects' : prefix, right: 's3:ListBucket' } as const;
  let token: string | undefined;
  do {
    const from = token;
    const page = await connection.run(request, signal, (client, options) =>
      client.send(new ListObjectsV2Command({ ...input, ContinuationToken: from }), options),
    );
    for (const { Key, Size, StorageClass } of page.Contents ?? []) {
      const key = connection.keyOf(Key);
      if (key !== undefined && Size !== undefined) yield { key, size: Size, storageClass: StorageClass };
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated === true) assertGoesOn(connection, request.key, from, token);
    else token = undefined;
  } while (token !== undefined);
}

/** One state of an object, in the order of their ends: a version, or the mark of its deletion. */
export interface PastVersion {
  readonly key: string;
  readonly version: string;
  readonly since: Date;
  readonly isLatest: boolean;
  /** Bytes; undefined where the object was deleted. */
  readonly size: number | undefined;
}

/** Every state that the bucket still knows, of every object. */
export async function* listVersions(connection: S3Connection, signal?: AbortSignal): AsyncGenerator<PastVersion> {
  const input = { Bucket: connection.bucket, Prefix: connection.nameOf('') };
  const request = { action: 'list', key: 'the versions', right: 's3:ListBucketVersions' } as const;
  let place: { readonly KeyMarker?: string | undefined; readonly VersionIdMarker?: string | undefined } = {};
  for (let more = true; more;) {
    const from = place;
    const page = await connection.run(request, signal, (client, options) =>
      client.send(new ListObjectVersionsCommand({ ...input, ...from }), options),
    );
    const marks = (page.DeleteMarkers ?? []).map((mark) => ({ ...mark, Size: undefined }));
    for (const { Key, VersionId, LastModified, IsLatest, Size } of [...(page.Versions ?? []), ...marks]) {
      const key = connection.keyOf(Key);
      if (key === undefined || VersionId === undefined || LastModified === undefined) continue;
      yield { key, version: VersionId, since: LastModified, isLatest: IsLatest === true, size: Size };
    }
    place = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    more = page.IsTruncated === true;
    if (more) assertGoesOn(connection, request.key, JSON.stringify(from), page.NextKeyMarker && JSON.stringify(place));
  }
}

/** A listing that says there is more must say where, or it would seem complete, or never end. */
function assertGoesOn(connection: S3Connection, key: string, from: string | undefined, to: string | undefined): void {
  if (to !== undefined && to !== '' && to !== from) return;
  throw new HoldfastError('storage-failed', { action: 'list', key, location: connection.location, reason: 'the list breaks off' });
}
