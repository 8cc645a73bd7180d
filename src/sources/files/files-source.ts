/** Files and folders of this machine as a component. */
import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { Source, TreeSelection } from '../source.ts';

export interface FilesSourceOptions {
  /** The component's name, such as `uploads`. */
  readonly component: string;
  /** Files or folders; relative ones are taken from the current folder. */
  readonly roots: readonly string[];
  readonly select?: TreeSelection;
}

/**
 * The files below some roots. A root that is missing or cannot be reached is a problem of the capture; `source-unreadable` when
 * that holds for all of them. Throws `nothing-to-back-up` when no root was named.
 */
export function createFilesSource({ component, roots, select = {} }: FilesSourceOptions): Source {
  if (roots.length === 0) throw new HoldfastError('nothing-to-back-up');
  const absolute = [...new Set(roots.map((root) => resolve(root)))];
  return {
    kind: 'files',
    component,
    describe: () => Promise.resolve({ kind: 'files', component, title: absolute.join(', '), facts: { roots: absolute.length } }),
    capture: async ({ events }) => {
      const there: string[] = [];
      const missing: { path: string; reason: string }[] = [];
      for (const path of absolute) {
        const reason = await whyUnreachable(path);
        if (reason === undefined) there.push(path);
        else missing.push({ path, reason });
      }
      const [first] = missing;
      if (first !== undefined && there.length === 0) throw new HoldfastError('source-unreadable', { ...first });
      for (const problem of missing) events({ type: 'problem', ...problem });
      return { shape: 'tree', roots: there, select };
    },
  };
}

async function whyUnreachable(path: string): Promise<string | undefined> {
  try {
    await lstat(fsPath(path));
    return undefined;
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'it does not exist';
    return code === 'EACCES' ? 'permission is denied' : reasonOf(error);
  }
}
