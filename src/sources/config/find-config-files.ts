/** From names and patterns of holdfast.yaml to files. */
import { glob, lstat, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { reasonOf } from '../../errors.ts';

export interface ConfigFiles {
  /** Absolute paths of what was named and is there: files, folders, links. In order, each once. */
  readonly roots: readonly string[];
  /** Named, and not there. */
  readonly missing: readonly { readonly path: string; readonly reason: string }[];
  /** Patterns that match nothing. */
  readonly idle: readonly string[];
}

/**
 * Looks up names (relative to the folder) and patterns (`*`, `?`, `**`, `[…]`, `{a,b}`). As in a shell, `*`
 * does not match a leading dot: write `.env*`. A file whose name looks like a pattern is taken as a name.
 */
export async function findConfigFiles(folder: string, files: readonly string[]): Promise<ConfigFiles> {
  const roots = new Set<string>();
  const missing: { path: string; reason: string }[] = [];
  const idle: string[] = [];
  for (const name of files) {
    const path = resolve(folder, name);
    const reason = await whyMissing(path);
    if (reason === undefined) roots.add(path);
    else if (!/[*?[{]/.test(name)) missing.push({ path, reason });
    else {
      const matched: string[] = [];
      for await (const match of glob(name, { cwd: folder })) matched.push(match);
      for (const match of matched.toSorted()) roots.add(resolve(folder, match));
      if (matched.length === 0) idle.push(name);
    }
  }
  return { roots: [...roots], missing, idle };
}

/** The files themselves: of a folder all within it. A link to a file counts as one; a link to a folder within a folder is left alone. */
export async function listFiles(roots: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const root of roots) {
    const isFolder = (await stat(root).catch(() => undefined))?.isDirectory() === true;
    if (!isFolder) files.add(root);
    else {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile() === true)) files.add(path);
      }
    }
  }
  return [...files].toSorted();
}

/** Where links lead: a link alone would be saved as a link, and not what it stands for. */
export async function addLinkTargets(roots: readonly string[]): Promise<string[]> {
  const all = new Set(roots);
  for (const root of roots) if ((await lstat(root)).isSymbolicLink()) all.add(await realpath(root));
  return [...all];
}

/** Below this folder of a capture lie files that are not below the application's own folder, with their whole path. */
export const outside = '@outside';

/** The name of a file within a capture, relative to `/config`. */
export function captureName(folder: string, path: string): string {
  const inside = relative(folder, path);
  const name =
    inside === '' || inside.startsWith('..') || isAbsolute(inside) ? `${outside}${path.startsWith(sep) ? '' : sep}${path}` : inside;
  return name.replaceAll(sep, '/');
}

async function whyMissing(path: string): Promise<string | undefined> {
  try {
    await stat(path);
    return undefined;
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'it does not exist';
    return code === 'EACCES' ? 'permission is denied' : reasonOf(error);
  }
}
