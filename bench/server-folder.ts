import { chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverUser } from '../test/harness/postgres/cluster-process.ts';

/** A folder that the server's user owns. */
export function openToServer(path: string, mode = 0o755): string {
  mkdirSync(path, { recursive: true, mode });
  const identity = serverUser();
  if (identity !== undefined) chownSync(path, identity.uid, identity.gid);
  return path;
}

/** The sum of the sizes of all files below a folder; links are not followed and count for nothing. */
export function sizeBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sizeBelow(path);
      return entry.isFile() ? lstatSync(path).size : 0;
    })
    .reduce((sum, size) => sum + size, 0);
}
