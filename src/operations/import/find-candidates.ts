/** What among files and folders may be a backup. */
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { asImportFailure, refuseImport } from './import-failure.ts';
import { readLayers, type LayeredFile } from './layers.ts';
import type { HoldfastError } from '../../errors.ts';

export type Candidate =
  | ({ readonly shape: 'file'; readonly modified: Date; readonly size: number } & LayeredFile)
  /** A dump in pg_dump's directory format. */
  | {
      readonly shape: 'directory';
      readonly path: string;
      readonly modified: Date;
      readonly inner: string;
      readonly files: readonly string[];
    };

export interface FoundCandidates {
  readonly candidates: readonly Candidate[];
  readonly refused: readonly { readonly path: string; readonly error: HoldfastError }[];
  /** Files in folders that are no backups by their names. */
  readonly passedOver: readonly string[];
}

const backupNames = /\.(sql|dump|backup|pgdump|pg_dump|bak|tar|zip)$/i;
const deepest = 8;
const contents = 'toc.dat';

/** Files that are named are taken as they are; in folders those whose names say that they are backups. */
export async function findCandidates(paths: readonly string[]): Promise<FoundCandidates> {
  const candidates: Candidate[] = [];
  const refused: { path: string; error: HoldfastError }[] = [];
  const passedOver: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    const found = await lookAt(path, depth);
    if (found === undefined) return;
    if (Array.isArray(found)) for (const name of found.toSorted()) await visit(join(path, name), depth + 1);
    else if ('shape' in found && (depth === 0 || found.shape === 'directory' || backupNames.test(found.inner))) candidates.push(found);
    else passedOver.push(path);
  };
  for (const path of paths) {
    try {
      await visit(resolve(path), 0);
    } catch (error) {
      refused.push({ path: resolve(path), error: asImportFailure(path, error) });
    }
  }
  return { candidates, refused, passedOver };
}

/** The names in a folder, or what is there. Links in a folder are not followed. */
async function lookAt(path: string, depth: number): Promise<Candidate | string[] | undefined> {
  const found = depth === 0 ? await stat(path) : await lstat(path);
  if (found.isFile()) return { shape: 'file', modified: found.mtime, size: found.size, ...readLayers(path) };
  if (!found.isDirectory()) return undefined;
  const names = await readdir(path);
  if (!names.includes(contents)) return depth < deepest ? names : undefined;
  return { shape: 'directory', path, modified: (await stat(join(path, contents))).mtime, inner: basename(path), files: names };
}

/** The table of contents of a dump in directory format. */
export async function readContents(path: string): Promise<Buffer> {
  const file = join(path, contents);
  const { size } = await stat(file);
  if (size > 512 * 1024 * 1024) refuseImport(path, 'its table of contents is far larger than one is');
  return readFile(file);
}
