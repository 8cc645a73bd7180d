/** The folders in which a data directory is put together: nothing that looks whole before it is. */
import { chmod, chown, lchown, lstat, mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { fsPath } from '../../../util/path-bytes.ts';
import { listFolder, walkFolder } from './walk-folder.ts';

/** Inside the target: as long as it is there and `global` is not, the target is unfinished. */
const workName = 'holdfast-incomplete';

export interface AssemblyFolder {
  /** Of a tablespace; absent for the data directory. */
  readonly oid?: string;
  /** As the server's manifest begins the paths in it: empty, or `pg_tblspc/<oid>/`. */
  readonly name: string;
  /** Where it ends up. */
  readonly target: string;
  readonly base: string;
  readonly increment: string;
}

export interface Assembly {
  /** The data directory first. */
  readonly folders: readonly AssemblyFolder[];
  /** Does the work; errors of the file system become `target-full` and `target-unusable`. */
  guard<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Empties what an increment was restored to. */
  removeIncrement(): Promise<void>;
  /** Lets the links of pg_tblspc lead to the tablespaces. */
  setLinks(locations: ReadonlyMap<string, string>): Promise<void>;
  /** Puts everything in its place, durably. */
  moveUp(): Promise<void>;
}

/** Makes the folders; removes what an assembly that died has left. Throws `target-unusable`, also where there is anything else in one. */
export async function openAssembly(
  target: string,
  tablespaces: readonly { readonly oid: string; readonly folder: string }[],
): Promise<Assembly> {
  const places = [{ target, name: '' }, ...tablespaces.map(({ oid, folder }) => ({ oid, target: folder, name: `pg_tblspc/${oid}/` }))];
  for (const { target: path } of places)
    if (!isAbsolute(path)) throw new HoldfastError('target-unusable', { path, reason: 'it is not an absolute path' });
  const folders = places.map((place) => ({
    ...place,
    base: join(place.target, workName, 'base'),
    increment: join(place.target, workName, 'increment'),
  }));
  const guard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error, target);
    }
  };
  await guard(async () => {
    // All are looked at before any is touched.
    for (const folder of folders) await checkEmpty(folder.target);
    for (const folder of folders) {
      await rm(join(folder.target, workName), { recursive: true, force: true });
      await mkdir(folder.base, { recursive: true, mode: 0o700 });
      await mkdir(folder.increment, { mode: 0o700 });
      await chmod(folder.target, 0o700);
    }
  });
  return {
    folders,
    guard,
    removeIncrement: async () => {
      for (const { increment } of folders) {
        await rm(increment, { recursive: true });
        await mkdir(increment, { mode: 0o700 });
      }
    },
    setLinks: async (locations) => {
      const [data] = folders;
      if (data !== undefined) await replaceLinks(join(data.base, 'pg_tblspc'), tablespaces, locations);
    },
    moveUp: () => moveUp(folders),
  };
}

async function checkEmpty(path: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new HoldfastError('target-unusable', { path, reason: reasonOf(error) }, error);
  }
  const [other] = names.filter((name) => name !== workName);
  if (other !== undefined) throw new HoldfastError('target-unusable', { path, reason: `it is not empty (there is ${other})` });
}

/** Whatever was in the snapshot, the links are those of the tablespaces that the manifest names, and nothing else. */
async function replaceLinks(
  folder: string,
  tablespaces: readonly { readonly oid: string; readonly folder: string }[],
  locations: ReadonlyMap<string, string>,
): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) throw new HoldfastError('damaged', { object: 'pg_tblspc', reason: 'it is no folder' });
  for (const { name } of await listFolder(folder)) await rm(fsPath(join(folder, name)), { recursive: true });
  const { uid, gid } = await lstat(folder);
  for (const { oid, folder: place } of tablespaces) {
    const link = join(folder, oid);
    await symlink(locations.get(oid) ?? place, link);
    // A link's owner matters to nobody but whoever lists the folder.
    if (process.geteuid?.() === 0) await lchown(link, uid, gid);
  }
}

/** Folders are made durable here; files were when they were checked. */
async function moveUp(folders: readonly AssemblyFolder[]): Promise<void> {
  for (const { base } of folders) {
    for await (const { path, type } of walkFolder(base)) if (type === 'folder') await syncFolder(join(base, path));
    await syncFolder(base);
  }
  // The tablespaces before the data directory, and of that what makes it one at the very end.
  for (const { base, target } of folders.toReversed()) {
    const entries = await listFolder(base);
    const [first] = entries;
    if (first !== undefined && process.geteuid?.() === 0) {
      const { uid, gid } = await lstat(fsPath(join(base, first.name)));
      await chown(target, uid, gid);
    }
    for (const { name } of entries.toSorted((a, b) => Number(a.name === 'global') - Number(b.name === 'global'))) {
      if (name === 'global') await syncFolder(target);
      await rename(fsPath(join(base, name)), fsPath(join(target, name)));
    }
    await rm(join(target, workName), { recursive: true });
    await syncFolder(target);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(fsPath(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function translate(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof HoldfastError || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HoldfastError('target-full', { path, reason: 'the disk is full' }, error);
  return new HoldfastError('target-unusable', { path, reason: reasonOf(error) }, error);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
