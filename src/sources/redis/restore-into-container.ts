/** Puts a snapshot into the data folder of a stopped container, through the engine: it need not run on this machine. */
import { access, constants, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { Container, ContainerAddress, DockerEngine } from '../docker/docker-engine.ts';
import { type FileToWrite, readOwner, readSingleFile, writeFiles } from './container-archive.ts';
import { restoreIntoFolder } from './restore-into-folder.ts';
import type { PlacedFiles, SavedRedis } from './restore-redis.ts';
import { baseOf, chooseLayout, manifestName, nextSequence } from './restore-layout.ts';

export interface ContainerTarget {
  readonly docker: DockerEngine;
  readonly address: ContainerAddress;
  /** Inside the container. */
  readonly folder: string;
}

const largestManifest = 1024 * 1024;
const stopped = new Set(['exited', 'created', 'dead']);

/**
 * Where the folder lies on a volume of this machine, its files are replaced there, as `restoreIntoFolder` does. Elsewhere they go through the
 * engine, which can rename and remove nothing in a stopped container: of an append-only folder only the manifest is replaced then, which
 * is what makes the server forget the old parts. Throws as `restoreRedis` does.
 */
export async function restoreIntoContainer(target: ContainerTarget, saved: SavedRedis, signal: AbortSignal): Promise<PlacedFiles> {
  const { folder } = target;
  const container = await target.docker.find(target.address);
  if (!stopped.has(container.state)) throw new HoldfastError('redis-running', { title: `Redis in the container ${container.name}` });
  const place = `${container.name}:${folder}`;
  const local = await localFolderOf(container, folder);
  if (local !== undefined) return { ...(await restoreIntoFolder(local, saved)), place };
  return { ...(await restoreThroughEngine(container, folder, saved, signal)), place };
}

/** The folder as this machine sees it: it is taken for the same only when owner, mode and time are the same too. */
async function localFolderOf(container: Container, folder: string): Promise<string | undefined> {
  const mounts = container.mounts.filter(({ type, destination }) => {
    const below = posix.relative(destination, folder);
    return (type === 'volume' || type === 'bind') && !below.startsWith('..');
  });
  const [mount] = mounts.toSorted((a, b) => b.destination.length - a.destination.length);
  if (mount === undefined) return undefined;
  const path = posix.join(mount.source, posix.relative(mount.destination, folder));
  const [here, there] = [await stat(path).catch(() => undefined), await readOwner(container, folder)];
  const isSame = here?.isDirectory() === true && here.uid === there?.uid && here.gid === there.gid && (here.mode & 0o777) === there.mode;
  const sameTime = isSame && Math.trunc(here.mtimeMs / 1000) === there?.modified;
  return sameTime && (await isWritable(path)) ? path : undefined;
}

async function restoreThroughEngine(
  container: Container,
  folder: string,
  saved: SavedRedis,
  signal: AbortSignal,
): Promise<Omit<PlacedFiles, 'place'>> {
  const at = (name: string): string => posix.join(folder, name);
  const { names } = saved;
  const appendFolder = (await readOwner(container, at(names.appendFolder))) !== undefined;
  const appendFile = (await readOwner(container, at(names.appendFile))) !== undefined;
  const layout = chooseLayout(saved.manifest, names, saved.choice, { appendFolder, appendFile });
  const old = await readOwner(container, at(layout.dbFile));
  const owner = old ?? (await readOwner(container, folder));
  if (owner === undefined) throw new HoldfastError('target-unusable', { path: `${container.name}:${folder}`, reason: 'it is not there' });
  const attributes = { uid: owner.uid, gid: owner.gid, mode: 0o600 };
  /* Once to its end before anything is touched: half a file could not be taken back. */
  for await (const chunk of saved.open()) if (signal.aborted || chunk.length < 0) throw new HoldfastError('interrupted');
  const snapshot = (name: string): FileToWrite => ({ ...attributes, name, size: saved.manifest.snapshot.size, bytes: saved.open() });
  const text = (name: string, content: string): FileToWrite => {
    const bytes = Buffer.from(content, 'utf8');
    return { ...attributes, name, size: bytes.length, bytes: once(bytes) };
  };
  const files = [snapshot(layout.dbFile)];
  const [setAside, replaced]: [string[], string[]] = [[], old === undefined ? [] : [layout.dbFile]];
  const append = layout.appendOnly;
  if (append?.parts === 'one') {
    files.push(snapshot(append.file));
    if (appendFile) replaced.push(append.file);
  } else if (append?.parts === 'many') {
    const name = `${append.folder}/${manifestName(append.file)}`;
    const oldManifest = await readText(container, at(name));
    if (!appendFolder) files.push({ ...attributes, name: `${append.folder}/`, size: 0, mode: 0o755 });
    if (oldManifest !== '') {
      const aside = await asideName(container, folder, name);
      files.push(text(aside, oldManifest));
      setAside.push(aside);
    }
    const { base, manifest } = baseOf(append.file, nextSequence(oldManifest));
    /* The manifest last: until then the old parts count. */
    files.push(snapshot(`${append.folder}/${base}`), text(name, manifest));
  }
  await writeFiles(container, folder, files);
  return { setAside, replaced, appendOnly: append !== undefined };
}

async function asideName(container: Container, folder: string, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const aside = `${name}.before-restore${number === 1 ? '' : `-${number}`}`;
    if ((await readOwner(container, posix.join(folder, aside))) === undefined) return aside;
  }
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function readText(container: Container, path: string): Promise<string> {
  const file = await readSingleFile(container, path);
  if (file === undefined) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file.bytes) {
    size += chunk.length;
    if (size > largestManifest) throw new HoldfastError('damaged', { object: path, reason: 'it is far larger than a manifest' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
