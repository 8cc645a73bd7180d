import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { WrittenFile } from './archive-target.ts';

type Measured = Omit<WrittenFile, 'name'>;

/** Writes a new file that nobody else may read, and makes it durable. Throws `archive-target`. */
export async function writeHashed(path: string, bytes: AsyncIterable<Uint8Array>): Promise<Measured> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => refuse(path, error));
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of bytes) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk).catch((error: unknown) => refuse(path, error));
    }
    await file.sync();
    return { size, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** What a file holds. Throws `archive-target`. */
export async function readHashed(path: string): Promise<Measured> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      size += bytes.length;
    }
  } catch (error) {
    refuse(path, error);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Throws `archive-mismatch` unless both are the same. */
export function compareWritten(written: WrittenFile, read: Measured): void {
  if (read.size === written.size && read.sha256 === written.sha256) return;
  const reason =
    read.size === written.size
      ? 'it reads back with other content'
      : `it reads back with ${read.size} bytes, and ${written.size} were written`;
  throw new HoldfastError('archive-mismatch', { name: written.name, reason });
}

export function refuse(location: string, error: unknown): never {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const [reason, remedy] =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? ['there is no room left', 'Free some, or name another place']
      : [reasonOf(error), 'Check the folder and its permissions, or name another place'];
  throw new HoldfastError('archive-target', { location, reason, remedy }, error);
}
