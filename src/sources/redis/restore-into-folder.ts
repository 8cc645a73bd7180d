/** Puts a snapshot into the data folder of a stopped server on this machine. */
import { randomBytes } from 'node:crypto';
import { copyFile, link, lstat, mkdir, open, readFile, readdir, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HoldfastError as CatalogueError, HoldfastError, reasonOf } from '../../errors.ts';
import type { RedisAddress } from './redis-address.ts';
import { connectRedis } from './redis-connection.ts';
import type { PlacedFiles, SavedRedis } from './restore-redis.ts';
import { type AppendOnlyLayout, baseOf, chooseLayout, manifestName } from './restore-layout.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The new files are complete before the first old one moves. Throws as `restoreRedis` does. */
export async function restoreIntoFolder(folder: string, saved: SavedRedis, address?: RedisAddress): Promise<PlacedFiles> {
  await refuseRunning(folder, saved, address);
  const temporary = join(folder, `.holdfast-${randomBytes(6).toString('hex')}`);
  const { names } = saved;
  try {
    const found = {
      appendFolder: await isThere(join(folder, names.appendFolder)),
      appendFile: await isThere(join(folder, names.appendFile)),
    };
    const layout = chooseLayout(saved.manifest, names, saved.choice, found);
    const owner = await ownerFor(folder, join(folder, layout.dbFile));
    await mkdir(temporary, { mode: 0o700 });
    const snapshot = join(temporary, 'snapshot');
    await writeSnapshot(snapshot, saved.open(), owner);
    const append = layout.appendOnly === undefined ? undefined : await prepareAppendOnly(temporary, snapshot, layout.appendOnly, owner);
    const setAside: string[] = [];
    /* An append-only folder or file of the other kind would win over what is restored, or be turned into it. */
    const stale = [names.appendFolder, names.appendFile].filter((_, at) => (at === 0 ? found.appendFolder : found.appendFile));
    for (const name of [...stale, layout.dbFile]) {
      const aside = await setAsideName(folder, name);
      if (!(await isThere(join(folder, name)))) continue;
      await rename(join(folder, name), join(folder, aside));
      setAside.push(aside);
    }
    await rename(snapshot, join(folder, layout.dbFile));
    if (append !== undefined) await rename(append.prepared, join(folder, append.name));
    await syncFolder(folder);
    return { place: folder, setAside, replaced: [], appendOnly: append !== undefined };
  } catch (error) {
    throw explain(error, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A server's working folder is its data folder, so the system tells whether one is at work there, whatever its address. */
async function refuseRunning(folder: string, { manifest }: SavedRedis, address?: RedisAddress): Promise<void> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined || !(await lstat(real)).isDirectory())
    throw new HoldfastError('target-unusable', { path: folder, reason: 'it is not a folder' });
  for (const process of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(process)) continue;
    const [place, program] = [
      await readlink(`/proc/${process}/cwd`).catch(() => ''),
      await readFile(`/proc/${process}/comm`, 'utf8').catch(() => ''),
    ];
    if (place === real && /^(?:redis|valkey|keydb)/.test(program))
      throw new HoldfastError('redis-running', { title: `Redis in ${folder}` });
  }
  if (address === undefined || manifest.server.dir !== folder) return;
  try {
    (await connectRedis(address, AbortSignal.timeout(5000))).close();
  } catch (error) {
    if (error instanceof HoldfastError && (error.code === 'redis-unreachable' || error.code === 'interrupted')) return;
  }
  throw new HoldfastError('redis-running', { title: `Redis in ${folder}` });
}

async function ownerFor(folder: string, file: string): Promise<Owner> {
  const stats = await lstat(file).catch(() => undefined);
  if (stats?.isFile() === true) return { uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o777 };
  const { uid, gid } = await lstat(folder);
  return { uid, gid, mode: 0o600 };
}

async function writeSnapshot(path: string, bytes: AsyncIterable<Uint8Array>, owner: Owner): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
    await giveTo(file, owner);
    await file.sync();
  } finally {
    await file.close();
  }
}

interface PreparedAppendOnly {
  readonly prepared: string;
  readonly name: string;
}

async function prepareAppendOnly(temporary: string, snapshot: string, layout: AppendOnlyLayout, owner: Owner): Promise<PreparedAppendOnly> {
  if (layout.parts === 'one') {
    /* A server goes on writing at the end of this file: it must not be the same file as the snapshot. */
    const prepared = join(temporary, 'append');
    await copyAs(snapshot, prepared, owner);
    return { prepared, name: layout.file };
  }
  const prepared = join(temporary, 'appendfolder');
  await mkdir(prepared, { mode: 0o700 });
  const { base, manifest } = baseOf(layout.file, 1);
  /* A base is only ever replaced, never changed. */
  await link(snapshot, join(prepared, base)).catch(() => copyAs(snapshot, join(prepared, base), owner));
  const manifestFile = join(prepared, manifestName(layout.file));
  await writeFile(manifestFile, manifest, { mode: owner.mode, flush: true });
  for (const path of [manifestFile, prepared]) {
    const opened = await open(path, 'r');
    try {
      await giveTo(opened, path === prepared ? { ...owner, mode: 0o755 } : owner);
    } finally {
      await opened.close();
    }
  }
  return { prepared, name: layout.folder };
}

async function copyAs(from: string, to: string, owner: Owner): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await giveTo(file, owner);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function giveTo(file: Awaited<ReturnType<typeof open>>, { uid, gid, mode }: Owner): Promise<void> {
  const stats = await file.stat();
  if (stats.uid !== uid || stats.gid !== gid) await file.chown(uid, gid);
  await file.chmod(mode);
}

/** `NAME.before-restore`, or with a number where that is taken. */
async function setAsideName(folder: string, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const aside = `${name}.before-restore${number === 1 ? '' : `-${number}`}`;
    if (!(await isThere(join(folder, aside)))) return aside;
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

function explain(error: unknown, path: string): CatalogueError {
  if (error instanceof HoldfastError) return error;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HoldfastError('target-full', { path, reason: 'the disk is full' }, error);
  return new HoldfastError('target-unusable', { path, reason: reasonOf(error) }, error);
}
