/**
 * Goes through a tree in the order of its entries, a folder before what is in it. The next few folders are loaded ahead, so that a
 * distant storage is not waited for one folder at a time.
 */
import { HoldfastError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted } from '../run-context.ts';
import type { TreeNode } from '../tree/node.ts';
import { loadTree } from './load-tree.ts';

export interface WalkedEntry {
  /** Absolute within the snapshot, `/etc/hosts`. */
  readonly path: string;
  readonly node: TreeNode;
  /** 1 for the entries of the tree that was given. */
  readonly depth: number;
  /** Called before the next entry is asked for: leaves out what is in this folder. */
  skip(): void;
}

export interface WalkOptions {
  /** The path of the tree that is given; the root by default. */
  readonly path?: string;
  readonly signal?: AbortSignal;
}

/** No honest tree is this deep: Linux ends at paths of 4096 bytes. A forged one could otherwise fill the memory. */
export const deepestFolder = 4096;

/** Folders loaded ahead at most, in all. */
const mostAhead = 16;

interface OpenFolder {
  readonly path: string;
  readonly nodes: readonly TreeNode[];
  next: number;
}

/**
 * Every entry below a tree. A folder that is in the tree many times is gone through each time; a forged repository can so name more
 * entries than anybody could list, which is the caller's to bound (or to abort).
 *
 * @throws HoldfastError `blob-missing`, `damaged`, `hostile`, `interrupted`
 */
export async function* walkTree(
  repository: Repository,
  treeId: string,
  options: WalkOptions = {},
): AsyncGenerator<WalkedEntry, void, undefined> {
  const ahead = new TreesAhead(repository);
  const root = options.path === undefined || options.path === '/' ? '' : options.path;
  const open: OpenFolder[] = [{ path: root, nodes: await ahead.load(treeId), next: 0 }];
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    throwIfAborted(options.signal);
    const node = folder.nodes[folder.next];
    folder.next += 1;
    if (node === undefined) {
      open.pop();
      continue;
    }
    let skipped = false;
    const path = `${folder.path}/${node.name}`;
    yield { path, node, depth: open.length, skip: () => (skipped = true) };
    if (node.type !== 'dir' || node.subtree === undefined) continue;
    if (skipped) {
      ahead.forget(node.subtree);
      continue;
    }
    if (open.length >= deepestFolder)
      throw new HoldfastError('hostile', { path: path.slice(0, 200), reason: `its folders are more than ${deepestFolder} deep` });
    ahead.prepare(folder.nodes, folder.next);
    open.push({ path, nodes: await ahead.load(node.subtree), next: 0 });
  }
}

/** Trees that are being loaded before they are needed. */
class TreesAhead {
  readonly #repository: Repository;
  readonly #loading = new Map<string, Promise<TreeNode[]>>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  load(id: string): Promise<TreeNode[]> {
    const loading = this.#loading.get(id) ?? loadTree(this.#repository, id);
    this.#loading.delete(id);
    return loading;
  }

  /** Begins to load the folders that come next. */
  prepare(nodes: readonly TreeNode[], from: number): void {
    for (let at = from; at < nodes.length && this.#loading.size < mostAhead; at += 1) {
      const id = nodes[at]?.subtree;
      if (nodes[at]?.type !== 'dir' || id === undefined || this.#loading.has(id)) continue;
      const loading = loadTree(this.#repository, id);
      loading.catch(() => {}); // told to whoever comes to this folder; it may be skipped
      this.#loading.set(id, loading);
      if (at - from >= 4) break;
    }
  }

  /** What was loaded for a folder that is left out must not take the place of others. */
  forget(id: string): void {
    this.#loading.delete(id);
  }
}
