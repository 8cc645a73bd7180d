/** Walks a folder that was restored from a repository, without ever following a link. */
import { readdir } from 'node:fs/promises';
import { decodePath, fsPath } from '../../../util/path-bytes.ts';

export interface FoundEntry {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
}

/** What lies directly in a folder. */
export async function listFolder(folder: string): Promise<FoundEntry[]> {
  const entries = await readdir(fsPath(folder), { withFileTypes: true, encoding: 'buffer' });
  return entries.map((entry) => ({
    name: decodePath(entry.name),
    type: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other',
  }));
}

/** Everything below a folder with its path relative to it, each folder after what is in it. */
export async function* walkFolder(
  folder: string,
  prefix = '',
): AsyncGenerator<{ readonly path: string; readonly type: FoundEntry['type'] }, void, undefined> {
  for (const { name, type } of await listFolder(`${folder}/${prefix}`)) {
    if (type === 'folder') yield* walkFolder(folder, `${prefix}${name}/`);
    yield { path: `${prefix}${name}`, type };
  }
}
