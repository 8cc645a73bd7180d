/** Turns the folder of a base backup into that of the increment which comes after it. */
import { chmod, chown, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { HoldfastError } from '../../../errors.ts';
import { fsPath } from '../../../util/path-bytes.ts';
import { applyIncrement } from '../pages/apply-increment.ts';
import { pathOfIncremental } from '../pages/relation-file.ts';
import { listFolder } from './walk-folder.ts';

export interface FolderToApply {
  /** The increment's, which is taken apart. */
  readonly from: string;
  /** The base's, on the same file system. */
  readonly to: string;
  /** The folder as PostgreSQL's manifest names it: empty, or `pg_tblspc/<oid>/`. */
  readonly name: string;
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** Told of each file that was put together of both. */
  readonly onCombined: (name: string) => void;
}

/**
 * Whole files, folders and links replace what was there, incremental files are put into theirs, and what the increment does not have is removed. Links are never followed, so that
 * whatever a repository holds, only what is below the two folders changes. Throws `damaged`, `interrupted`, and errors of the file system.
 */
export async function applyFolder(job: FolderToApply): Promise<void> {
  const { from, to, name, signal } = job;
  const kept = new Set<string>();
  for (const entry of await listFolder(from)) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    const source = `${from}/${entry.name}`;
    const combined = entry.type === 'file' ? pathOfIncremental(`${name}${entry.name}`) : undefined;
    if (combined !== undefined) {
      const plain = combined.slice(name.length);
      kept.add(plain);
      await applyIncrement({ from: source, to: `${to}/${plain}`, name: combined, pageSize: job.pageSize, signal });
      job.onCombined(combined);
      continue;
    }
    kept.add(entry.name);
    const target = `${to}/${entry.name}`;
    const there = await typeAt(target);
    if (there !== undefined && (there === 'folder') !== (entry.type === 'folder')) await rm(fsPath(target), { recursive: true });
    if (entry.type !== 'folder') await rename(fsPath(source), fsPath(target));
    else {
      if (there !== 'folder') await mkdir(fsPath(target), { mode: 0o700 });
      await applyFolder({ ...job, from: source, to: target, name: `${name}${entry.name}/` });
      await copyRights(source, target);
    }
  }
  for (const { name: old } of await listFolder(to)) if (!kept.has(old)) await rm(fsPath(`${to}/${old}`), { recursive: true });
}

/** Owner and mode of a folder. */
async function copyRights(from: string, to: string): Promise<void> {
  const { mode, uid, gid } = await lstat(fsPath(from));
  const there = await lstat(fsPath(to));
  if (there.uid !== uid || there.gid !== gid) await chown(fsPath(to), uid, gid);
  if (there.mode !== mode) await chmod(fsPath(to), mode & 0o7777);
}

async function typeAt(path: string): Promise<'folder' | 'other' | undefined> {
  try {
    return (await lstat(fsPath(path))).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
