import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { HoldfastError } from '../../errors.ts';
import { resolveRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import type { ByteRange } from '../storage.ts';

/* Non-blocking, because opening a FIFO that somebody put there would wait for ever. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;
const readSize = 8 * 1024 * 1024;

export interface FileToRead {
  readonly path: string;
  readonly key: string;
  readonly location: string;
}

/** Exactly the bytes asked for, in memory of their own. Throws `storage-missing`, `storage-short`, or what a system call throws. */
export async function readFileRange(file: FileToRead, range: ByteRange | undefined, signal?: AbortSignal): Promise<Uint8Array> {
  const handle = await open(file.path, openFlags);
  try {
    const info = await handle.stat();
    if (info.isDirectory()) throw new HoldfastError('storage-missing', { key: file.key, location: file.location });
    if (!info.isFile()) throw new Error(`${file.path} is not a regular file`);
    const wanted = resolveRange(range, info.size, file.key, file.location);
    const data = await readExactly(handle, wanted, signal);
    if (data.length < wanted.length) {
      throw new HoldfastError('storage-short', { key: file.key, location: file.location, wanted: wanted.length, got: data.length });
    }
    return data;
  } finally {
    await handle.close();
  }
}

/** The bytes of the range; fewer only where the file ends before. */
async function readExactly(handle: FileHandle, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const memory = Buffer.allocUnsafeSlow(range.length).buffer;
  const data = new Uint8Array(memory);
  let done = 0;
  while (done < range.length) {
    throwIfInterrupted(signal);
    const { bytesRead } = await handle.read(data, done, Math.min(readSize, range.length - done), range.offset + done);
    if (bytesRead === 0) return data.subarray(0, done);
    done += bytesRead;
  }
  return data;
}
