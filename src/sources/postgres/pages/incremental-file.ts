/**
 * PostgreSQL 17's format of the changed pages of one file, `INCREMENTAL.<name>`. Numbers have four bytes, little-endian: a magic one, how many
 * blocks there are, the truncation length in blocks, then each block's number, ascending. Where there are blocks, zeros up to a multiple of the page size, and then
 * the blocks. The restored file has the earlier file's blocks below the truncation length, the blocks given here, and zeros where there is neither.
 */
import { HoldfastError } from '../../../errors.ts';

const magic = 0xd3_ae_1f_0d;
/** Magic, count, truncation length. */
export const incrementalPrefix = 12;
/** 1 TiB of 8 KiB pages: a file's segments are 1 GiB unless the server was built otherwise. */
const mostBlocks = 2 ** 27;

export interface IncrementalHeader {
  /** Ascending, each once. */
  readonly blocks: Uint32Array;
  /** Blocks that may come from the earlier file. */
  readonly truncation: number;
}

/** Bytes before the first page. */
export function incrementalHeaderSize(count: number, pageSize: number): number {
  const bare = incrementalPrefix + 4 * count;
  return count === 0 ? bare : Math.ceil(bare / pageSize) * pageSize;
}

/** How many pages long the file is that an increment restores. */
export function restoredLength({ blocks, truncation }: IncrementalHeader): number {
  return Math.max(truncation, (blocks.at(-1) ?? -1) + 1);
}

/** The header, padded: the pages follow. */
export function encodeIncrementalHeader({ blocks, truncation }: IncrementalHeader, pageSize: number): Buffer {
  const header = Buffer.alloc(incrementalHeaderSize(blocks.length, pageSize));
  header.writeUInt32LE(magic, 0);
  header.writeUInt32LE(blocks.length, 4);
  header.writeUInt32LE(truncation, 8);
  blocks.forEach((block, at) => header.writeUInt32LE(block, incrementalPrefix + 4 * at));
  return header;
}

export interface IncrementalFile {
  /** For messages. */
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly pageSize: number;
}

/** How many blocks there are, from the first twelve bytes. Throws `damaged` when the size does not fit, so that nothing large is read in vain. */
export function decodeIncrementalCount(file: IncrementalFile, prefix: Buffer): number {
  if (prefix.length < incrementalPrefix || prefix.readUInt32LE(0) !== magic)
    throw damage(file, 'it is not in the format of an incremental file');
  const count = prefix.readUInt32LE(4);
  if (file.size !== incrementalHeaderSize(count, file.pageSize) + count * file.pageSize)
    throw damage(file, `it says that it holds ${count} pages, and it has ${file.size} bytes`);
  return count;
}

/** Reads the header from at least its unpadded bytes. Throws `damaged`. */
export function decodeIncrementalHeader(file: IncrementalFile, bytes: Buffer): IncrementalHeader {
  const count = decodeIncrementalCount(file, bytes);
  if (bytes.length < incrementalPrefix + 4 * count) throw damage(file, 'it ends within its header');
  const truncation = bytes.readUInt32LE(8);
  if (truncation > mostBlocks) throw damage(file, `a length of ${truncation} pages is none`);
  const blocks = new Uint32Array(count);
  let last = -1;
  for (let at = 0; at < count; at += 1) {
    const block = bytes.readUInt32LE(incrementalPrefix + 4 * at);
    if (block <= last || block >= mostBlocks) throw damage(file, `page ${block} comes after page ${last}`);
    blocks[at] = block;
    last = block;
  }
  return { blocks, truncation };
}

function damage({ name }: IncrementalFile, reason: string): HoldfastError {
  return new HoldfastError('damaged', { object: name, reason });
}
