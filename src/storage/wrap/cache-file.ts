import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { ByteRange } from '../storage.ts';

/*
 * A cached object: its bytes ‖ a CRC-32 for each 64 KiB of them ‖ trailer. The trailer: length (6 bytes) ‖ CRC-32 of key, checksums and length ‖ mark.
 * So a file that was torn, truncated or flipped is noticed for whole reads and for ranges, without reading more than the blocks touched.
 */
const blockSize = 64 * 1024;
const mark = Buffer.from('HFCACH');
const trailerSize = 16;

/** Bytes of the largest object that is kept. */
export const largestCachedObject = 64 * 1024 * 1024;
const largestFooter = (largestCachedObject / blockSize) * 4 + trailerSize;

/** What follows the bytes of an object in its cache file. */
export function cacheFooter(key: string, data: Uint8Array): Buffer {
  const sumsSize = Math.ceil(data.length / blockSize) * 4;
  const footer = Buffer.alloc(sumsSize + trailerSize);
  for (let block = 0; block * 4 < sumsSize; block += 1) {
    footer.writeUInt32LE(crc32(data.subarray(block * blockSize, (block + 1) * blockSize)), block * 4);
  }
  footer.writeUIntLE(data.length, sumsSize, 6);
  footer.writeUInt32LE(crc32(footer.subarray(0, sumsSize + 6), crc32(key)), sumsSize + 6);
  mark.copy(footer, sumsSize + 10);
  return footer;
}

/** The bytes of a cached object, or undefined where the file is damaged, is another object's, or ends before the range does. */
export async function readCacheFile(handle: FileHandle, key: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  const fileSize = (await handle.stat()).size;
  const tail = await readAt(handle, Math.max(0, fileSize - largestFooter), Math.min(fileSize, largestFooter));
  const length = tail === undefined ? undefined : objectLength(tail, fileSize);
  if (tail === undefined || length === undefined) return undefined;
  const footer = tail.subarray(tail.length - (fileSize - length));
  const sumsSize = footer.length - trailerSize;
  if (crc32(footer.subarray(0, sumsSize + 6), crc32(key)) !== footer.readUInt32LE(sumsSize + 6)) return undefined;

  const wanted = range ?? { offset: 0, length };
  const end = wanted.offset + wanted.length;
  if (end > length) return undefined;
  const firstBlock = Math.floor(wanted.offset / blockSize);
  const start = firstBlock * blockSize;
  const blocks = await readAt(handle, start, Math.min(length, Math.ceil(end / blockSize) * blockSize) - start);
  if (blocks === undefined || !matchesSums(blocks, footer.subarray(firstBlock * 4))) return undefined;
  const data = new Uint8Array(blocks.buffer, wanted.offset - start, wanted.length);
  return data.length === blocks.length ? data : data.slice();
}

/** The object's length as the trailer tells it, if the file has the size that follows from it. */
function objectLength(tail: Buffer, fileSize: number): number | undefined {
  if (tail.length < trailerSize || !tail.subarray(-mark.length).equals(mark)) return undefined;
  const length = tail.readUIntLE(tail.length - trailerSize, 6);
  const expected = length + Math.ceil(length / blockSize) * 4 + trailerSize;
  return length <= largestCachedObject && expected === fileSize ? length : undefined;
}

function matchesSums(blocks: Uint8Array, sums: Buffer): boolean {
  for (let block = 0; block * blockSize < blocks.length; block += 1) {
    if (crc32(blocks.subarray(block * blockSize, (block + 1) * blockSize)) !== sums.readUInt32LE(block * 4)) return false;
  }
  return true;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, length));
  for (let done = 0; done < buffer.length;) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return buffer;
}
