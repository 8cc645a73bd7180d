import { CreateBucketCommand, ListObjectsV2Command, type CreateBucketCommandInput } from '@aws-sdk/client-s3';
import { hasName } from './s3-error.ts';
import type { S3Connection } from './s3-connection.ts';

/**
 * Makes the bucket where there is none: without public access, which is every new bucket's state, and with locks where those are wanted, because they
 * cannot be had later. Throws what the server says of the bucket where the key may not make one.
 */
export async function createBucket(connection: S3Connection, withLocks: boolean): Promise<void> {
  const { bucket: Bucket, settings } = connection;
  try {
    await connection.run({ action: 'list', key: 'the objects', right: 's3:ListBucket' }, undefined, (client) =>
      client.send(new ListObjectsV2Command({ Bucket, Prefix: connection.nameOf(''), MaxKeys: 1 })),
    );
  } catch (error) {
    if (!hasName(error, 'NoSuchBucket')) throw error;
    const input: CreateBucketCommandInput = {
      Bucket,
      ...(withLocks ? { ObjectLockEnabledForBucket: true } : {}),
      ...regionOf(settings.endpoint, settings.region),
    };
    try {
      await connection.run({ action: 'create', key: `the bucket ${Bucket}`, right: 's3:CreateBucket' }, undefined, (client) =>
        client.send(new CreateBucketCommand(input)),
      );
    } catch (refused) {
      if (!hasName(refused, 'BucketAlreadyOwnedByYou')) throw refused;
    }
  }
}

/** Amazon wants to be told, but not of its first region; others have regions of their own. */
function regionOf(endpoint: string | undefined, region: string): Pick<CreateBucketCommandInput, 'CreateBucketConfiguration'> {
  if (endpoint !== undefined || region === 'us-east-1') return {};
  return { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } };
}
