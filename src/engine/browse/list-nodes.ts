import { HoldfastError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import type { LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import type { TreeNode } from '../tree/node.ts';
import { loadTree } from './load-tree.ts';
import { walkTree, type WalkedEntry } from './walk-tree.ts';

export interface ListOptions {
  /** Also what is in the folders below. True by default. */
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
}

/** What a path of a snapshot names: its root, which has no entry of its own, or an entry. */
export type NodeAtPath = { readonly path: '/'; readonly tree: string } | { readonly path: string; readonly node: TreeNode };

/** The entries below a path (absolute; the root by default); for anything but a folder that entry itself. Throws `path-missing`. */
export async function* listNodes(
  repository: Repository,
  snapshot: LoadedSnapshot,
  path = '/',
  options: ListOptions = {},
): AsyncGenerator<WalkedEntry, void, undefined> {
  const found = await findNode(repository, snapshot, path);
  const tree = 'tree' in found ? found.tree : found.node.type === 'dir' ? found.node.subtree : undefined;
  if (tree === undefined) {
    if ('node' in found) yield { path: found.path, node: found.node, depth: 1, skip: () => {} };
    return;
  }
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  for await (const entry of walkTree(repository, tree, { path: found.path, ...signal })) {
    if (options.recursive === false) entry.skip();
    yield entry;
  }
}

/** The entry at an absolute path. A trailing slash and empty components are ignored. Throws `path-missing`. */
export async function findNode(repository: Repository, { id, snapshot }: LoadedSnapshot, path: string): Promise<NodeAtPath> {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let tree: string | undefined = snapshot.tree;
  let node: TreeNode | undefined;
  for (const name of names) {
    node = tree === undefined ? undefined : (await loadTree(repository, tree)).find((each) => each.name === name);
    if (node === undefined) throw new HoldfastError('path-missing', { path, point: id.slice(0, 8) });
    tree = node.type === 'dir' ? node.subtree : undefined;
  }
  return node === undefined ? { path: '/', tree: snapshot.tree } : { path: `/${names.join('/')}`, node };
}
