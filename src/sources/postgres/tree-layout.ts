/** Where captured databases lie within a snapshot, and how they are found again. */
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';
import type { DumpFormat } from './dump-options.ts';

const root = '/postgres';
const directoryName = 'directory';

export interface CapturedDatabase {
  readonly folder: string;
  /** The archive or the script; of the directory format its folder. */
  readonly dump: string;
  readonly format: DumpFormat;
  /** Of the directory format: the names of its files. */
  readonly files: readonly string[];
  readonly manifest: string;
  /** Absent where the user was not allowed to see the roles, or they were not asked for. */
  readonly roles: string | undefined;
}

/** The folder of a database: its name, with what a file name cannot hold written as %XX. */
export function databaseFolder(database: string): string {
  const safe = database.replaceAll(/[%/]/g, (character) => encodeURIComponent(character));
  return `${root}/${/^\.{1,2}$/.test(safe) ? safe.replaceAll('.', '%2E') : safe}`;
}

/** Where the dump of a database goes, in the folder of the database. */
export const dumpNames: Readonly<Record<DumpFormat, string>> = { custom: 'database.dump', plain: 'database.sql', directory: directoryName };

/** Every captured database of a snapshot, by folder. Throws `postgres-capture-missing` where one of them is in part. */
export async function listCapturedDatabases(tree: CapturedTree): Promise<CapturedDatabase[]> {
  const folders = new Map<string, Set<string>>();
  for await (const { path } of tree.list(root)) {
    const [, folder, name] = /^(\/postgres\/[^/]+)\/(.+)$/.exec(path) ?? [];
    if (folder === undefined || name === undefined) continue;
    const names = folders.get(folder) ?? new Set();
    folders.set(folder, names.add(name));
  }
  const databases: CapturedDatabase[] = [];
  for (const [folder, names] of [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const directory = [...names].filter((name) => name.startsWith(`${directoryName}/`)).map((name) => name.slice(directoryName.length + 1));
    const format = names.has(dumpNames.custom) ? 'custom' : names.has(dumpNames.plain) ? 'plain' : 'directory';
    if (format === 'directory' && directory.length === 0) continue;
    const manifest = `${folder}/manifest.json`;
    if (!names.has('manifest.json')) throw new HoldfastError('postgres-capture-missing', { reason: `${manifest} is not in this point` });
    databases.push({
      folder,
      dump: `${folder}/${dumpNames[format]}`,
      format,
      files: directory,
      manifest,
      roles: names.has('roles.sql') ? `${folder}/roles.sql` : undefined,
    });
  }
  return databases;
}

/**
 * Finds the captured database: the one named, else the only one there is. Throws `postgres-capture-missing` when there is none,
 * or more than one and none of that name.
 */
export function findCapturedDatabase(databases: readonly CapturedDatabase[], preferred: string): CapturedDatabase {
  const wanted = databaseFolder(preferred);
  const found = databases.length === 1 ? databases[0] : databases.find(({ folder }) => folder === wanted);
  if (found !== undefined) return found;
  const reason =
    databases.length === 0 ? 'this point holds none' : `this point holds ${namesOf(databases)}, and none is called ${preferred}`;
  throw new HoldfastError('postgres-capture-missing', { reason });
}

/** The databases named, or all. Throws `postgres-capture-missing` when one is not there. */
export function chooseCapturedDatabases(databases: readonly CapturedDatabase[], wanted: 'all' | readonly string[]): CapturedDatabase[] {
  if (databases.length === 0) throw new HoldfastError('postgres-capture-missing', { reason: 'this point holds none' });
  if (wanted === 'all') return [...databases];
  return wanted.map((name) => {
    const found = databases.find(({ folder }) => folder === databaseFolder(name));
    if (found !== undefined) return found;
    throw new HoldfastError('postgres-capture-missing', { reason: `this point holds ${namesOf(databases)}, and none is called ${name}` });
  });
}

function namesOf(databases: readonly CapturedDatabase[]): string {
  return databases.map(({ folder }) => folder.slice(root.length + 1)).join(', ');
}
