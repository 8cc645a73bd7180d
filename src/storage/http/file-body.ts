/** A file of this machine as the body of a request. */
import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { toStorageError } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { readSourcePieces, type SourceFile } from '../source-file.ts';

const pieceSize = 1024 * 1024;

/** The MD5 of the whole file, by which a server finds that a body was damaged on the way. It guards against accidents, not against anybody. */
export async function digestFile(file: SourceFile, signal?: AbortSignal): Promise<Uint8Array> {
  const hash = createHash('md5');
  await readSourcePieces(file, pieceSize, async (piece) => {
    throwIfInterrupted(signal);
    hash.update(piece);
    return true;
  });
  return hash.digest();
}

/** As `digestFile`, of bytes in memory. */
export function digestBytes(data: Uint8Array): Uint8Array {
  return createHash('md5').update(data).digest();
}

/**
 * Calls `send` with the first `size` bytes of the file as a stream, and a signal that also comes when the file cannot be read to there: a request
 * whose body stops would wait for ever.
 * @param size more than 0
 * @throws what `send` throws, or `storage-failed` where it was the file
 */
export async function sendFile<T>(
  file: SourceFile,
  size: number,
  signal: AbortSignal | undefined,
  send: (body: ReadStream, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const body = createReadStream(file.path, { end: size - 1, highWaterMark: pieceSize });
  const stop = new AbortController();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    stop.abort();
  };
  body.once('error', fail);
  body.once('end', () => {
    if (body.bytesRead < size) fail(new Error(`${file.path} became shorter while it was read`));
  });
  try {
    return await send(body, signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    throwIfInterrupted(signal);
    throw failure === undefined ? error : toStorageError(failure, { action: 'write', key: file.key, location: file.location });
  } finally {
    body.destroy();
  }
}
