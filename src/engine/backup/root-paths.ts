import { normalize } from 'node:path/posix';

/** The folders that lead to what is backed up, as a tree of names: a snapshot holds the whole way from `/`. */
export type RootTree = Map<string, RootTree | 'whole'>;

/** Absolute paths as a tree. A path inside another one that is taken whole adds nothing. `/` alone is 'whole'. */
export function rootTree(paths: readonly string[]): RootTree | 'whole' {
  const tree: RootTree = new Map();
  for (const path of paths) {
    const names = normalize(path)
      .split('/')
      .filter((name) => name !== '');
    if (names.length === 0) return 'whole';
    addPath(tree, names);
  }
  return tree;
}

function addPath(tree: RootTree, names: readonly string[]): void {
  let folder = tree;
  for (const [depth, name] of names.entries()) {
    const known = folder.get(name);
    if (known === 'whole') return;
    if (depth === names.length - 1) {
      folder.set(name, 'whole');
      return;
    }
    const next = known ?? new Map<string, RootTree | 'whole'>();
    folder.set(name, next);
    folder = next;
  }
}
