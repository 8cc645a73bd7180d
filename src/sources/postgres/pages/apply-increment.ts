/** Brings a file up to date in place with the changed pages of an increment. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { decodeIncrementalCount, decodeIncrementalHeader, incrementalHeaderSize, incrementalPrefix } from './incremental-file.ts';

const pieceSize = 1024 * 1024;

export interface IncrementToApply {
  /** The incremental file. */
  readonly from: string;
  /** The earlier version of the file, which becomes the later one. */
  readonly to: string;
  /** For messages. */
  readonly name: string;
  readonly pageSize: number;
  readonly signal: AbortSignal;
}

/** Neither path may be a link. Throws `damaged` where one does not fit the other, and errors of the file system. Returns bytes written. */
export async function applyIncrement({ from, to, name, pageSize, signal }: IncrementToApply): Promise<number> {
  const source = openRegular(from, constants.O_RDONLY, name);
  let target: number | undefined;
  try {
    target = openRegular(to, constants.O_RDWR, name);
    const file = { name, size: fstatSync(source).size, pageSize };
    const count = decodeIncrementalCount(file, readAt(source, 0, Math.min(incrementalPrefix, file.size)));
    const header = decodeIncrementalHeader(file, readAt(source, 0, incrementalPrefix + 4 * count));
    // What lay beyond the truncation length is gone, even where the file is longer again: then it is zeros, or among the blocks.
    ftruncateSync(target, header.truncation * pageSize);
    const first = incrementalHeaderSize(count, pageSize);
    const perPiece = Math.max(1, Math.floor(pieceSize / pageSize));
    for (let done = 0; done < count; done += perPiece) {
      if (signal.aborted) throw new HoldfastError('interrupted');
      const blocks = header.blocks.subarray(done, done + perPiece);
      writeBlocks(target, blocks, readAt(source, first + done * pageSize, blocks.length * pageSize), pageSize);
      // Other work of this thread gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return count * pageSize;
  } finally {
    closeSync(source);
    if (target !== undefined) closeSync(target);
  }
}

/** Neighbours go in one call. */
function writeBlocks(target: number, blocks: Uint32Array, bytes: Buffer, pageSize: number): void {
  for (let at = 0; at < blocks.length;) {
    const block = blocks[at] ?? 0;
    let end = at + 1;
    while (end < blocks.length && blocks[end] === block + (end - at)) end += 1;
    const length = (end - at) * pageSize;
    for (let put = 0; put < length;) put += writeSync(target, bytes, at * pageSize + put, length - put, block * pageSize + put);
    at = end;
  }
}

function openRegular(path: string, flags: number, name: string): number {
  let file: number;
  try {
    file = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new HoldfastError(
      'damaged',
      { object: name, reason: `there is no file that its increment belongs to (${reasonOf(error)})` },
      error,
    );
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new HoldfastError('damaged', { object: name, reason: 'it is no regular file' });
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let got = 0; got < length;) {
    const read = readSync(file, bytes, got, length - got, offset + got);
    if (read === 0) return bytes.subarray(0, got);
    got += read;
  }
  return bytes;
}
