import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { S3Connection } from './s3-connection.ts';
import type { UploadBody } from './upload-body.ts';

/** What is said of an object besides its content. */
export type ObjectSettings = Pick<
  PutObjectCommandInput,
  'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId' | 'ObjectLockMode' | 'ObjectLockRetainUntilDate'
>;

/** Stores an object with one request, which is what makes it appear whole or not at all. */
export async function putObject(
  connection: S3Connection,
  key: string,
  body: UploadBody,
  settings: ObjectSettings & Pick<PutObjectCommandInput, 'IfNoneMatch'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await connection.run({ action: 'write', key, right: 's3:PutObject' }, signal, (client) =>
    body.send(signal, (content, abortSignal) => {
      const command = new PutObjectCommand({
        Bucket: connection.bucket,
        Key: connection.nameOf(key),
        Body: content,
        ContentLength: body.size,
        ...checkedBy(settings, body),
        ...settings,
      });
      command.middlewareStack.add(hashSender(body), { step: 'build' });
      return client.send(command, { abortSignal });
    }),
  );
}

/** A request that locks must carry a checksum of its own besides the signature's. */
export function checkedBy(settings: ObjectSettings, body: UploadBody): { readonly ContentMD5?: string } {
  return settings.ObjectLockMode === undefined || body.md5 === undefined ? {} : { ContentMD5: body.md5.toString('base64') };
}

/** Middleware that puts the hash of a streamed body into the signature, which the SDK leaves without one. */
export function hashSender(body: UploadBody) {
  return <Step extends { readonly request: unknown }, Result>(next: (step: Step) => Promise<Result>) =>
    (step: Step): Promise<Result> => {
      if (hasHeaders(step.request)) step.request.headers['x-amz-content-sha256'] = body.sha256;
      return next(step);
    };
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request && typeof request.headers === 'object';
}
