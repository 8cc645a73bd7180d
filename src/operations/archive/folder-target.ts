import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { ArchiveTarget, TargetRequest } from './archive-target.ts';
import { compareWritten, readHashed, refuse, writeHashed } from './write-hashed.ts';

const unfinishedForm = /^\.holdfast-archive-[0-9a-f]{12}$/;
const dayMilliseconds = 86_400_000;

/**
 * An archive in a folder of this machine: a folder of its name, or one file. It is written into a hidden folder beside, and renamed when all of it is there
 * and durable. Where one file is asked for, `to` may be its own name.
 */
export function openFolderTarget({ to, name, ending, now }: TargetRequest): ArchiveTarget {
  const isOwnName = ending !== undefined && /\.(tar|tar\.\w+|tgz|gpg|age)$/.test(basename(to)) && !isFolder(to);
  const parent = isOwnName ? dirname(to) : to;
  const final = isOwnName ? to : join(to, `${name}${ending ?? ''}`);
  const unfinished = join(parent, `.holdfast-archive-${randomBytes(6).toString('hex')}`);
  const only: string[] = [];
  return {
    location: final,
    begin: async () => {
      if (existsSync(final)) throw new HoldfastError('archive-exists', { name: basename(final), location: parent });
      try {
        await mkdir(parent, { recursive: true });
        await removeLeftovers(parent, now);
        await mkdir(unfinished, { mode: 0o700 });
      } catch (error) {
        refuse(parent, error);
      }
    },
    write: async (file, bytes) => {
      only.push(file);
      return { name: file, ...(await writeHashed(join(unfinished, file), bytes)) };
    },
    verify: async (written) => {
      compareWritten(written, await readHashed(join(unfinished, written.name)));
      return true;
    },
    finish: async () => {
      try {
        await syncFolder(unfinished);
        const [file] = only;
        if (ending === undefined) await renameNew(unfinished, final);
        else if (file !== undefined) await linkNew(join(unfinished, file), final);
        await syncFolder(parent);
        await rm(unfinished, { recursive: true, force: true });
      } catch (error) {
        if (error instanceof HoldfastError) throw error;
        refuse(final, error);
      }
    },
    abandon: () => rm(unfinished, { recursive: true, force: true }),
    close: () => Promise.resolve(),
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A folder that is there and empty would be replaced silently. */
async function renameNew(from: string, to: string): Promise<void> {
  if (existsSync(to)) throw new HoldfastError('archive-exists', { name: basename(to), location: dirname(to) });
  await rename(from, to);
}

/** A hard link never replaces what is there; some file systems have none. */
async function linkNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await unlink(from);
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') throw new HoldfastError('archive-exists', { name: basename(to), location: dirname(to) }, error);
    if (existsSync(to)) throw new HoldfastError('archive-exists', { name: basename(to), location: dirname(to) }, error);
    await rename(from, to);
  }
}

/** What archives that were killed have left; a day is longer than one takes. */
async function removeLeftovers(parent: string, now: Date): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!unfinishedForm.test(name)) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now.getTime() - found.mtimeMs > dayMilliseconds) await rm(path, { recursive: true, force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
