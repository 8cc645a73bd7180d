/** A temporary file that has no name: it goes with the process, however that ends. */
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { HoldfastError, reasonOf } from '../../../errors.ts';

export class ScratchFile {
  readonly #file: number;
  #size = 0;

  /** Throws `postgres-room` where none can be made, as `append` does where there is no room. */
  constructor(folder: string) {
    const path = join(folder, `holdfast-${randomBytes(8).toString('hex')}`);
    try {
      this.#file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
    } catch (error) {
      throw roomError(error);
    }
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, this.#size + at);
    } catch (error) {
      throw roomError(error);
    }
    this.#size += bytes.length;
  }

  /** Exactly that many bytes, in a buffer of the caller's where one is given; the range must be within the file. */
  read(offset: number, length: number, into?: Buffer): Buffer {
    const bytes = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    for (let got = 0; got < length;) {
      const read = readSync(this.#file, bytes, got, length - got, offset + got);
      if (read === 0)
        throw new HoldfastError('internal', { reason: `a temporary file ends at ${offset + got} of ${offset + length} bytes` });
      got += read;
    }
    return bytes;
  }

  clear(): void {
    ftruncateSync(this.#file, 0);
    this.#size = 0;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function roomError(error: unknown): HoldfastError {
  return new HoldfastError('postgres-room', { title: 'a base backup', reason: reasonOf(error) }, error);
}
