import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { checkedBy, hashSender, type ObjectSettings } from './put-object.ts';
import type { S3Connection } from './s3-connection.ts';
import { bodyOfFile } from './upload-body.ts';

const mostParts = 10_000;
const partsAtOnce = 4;

/** A file to be stored in parts. */
export interface LargeFile {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  /** Bytes of a part, except where that would make more parts than are allowed. */
  readonly partSize: number;
}

/** Stores a file in parts, a few at a time. What was sent is removed again when it fails. */
export async function uploadInParts(
  connection: S3Connection,
  file: LargeFile,
  settings: ObjectSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const request = { action: 'write', key: file.key, right: 's3:PutObject' } as const;
  const target = { Bucket: connection.bucket, Key: connection.nameOf(file.key) };
  const { UploadId } = await connection.run(request, signal, (client, options) =>
    client.send(new CreateMultipartUploadCommand({ ...target, ...settings }), options),
  );
  const upload = { ...target, UploadId };
  try {
    const parts = await sendParts(connection, file, { ...settings, ...upload }, signal);
    await connection.run(request, signal, (client, options) =>
      client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }), options),
    );
  } catch (error) {
    /* What stays is removed by a rule for unfinished uploads, where the bucket has one. */
    const drop = connection.run({ ...request, right: 's3:AbortMultipartUpload' }, undefined, (client) =>
      client.send(new AbortMultipartUploadCommand(upload)),
    );
    await drop.catch(() => {});
    throw error;
  }
}

type Upload = ObjectSettings & { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };

async function sendParts(
  connection: S3Connection,
  { key, path, size, partSize: wanted }: LargeFile,
  { Bucket, Key, UploadId, ...settings }: Upload,
  signal: AbortSignal | undefined,
): Promise<CompletedPart[]> {
  const partSize = Math.max(wanted, Math.ceil(size / mostParts));
  const parts: CompletedPart[] = [];
  const failure = new AbortController();
  const stop = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  let next = 0;
  const send = async (): Promise<void> => {
    for (let index = next++; index * partSize < size; index = next++) {
      const start = index * partSize;
      const body = await bodyOfFile(path, start, Math.min(partSize, size - start), { md5: settings.ObjectLockMode !== undefined });
      const answer = await connection.run({ action: 'write', key, right: 's3:PutObject' }, stop, (client) =>
        body.send(stop, (content, abortSignal) => {
          const sums = checkedBy(settings, body);
          const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body: content, ContentLength: body.size, ...sums };
          const command = new UploadPartCommand(part);
          command.middlewareStack.add(hashSender(body), { step: 'build' });
          return client.send(command, { abortSignal });
        }),
      );
      parts[index] = { PartNumber: index + 1, ETag: answer.ETag };
    }
  };
  const lines = Array.from({ length: partsAtOnce }, () =>
    send().catch((error: unknown) => {
      /* The others stop with the first that fails, whose error it is. */
      failure.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(lines);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failure.signal.reason;
  return parts;
}
