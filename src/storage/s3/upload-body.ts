import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** What goes up in one request, and the sums that let the server check what arrived. */
export interface UploadBody {
  readonly size: number;
  /** Hexadecimal; covered by the signature. */
  readonly sha256: string;
  /** For requests that lock, where the signature's is not enough. */
  readonly md5: Buffer | undefined;
  /** Gives the bytes to a request, and the signal that stops it, also when they cannot be read to their end. May be called again. */
  send<T>(signal: AbortSignal | undefined, request: (body: Buffer | Readable, signal: AbortSignal) => Promise<T>): Promise<T>;
}

const pieceSize = 512 * 1024;
/* Bytes up to which a file is read at once: as many of these as there are connections fit into any memory. */
const smallFile = 4 * 2 ** 20;

export interface BodySums {
  readonly md5?: boolean;
  /** Where it is known already, hexadecimal. */
  readonly sha256?: string | undefined;
}

/** A body that is in memory. */
export function bodyOfBytes(data: Uint8Array, { md5 = false, sha256 }: BodySums = {}): UploadBody {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return {
    size: bytes.length,
    sha256: sha256 ?? createHash('sha256').update(bytes).digest('hex'),
    md5: md5 ? createHash('md5').update(bytes).digest() : undefined,
    send: (signal, request) => request(bytes, signal ?? new AbortController().signal),
  };
}

/**
 * A part of a file as a body. What is not small is read once for the sums that are not known, and again for each request, so that it is never in memory
 * whole.
 * Throws what the file system throws.
 */
export async function bodyOfFile(path: string, start: number, size: number, sums: BodySums = {}): Promise<UploadBody> {
  if (size <= smallFile) return bodyOfBytes(await readWhole(path, start, size), sums);
  const sha256 = sums.sha256 === undefined ? createHash('sha256') : undefined;
  const md5 = sums.md5 === true ? createHash('md5') : undefined;
  if (sha256 !== undefined || md5 !== undefined)
    for await (const piece of readPieces(path, start, size, Buffer.allocUnsafe(pieceSize))) {
      sha256?.update(piece);
      md5?.update(piece);
    }
  return {
    size,
    sha256: sums.sha256 ?? sha256?.digest('hex') ?? '',
    md5: md5?.digest(),
    send: (signal, request) => sendFile(path, start, size, signal, request),
  };
}

async function sendFile<T>(
  path: string,
  start: number,
  size: number,
  signal: AbortSignal | undefined,
  request: (body: Buffer | Readable, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const body = Readable.from(readPieces(path, start, size), { objectMode: false, highWaterMark: pieceSize });
  let broken: Error | undefined;
  body.on('error', (error) => {
    broken = error;
    stop.abort();
  });
  try {
    return await request(body, signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    throw broken ?? error;
  } finally {
    body.destroy();
  }
}

async function readWhole(path: string, start: number, size: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for await (const piece of readPieces(path, start, size)) at += piece.copy(whole, at);
  return whole;
}

/** @param reused takes every piece; without, each has memory of its own, since the one before may still be on its way out */
async function* readPieces(path: string, start: number, size: number, reused?: Buffer): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    for (let at = 0; at < size;) {
      const length = Math.min(pieceSize, size - at);
      const piece = reused?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(piece, { position: start + at });
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
