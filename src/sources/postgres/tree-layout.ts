/** Where a captured database lies within a snapshot, and how it is found again. */
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';

const root = '/postgres';

export interface CapturedDatabase {
  readonly folder: string;
  readonly dump: string;
  readonly manifest: string;
  /** Absent where the user was not allowed to see the roles. */
  readonly roles: string | undefined;
}

/** The folder of a database: its name, with what a file name cannot hold written as %XX. */
export function databaseFolder(database: string): string {
  const safe = database.replaceAll(/[%/]/g, (character) => encodeURIComponent(character));
  return `${root}/${/^\.{1,2}$/.test(safe) ? safe.replaceAll('.', '%2E') : safe}`;
}

/**
 * Finds the captured database: the one named, else the only one there is. Throws `postgres-capture-missing` when there is none,
 * or more than one and none of that name.
 */
export async function findCapturedDatabase(tree: CapturedTree, preferred: string): Promise<CapturedDatabase> {
  const files = new Set<string>();
  const folders: string[] = [];
  for await (const { path } of tree.list(root)) {
    files.add(path);
    if (/^\/postgres\/[^/]+\/database\.dump$/.test(path)) folders.push(path.slice(0, path.lastIndexOf('/')));
  }
  const wanted = databaseFolder(preferred);
  const folder = folders.length === 1 ? folders[0] : folders.find((candidate) => candidate === wanted);
  if (folder === undefined) {
    const reason =
      folders.length === 0
        ? 'this point holds none'
        : `this point holds ${folders.map((found) => found.slice(root.length + 1)).join(', ')}, and none is called ${preferred}`;
    throw new HoldfastError('postgres-capture-missing', { reason });
  }
  const manifest = `${folder}/manifest.json`;
  if (!files.has(manifest)) throw new HoldfastError('postgres-capture-missing', { reason: `${manifest} is not in this point` });
  const roles = `${folder}/roles.sql`;
  return { folder, dump: `${folder}/database.dump`, manifest, roles: files.has(roles) ? roles : undefined };
}
