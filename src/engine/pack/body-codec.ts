/** zstd off the main thread, for bodies of many megabytes: one frame, made and read in Node's thread pool. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { releaseBuffer } from '../../util/release-buffer.ts';
import { compressBound } from './zstd-codec.ts';

const compress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
const decompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

/** Output is collected in steps of at most this many bytes: what a header promises is not worth more memory at once. */
const largestStep = 64 * 2 ** 20;

const compressedStep = 2 ** 20;

const comparedStep = 256 * 1024;

/** A frame, or undefined where it would not be shorter. */
export async function compressBody(body: Uint8Array): Promise<Buffer | undefined> {
  if (body.length === 0) return undefined;
  const frame = await compress(body, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 },
    pledgedSrcSize: body.length,
    // As much as will come, mostly: the bound of what may come would be held whole, for a frame a quarter of its size.
    chunkSize: Math.min(compressedStep, compressBound(body.length)),
  });
  return frame.length < body.length ? frame : undefined;
}

/** Whether a frame, as `compressBody` made it, holds this body. What it holds is compared piece by piece, so that it is not all in memory a second time. */
export async function holdsBody(frame: Uint8Array, body: Uint8Array): Promise<boolean> {
  let at = 0;
  try {
    const content: AsyncIterable<Buffer> = zlib.createZstdDecompress({ chunkSize: comparedStep }).end(frame);
    for await (const piece of content) {
      if (Buffer.compare(piece, body.subarray(at, at + piece.length)) !== 0) return false;
      at += piece.length;
      releaseBuffer(piece);
    }
  } catch {
    return false;
  }
  return at === body.length;
}

/** What a frame holds, which is at most `size` bytes. Throws a plain error when it is broken or holds more. */
export async function decompressBody(frame: Uint8Array, size: number): Promise<Buffer> {
  const most = Math.max(64, size);
  return decompress(frame, { chunkSize: Math.min(largestStep, most), maxOutputLength: most });
}
