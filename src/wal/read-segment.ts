/** Reading a segment back: whole, or from its parts. Never fewer bytes than asked for without an error. */
import { HoldfastError, isError, reasonOf } from '../errors.ts';
import { partObject, segmentObject } from './object-names.ts';
import { contiguousParts } from './part-arithmetic.ts';
import { decodeHeader, type SegmentHeader } from './segment-header.ts';
import { timelineOfSegment } from './segment-name.ts';
import { hashOf } from './store-segment.ts';
import { listTimeline } from './stored-contents.ts';
import type { PartName, SegmentContent } from './wal-archive.ts';
import type { WalObjects } from './wal-objects.ts';

export interface ReadSegmentRequest {
  readonly objects: WalObjects;
  readonly systemId: string;
  readonly name: string;
  /** Bytes from the beginning that must be there; at least one. */
  readonly least?: number;
  readonly signal?: AbortSignal;
}

/** How often a segment may be completed or its parts be joined while it is read. */
const attempts = 4;

/** Throws `wal-missing`, `wal-short`, `damaged`. */
export async function readSegment(request: ReadSegmentRequest): Promise<SegmentContent> {
  const { name, least = 1 } = request;
  for (let attempt = 1; ; attempt += 1) {
    const found = (await readWhole(request)) ?? (await readParts(request));
    if (found === 'changed' && attempt < attempts) continue;
    if (found === 'changed' || found.filled === 0) throw new HoldfastError('wal-missing', { name });
    if (found.filled < least) throw new HoldfastError('wal-short', { name, wanted: least, got: found.filled });
    return found;
  }
}

async function readWhole(request: ReadSegmentRequest): Promise<SegmentContent | undefined> {
  const object = segmentObject(request.systemId, request.name);
  const found = await readVerified(request, object);
  if (found === undefined) return undefined;
  const { header, body } = found;
  if (body.length !== header.segmentSize) throw damaged(object, 'it is not as long as a segment');
  return { name: request.name, content: body, filled: body.length };
}

/** `changed`: a part was there when it was listed, and is gone. */
async function readParts(request: ReadSegmentRequest): Promise<SegmentContent | 'changed'> {
  const { objects, systemId, name } = request;
  const { parts } = await listTimeline(objects, systemId, timelineOfSegment(name));
  const { used, filled } = contiguousParts(parts.get(name) ?? []);
  let content: Buffer | undefined;
  for (const part of used) {
    const object = partObject(systemId, name, part);
    const found = await readVerified(request, object);
    if (found === undefined) return 'changed';
    const { header, body } = found;
    content ??= Buffer.alloc(header.segmentSize);
    if (content.length !== header.segmentSize || !isNamedFor(header, part)) throw damaged(object, 'its header is not what its name says');
    body.copy(content, part.start);
  }
  return { name, content: content ?? Buffer.alloc(0), filled };
}

function isNamedFor({ start, end, segmentSize }: SegmentHeader, part: PartName): boolean {
  const offset = start % BigInt(segmentSize);
  return offset === BigInt(part.start) && end - start === BigInt(part.end - part.start);
}

/** An object whose body is what its header says; undefined where there is none. */
async function readVerified(
  { objects, systemId, name, signal }: ReadSegmentRequest,
  object: string,
): Promise<{ readonly header: SegmentHeader; readonly body: Buffer } | undefined> {
  let stored;
  try {
    stored = await objects.get(object, signal);
  } catch (error) {
    if (isError(error, 'storage-missing')) return undefined;
    throw error;
  }
  let header;
  try {
    header = decodeHeader(stored.header);
  } catch (error) {
    throw damaged(object, reasonOf(error), error);
  }
  if (header.systemId !== systemId || header.segment !== name) throw damaged(object, 'it belongs to another segment');
  if (BigInt(stored.body.length) !== header.end - header.start) throw damaged(object, 'it is not as long as its header says');
  if ((await hashOf(stored.body)) !== header.sha256) throw damaged(object, 'its content is not what its header says');
  return { header, body: stored.body };
}

function damaged(object: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('damaged', { object, reason }, cause);
}
