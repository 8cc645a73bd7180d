import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failedWith } from './file-error.ts';

/**
 * Makes a folder and what is missing above it, readable by its owner only. Node's own recursive `mkdir` never returns where a
 * file system answers ENOENT below a folder that exists (/proc does): this one fails.
 * @returns the topmost folder that was made, or undefined where the path was there
 * @throws what the system call throws; not for a path that is there, even as a file
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await makeFolder(path);
  } catch (error) {
    if (!failedWith(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  const first = await makeFolders(dirname(path));
  const made = await makeFolder(path);
  return first ?? made;
}

/** Makes one folder. Returns its path, or undefined where that was there. */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 });
    return path;
  } catch (error) {
    if (failedWith(error, 'EEXIST')) return undefined;
    throw error;
  }
}
