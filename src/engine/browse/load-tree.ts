import type { Repository } from '../repository.ts';
import { decodeTree } from '../tree/decode-tree.ts';
import type { TreeNode } from '../tree/node.ts';

/** The entries of a tree. Throws `blob-missing`, `damaged`, `hostile`. */
export async function loadTree(repository: Repository, id: string): Promise<TreeNode[]> {
  return decodeTree(await repository.readBlob('tree', id), `tree ${id} in ${repository.location}`);
}
