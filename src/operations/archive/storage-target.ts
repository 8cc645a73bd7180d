import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { StorageOptions } from '../../storage/storage-options.ts';
import type { Storage } from '../../storage/storage.ts';
import { createRetryStorage } from '../../storage/wrap/retry-storage.ts';
import type { ArchiveTarget, TargetRequest, WrittenFile } from './archive-target.ts';
import { sumsFile } from './archive-names.ts';
import { compareWritten, writeHashed } from './write-hashed.ts';

const readSize = 16 * 1024 * 1024;

/** Classes whose objects have to be asked for hours before they can be read. */
const frozenClasses = /^(glacier|deep_archive|archive)$/i;

/**
 * An archive in an object store or on a server: objects below its name, or one. A store takes a file whose size is known, so each is made in the folder
 * for temporary files first, one at a time.
 */
export async function openStorageTarget(request: TargetRequest, options: StorageOptions): Promise<ArchiveTarget> {
  return createStorageTarget(createRetryStorage(await openStorage(request.to, options)), request);
}

export function createStorageTarget(
  storage: Storage,
  { name, ending, storageClass }: Pick<TargetRequest, 'name' | 'ending' | 'storageClass'>,
): ArchiveTarget {
  const keyOf = (file: string): string => (ending === undefined ? `${name}/${file}` : `${name}${ending}`);
  const isFrozen = storageClass !== undefined && frozenClasses.test(storageClass);
  const written: string[] = [];
  let staging = '';
  return {
    location: `${storage.location.replace(/\/$/, '')}/${name}${ending ?? ''}`,
    begin: async () => {
      await storage.create();
      if ((await storage.stat(keyOf(sumsFile))) !== undefined)
        throw new HoldfastError('archive-exists', { name: `${name}${ending ?? ''}`, location: storage.location });
      staging = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
    },
    write: async (file, bytes) => {
      const path = join(staging, file);
      const measured = await writeHashed(path, bytes);
      written.push(keyOf(file));
      await storage.putFile(keyOf(file), path);
      return { name: file, ...measured };
    },
    verify: async (file) => {
      const found = await storage.stat(keyOf(file.name));
      if (found?.size !== file.size)
        throw new HoldfastError('archive-mismatch', {
          name: file.name,
          reason: `the store has ${found?.size ?? 'none'} of its ${file.size} bytes`,
        });
      if (!isFrozen) compareWritten(file, await hashOf(storage, keyOf(file.name), file));
      return !isFrozen;
    },
    finish: () => Promise.resolve(),
    abandon: async () => {
      // What says that the archive is whole goes first.
      for (const key of written.toReversed()) await storage.remove(key);
    },
    close: async () => {
      if (staging !== '') await rm(staging, { recursive: true, force: true });
      await storage.close();
    },
  };
}

async function hashOf(storage: Storage, key: string, { size }: WrittenFile): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < size; offset += readSize)
    hash.update(await storage.get(key, { offset, length: Math.min(readSize, size - offset) }));
  return { size, sha256: hash.digest('hex') };
}
