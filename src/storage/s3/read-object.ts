import { GetObjectCommand, HeadObjectCommand, type GetObjectCommandOutput, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { HoldfastError, isError } from '../../errors.ts';
import { releaseBuffer } from '../../util/release-buffer.ts';
import { resolveRange } from '../byte-range.ts';
import type { ByteRange } from '../storage.ts';
import type { S3Connection } from './s3-connection.ts';
import { hasName, hasStatus } from './s3-error.ts';

/** An object in the bucket, or one version of it. */
export interface S3Object {
  readonly key: string;
  readonly version?: string | undefined;
}

/** What the server tells of an object; undefined where there is none. */
export async function headObject(
  connection: S3Connection,
  { key, version }: S3Object,
  signal?: AbortSignal,
): Promise<HeadObjectCommandOutput | undefined> {
  const input = { Bucket: connection.bucket, Key: connection.nameOf(key), VersionId: version };
  try {
    return await connection.run({ action: 'read', key, right: 's3:GetObject' }, signal, (client, options) =>
      client.send(new HeadObjectCommand(input), options),
    );
  } catch (error) {
    /* The name is all that a server without a body to its answer can tell. */
    if (isError(error, 'storage-missing') || hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Bytes of an object as `Storage.get` gives them. */
export async function readObject(
  connection: S3Connection,
  object: S3Object,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  /* There is no way to write an empty range. */
  if (range?.length === 0) return readNothing(connection, object, range, signal);
  const { key } = object;
  const input = {
    Bucket: connection.bucket,
    Key: connection.nameOf(key),
    VersionId: object.version,
    ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
  };
  return connection.run({ action: 'read', key, right: 's3:GetObject' }, signal, async (client, options) => {
    let answer: GetObjectCommandOutput;
    try {
      answer = await client.send(new GetObjectCommand(input), options);
    } catch (error) {
      if (range === undefined || !(hasName(error, 'InvalidRange') || hasStatus(error, 416))) throw error;
      throw new HoldfastError('storage-short', { key, location: connection.location, wanted: range.length, got: 0 }, error);
    }
    const body = answer.Body;
    if (!(body instanceof Readable)) throw new TypeError('the answer has no body');
    try {
      return await readAnswer(answer, body, range, { key, location: connection.location });
    } finally {
      /* What is left of a body would keep its connection busy. */
      body.destroy();
    }
  });
}

async function readNothing(
  connection: S3Connection,
  object: S3Object,
  range: ByteRange,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const head = await headObject(connection, object, signal);
  if (head === undefined) throw new HoldfastError('storage-missing', { key: object.key, location: connection.location });
  resolveRange(range, head.ContentLength ?? 0, object.key, connection.location);
  return new Uint8Array(0);
}

async function readAnswer(
  answer: GetObjectCommandOutput,
  body: Readable,
  range: ByteRange | undefined,
  { key, location }: { readonly key: string; readonly location: string },
): Promise<Uint8Array> {
  const { total, first } = extentOf(answer);
  if (total === undefined) throw new Error('the answer does not say how long it is');
  const wanted = resolveRange(range, total, key, location);
  if (first !== undefined && first !== wanted.offset) throw new Error(`bytes from ${first} came where ${wanted.offset} was asked for`);
  /* A server that knows no ranges sends everything. */
  const skip = answer.ContentRange === undefined ? wanted.offset : 0;
  const data = new Uint8Array(wanted.length);
  let at = -skip;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the body is no bytes');
    const part = at < 0 ? chunk.subarray(Math.min(chunk.length, -at)) : chunk;
    const place = Math.max(0, at);
    data.set(part.subarray(0, data.length - place), Math.min(place, data.length));
    at += chunk.length;
    releaseBuffer(chunk);
    if (at >= data.length && answer.ContentRange === undefined) break;
    if (at > data.length) throw new Error('more bytes came than were asked for');
  }
  if (at < data.length) throw new Error(`the connection was cut after ${Math.max(0, at)} of ${data.length} bytes`);
  return data;
}

/** The size of the whole object, also where a part of it comes, and where that part begins. */
function extentOf({ ContentRange: range, ContentLength: length }: GetObjectCommandOutput): { total: number | undefined; first?: number } {
  if (range === undefined) return { total: length };
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(range) ?? [];
  return { total: total === undefined ? undefined : Number(total), first: Number(first) };
}
