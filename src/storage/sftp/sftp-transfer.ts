/** Contents through a handle: many small requests under way at once, because each of them waits for the network. */
import { open } from 'node:fs/promises';
import { throwIfInterrupted } from '../interruption.ts';
import type { SftpConnection } from './sftp-connection.ts';

/* No server refuses pieces of this size. */
const pieceSize = 32 * 1024;
const piecesAtOnce = 64;
/* What is read from a file of this machine in one go. Two of them are under way. */
const stretchSize = piecesAtOnce * pieceSize;

/** Writes `data` at a position. */
export function writeBytes(
  connection: SftpConnection,
  handle: Buffer,
  data: Uint8Array,
  position: number,
  signal?: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return inPieces(bytes.length, pieceSize, piecesAtOnce, async (at, length) => {
    throwIfInterrupted(signal);
    await connection.request<unknown>((done) => connection.sftp.write(handle, bytes, at, length, position + at, done));
  });
}

/** Writes a whole file of this machine. Throws a plain error where it became shorter meanwhile. */
export async function writeFile(connection: SftpConnection, handle: Buffer, path: string, signal?: AbortSignal): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    await inPieces(size, stretchSize, 2, async (at, length) => {
      const bytes = Buffer.allocUnsafe(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, length - done, at + done);
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
        done += bytesRead;
      }
      await writeBytes(connection, handle, bytes, at, signal);
    });
  } finally {
    await file.close();
  }
}

/** Reads `length` bytes from `offset`, in memory of their own; fewer only where the file ends before. */
export async function readBytes(
  connection: SftpConnection,
  handle: Buffer,
  { offset, length }: { readonly offset: number; readonly length: number },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = Buffer.from(Buffer.allocUnsafeSlow(length).buffer);
  let end = length;
  await inPieces(length, pieceSize, piecesAtOnce, async (from, size) => {
    for (let at = from; at < from + size;) {
      throwIfInterrupted(signal);
      const start = at;
      const count = await connection.request<number>((done) =>
        connection.sftp.read(handle, bytes, start, from + size - start, offset + start, (error, bytesRead) => done(error, bytesRead)),
      );
      if (count === 0) {
        end = Math.min(end, at);
        return;
      }
      at += count;
    }
  });
  return new Uint8Array(bytes.buffer, 0, end);
}

/** Calls `work` for each piece, so many at once; resolves when all are done, or throws the first failure when none is under way any more. */
async function inPieces(total: number, size: number, atOnce: number, work: (at: number, length: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < total && failure === undefined) {
      const at = next;
      next += size;
      try {
        await work(at, Math.min(size, total - at));
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, Math.ceil(total / size)) }, lane));
  if (failure !== undefined) throw failure.error;
}
