/** Storing bytes of a segment, and files that never change once they are there. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, isError } from '../errors.ts';
import { partObject, segmentObject } from './object-names.ts';
import { decodeHeader, encodeHeader } from './segment-header.ts';
import { parseSegmentName, segmentStart } from './segment-name.ts';
import type { SegmentToStore } from './wal-archive.ts';
import type { WalObjects } from './wal-objects.ts';

const hashStep = 2 ** 20;

/** SHA-256 in hex, without a copy of the bytes and without holding up the main thread for long. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += hashStep) {
    hash.update(bytes.subarray(at, at + hashStep));
    if (at + hashStep < bytes.length) await setImmediate();
  }
  return hash.digest('hex');
}

/** A whole segment goes under its name, once; fewer bytes are a part. Throws `wal-different`, and storage errors. */
export async function storeSegment(
  objects: WalObjects,
  systemId: string,
  segment: SegmentToStore & { readonly offset: number },
  signal?: AbortSignal,
): Promise<'stored' | 'present'> {
  const { name, segmentSize, bytes, offset, sentFrom, sentAt, completeAt, firstCommit, lastCommit } = segment;
  const { timeline, number } = parseSegmentName(name, segmentSize);
  const start = segmentStart(number, segmentSize) + BigInt(offset);
  const sha256 = await hashOf(bytes);
  const header = encodeHeader({
    systemId,
    timeline,
    segment: name,
    segmentSize,
    start,
    end: start + BigInt(bytes.length),
    sentFrom,
    sentAt,
    ...(completeAt === undefined ? {} : { completeAt }),
    ...(firstCommit === undefined ? {} : { firstCommit }),
    ...(lastCommit === undefined ? {} : { lastCommit }),
    sha256,
  });
  const whole = offset === 0 && bytes.length === segmentSize;
  const stop = signal === undefined ? {} : { signal };
  if (!whole) {
    await objects.put(partObject(systemId, name, { start: offset, end: offset + bytes.length }), header, bytes, stop);
    return 'stored';
  }
  const object = segmentObject(systemId, name);
  return putOnce(objects, { object, header, body: bytes, stop }, async () => decodeHeader(await objects.head(object)).sha256 === sha256);
}

/** Stores a file that never changes. The same again is fine; another content throws `wal-different`. */
export async function storeOnce(objects: WalObjects, object: string, content: Uint8Array): Promise<'stored' | 'present'> {
  const header = { v: 1, sha256: await hashOf(content) };
  return putOnce(objects, { object, header, body: content, stop: {} }, async () => {
    const { body } = await objects.get(object);
    return body.equals(content);
  });
}

interface ObjectToPut {
  readonly object: string;
  readonly header: object;
  readonly body: Uint8Array;
  readonly stop: { readonly signal?: AbortSignal };
}

async function putOnce(
  objects: WalObjects,
  { object, header, body, stop }: ObjectToPut,
  isSame: () => Promise<boolean>,
): Promise<'stored' | 'present'> {
  try {
    await objects.put(object, header, body, { ifAbsent: true, ...stop });
    return 'stored';
  } catch (error) {
    if (!isError(error, 'storage-exists')) throw error;
    if (await isSame()) return 'present';
    throw new HoldfastError('wal-different', { name: object.slice(object.lastIndexOf('/') + 1) }, error);
  }
}
