import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Paths below a folder, sorted. Links are not followed, which `readdir` does where it is asked for names alone. */
export async function listTree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name))).toSorted();
}
