import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failedWith } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { isKey } from '../object-key.ts';
import type { ObjectInfo } from '../storage.ts';

/* Enough to keep the threads of the file system calls busy. */
const batchSize = 64;
/* Folders may be links to other disks, as deep as `data/0f`; deeper ones could be a loop. */
const deepestLink = 2;
/* The format needs two; this bounds what a planted tree can cost. */
const deepestFolder = 16;

interface FolderEntry {
  readonly key: string;
  readonly kind: 'object' | 'folder';
  readonly size: number;
}

/**
 * The objects below a folder: regular files with a name that can be a key. Everything else is passed over: staging, foreign files,
 * `lost+found`, and what vanishes while it is looked at.
 * @param prefix the key of the folder with `/`, or empty for the root
 */
export async function* listFolder(root: string, prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
  const folders = [prefix];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    throwIfInterrupted(signal);
    const entries = (await readEntries(join(root, folder))).filter((entry) => isKey(folder + entry.name));
    for (let at = 0; at < entries.length; at += batchSize) {
      throwIfInterrupted(signal);
      const batch = await Promise.all(entries.slice(at, at + batchSize).map((entry) => examine(root, folder, entry)));
      for (const found of batch) {
        if (found?.kind === 'object') yield { key: found.key, size: found.size };
        else if (found !== undefined) folders.push(`${found.key}/`);
      }
    }
  }
}

async function readEntries(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function examine(root: string, folder: string, entry: Dirent): Promise<FolderEntry | undefined> {
  const key = folder + entry.name;
  const depth = key.split('/').length;
  if (entry.isDirectory()) return depth < deepestFolder ? { key, kind: 'folder', size: 0 } : undefined;
  try {
    const info = await stat(join(root, key));
    if (info.isFile()) return { key, kind: 'object', size: info.size };
    return info.isDirectory() && depth <= deepestLink ? { key, kind: 'folder', size: 0 } : undefined;
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}
