/**
 * What lies beside the repository's own format, below `holdfast/`: named objects with a small header, sealed with the repository's key. restic
 * neither reads nor removes them. Each is found by its name alone; which of them are still wanted is decided by whoever writes them.
 */
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { compressBody, decompressBody, holdsBody } from '../pack/body-codec.ts';
import type { Repository } from '../repository.ts';
import { releaseBuffer } from '../../util/release-buffer.ts';
import { throwIfAborted } from '../run-context.ts';
import {
  firstRead,
  headerLength,
  largestBody,
  objectLength,
  openHeader,
  openPiece,
  pieceSize,
  sealedPieceLength,
  sealHeader,
  sealPiece,
  type ObjectHeader,
} from './object-format.ts';

/** Where they lie. */
const folder = 'holdfast/';

export interface SealedObjects {
  /**
   * Stores an object; durable when it resolves. The header is any JSON of at most 4 KiB; the body has at most 1 GiB and must not change meanwhile.
   * What is there already is replaced, unless `ifAbsent` forbids it. Returns the stored bytes.
   *
   * @throws HoldfastError `storage-exists` with `ifAbsent`, the storage's errors, `interrupted`, `machine-unreliable`
   */
  put(name: string, header: unknown, body: Uint8Array, options?: SealedPutOptions): Promise<number>;
  /** An object, verified. Throws `storage-missing`, `damaged`, `interrupted`. */
  get(name: string, signal?: AbortSignal): Promise<{ readonly header: unknown; readonly body: Buffer }>;
  /** Its header alone, by one small read. Throws `storage-missing`, `damaged`. */
  head(name: string): Promise<unknown>;
  /** Every object whose name begins so, in no order; sizes are stored bytes. */
  list(prefix: string): AsyncIterable<{ readonly name: string; readonly size: number }>;
  /** Succeeds where there is none. */
  remove(name: string): Promise<void>;
}

interface SealedPutOptions {
  readonly ifAbsent?: boolean;
  readonly signal?: AbortSignal;
}

/** The sealed objects of an opened repository. A name is a storage key below `holdfast/`: `wal/7350…/00000001/000000010000000000000003`. */
export function openSealedObjects(repository: Repository): SealedObjects {
  const { storage } = repository;
  return {
    async put(name, header, body, options = {}) {
      const bytes = await encodeObject(repository, { name, header, body }, options.signal);
      await storage.put(keyOf(name), bytes, options);
      return bytes.length;
    },
    async get(name, signal) {
      const bytes = asBuffer(await storage.get(keyOf(name), undefined, signal));
      return trusting(repository, name, () => decodeObject(repository, name, bytes, signal));
    },
    head: (name) => trusting(repository, name, () => readHeader(repository, name)),
    async *list(prefix) {
      const below = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      for await (const { key, size } of storage.list(`${folder}${below}`)) {
        const name = key.slice(folder.length);
        if (name.startsWith(prefix)) yield { name, size };
      }
    },
    remove: (name) => storage.remove(keyOf(name)),
  };
}

/** Buffers of Node that are no larger may share their memory. */
const poolSize = 64 * 1024;

interface PlainObject {
  readonly name: string;
  readonly header: unknown;
  readonly body: Uint8Array;
}

async function encodeObject({ sealer }: Repository, { name, header, body }: PlainObject, signal?: AbortSignal): Promise<Buffer> {
  throwIfAborted(signal);
  if (body.length > largestBody) throw new HoldfastError('internal', { reason: `the object ${name} has ${body.length} bytes` });
  const frame = await compressBody(body);
  const content = frame ?? body;
  const described: ObjectHeader = { name, header, size: body.length, stored: content.length, compressed: frame !== undefined };
  const { bytes, binding } = sealHeader(sealer, described);
  const parts = [bytes];
  for (let at = 0, number = 0; at < content.length; at += pieceSize, number++) {
    throwIfAborted(signal);
    const piece = content.subarray(at, at + pieceSize);
    const sealed = sealPiece(sealer, binding, number, piece);
    // As with blobs: a faulty processor or memory must not reach the repository.
    const opened = openPiece(sealer, binding, number, sealed);
    if (Buffer.compare(opened, piece) !== 0) throw unreliable(name);
    // A small one is a slice of memory that others have slices of.
    if (opened.length > poolSize) releaseBuffer(Buffer.from(opened.buffer));
    parts.push(sealed);
    await setImmediate();
  }
  if (frame !== undefined) {
    if (!(await holdsBody(frame, body))) throw unreliable(name);
    releaseBuffer(frame);
  }
  const length = objectLength(bytes.length, described);
  if (length > largestBody) throw new HoldfastError('internal', { reason: `the object ${name} takes ${length} bytes` });
  const object = Buffer.concat(parts, length);
  for (const part of parts) releaseBuffer(part);
  return object;
}

async function decodeObject(
  { sealer }: Repository,
  name: string,
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<{ readonly header: unknown; readonly body: Buffer }> {
  const begin = headerLength(bytes);
  const { header, binding } = openHeader(sealer, bytes.subarray(0, begin), name);
  const expected = objectLength(begin, header);
  if (bytes.length !== expected) throw new Error(`it has ${bytes.length} bytes instead of ${expected}`);
  const content = Buffer.allocUnsafeSlow(header.stored);
  for (let at = 0, from = begin, number = 0; at < header.stored; number++) {
    throwIfAborted(signal);
    const sealed = bytes.subarray(from, from + sealedPieceLength(Math.min(pieceSize, header.stored - at)));
    const piece = openPiece(sealer, binding, number, sealed);
    content.set(piece, at);
    at += piece.length;
    from += sealed.length;
    await setImmediate();
  }
  const body = header.compressed ? await decompressBody(content, header.size) : content;
  if (body.length !== header.size) throw new Error(`its body has ${body.length} bytes instead of ${header.size}`);
  return { header: header.header, body };
}

async function readHeader({ sealer, storage }: Repository, name: string): Promise<unknown> {
  let beginning = asBuffer(await storage.get(keyOf(name), { offset: 0, length: firstRead }));
  const length = headerLength(beginning);
  if (length > beginning.length) beginning = asBuffer(await storage.get(keyOf(name), { offset: 0, length }));
  return openHeader(sealer, beginning.subarray(0, length), name).header.header;
}

/** What does not fit is `damaged`, whatever it was. */
async function trusting<Result>(repository: Repository, name: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (isError(error, 'storage-short')) throw repository.damaged(keyOf(name), 'it is too short', error);
    if (error instanceof HoldfastError) throw error;
    throw repository.damaged(keyOf(name), reasonOf(error), error);
  }
}

function keyOf(name: string): string {
  return `${folder}${name}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unreliable(name: string): HoldfastError {
  return new HoldfastError('machine-unreliable', { id: name });
}
