/**
 * The header at the end of a pack: one record a blob, sealed, then its sealed length as 4 bytes little-endian.
 * Record: type (0 data, 1 tree, 2 compressed data, 3 compressed tree), sealed length, plain length where compressed, id.
 */
export type BlobType = 'data' | 'tree';

/** One blob as a pack header or an index names it. */
export interface PackedBlob {
  readonly id: string;
  readonly type: BlobType;
  /** Where its sealed bytes begin in the pack, and how many they are. */
  readonly offset: number;
  readonly length: number;
  /** Plain size where the blob is compressed, else 0. */
  readonly uncompressedLength: number;
}

/** What a hostile file or blob may expand to at most: far above any honest index or tree. */
export const mostPlainBytes = 512 * 2 ** 20;

const plainRecord = 37;
const compressedRecord = 41;

/** Size of a blob's content. */
export function contentLength(blob: { length: number; uncompressedLength: number }): number {
  return blob.uncompressedLength > 0 ? blob.uncompressedLength : blob.length - 32;
}

/** Bytes of a header without records: its seal, and the length behind it. */
export const headerBegin = 36;

/** Bytes of a blob's record in a header. */
export function recordLength(uncompressedLength: number): number {
  return uncompressedLength > 0 ? compressedRecord : plainRecord;
}

/** Bytes that a header of these blobs takes at the end of a pack. */
export function headerLength(blobs: readonly PackedBlob[]): number {
  return blobs.reduce((sum, blob) => sum + recordLength(blob.uncompressedLength), headerBegin);
}

/** Writes one record at `at`; returns the offset behind it. */
export function writeHeaderRecord(
  header: Buffer,
  at: number,
  type: BlobType,
  length: number,
  uncompressedLength: number,
  id: Uint8Array,
): number {
  const tree = type === 'tree' ? 1 : 0;
  header[at] = uncompressedLength > 0 ? 2 | tree : tree;
  let next = header.writeUInt32LE(length, at + 1);
  if (uncompressedLength > 0) next = header.writeUInt32LE(uncompressedLength, next);
  header.set(id, next);
  return next + 32;
}

/** Takes the records of a header one by one. `idAt` is where the blob's id lies in the header. */
export type HeaderVisitor = (type: BlobType, idAt: number, offset: number, length: number, uncompressedLength: number) => void;

/** Reads an opened header without making an object a blob: a pack of small files has fifteen thousand. Throws a plain error when it is not one. */
export function visitPackHeader(header: Buffer, visit: HeaderVisitor): void {
  let offset = 0;
  for (let at = 0; at < header.length;) {
    const kind = header[at] ?? 255;
    if (kind > 3) throw new Error(`its header has an entry of the unknown type ${kind}`);
    const size = kind & 2 ? compressedRecord : plainRecord;
    if (at + size > header.length) throw new Error('its header ends in the middle of an entry');
    const length = header.readUInt32LE(at + 1);
    visit(kind & 1 ? 'tree' : 'data', at + size - 32, offset, length, kind & 2 ? header.readUInt32LE(at + 5) : 0);
    offset += length;
    at += size;
  }
}

/** The blobs of an opened header. Throws a plain error when it is not one. */
export function parsePackHeader(header: Buffer): PackedBlob[] {
  const blobs: PackedBlob[] = [];
  visitPackHeader(header, (type, idAt, offset, length, uncompressedLength) => {
    blobs.push({ id: header.toString('hex', idAt, idAt + 32), type, offset, length, uncompressedLength });
  });
  return blobs;
}
