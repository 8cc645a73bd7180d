/**
 * Which blobs a set of snapshots needs, as bits by the number of their index entry: a hundred million blobs take 12 MB. Each tree is read
 * once, however many snapshots and folders it is in, so a forged repository cannot make this endless.
 */
import { HoldfastError } from '../../errors.ts';
import { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { readIndexedBlob } from '../index/read-indexed-blob.ts';
import type { BlobType } from '../pack/pack-header.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted } from '../run-context.ts';
import { decodeTree } from '../tree/decode-tree.ts';
import type { TreeNode } from '../tree/node.ts';

const treesAtOnce = 16;

/** What is wrong with what was found; either may throw to end the search. */
export interface ReachObserver {
  /** A blob is needed by `user` (`tree 0f3a…, "name"`, `snapshot 0f3a…`) and no index names it. */
  missing(type: BlobType, id: string, user: string): void;
  /** A tree is in the index and cannot be read, or is not a tree. */
  unreadable(tree: string, error: unknown): void;
  /** How many trees have been read. */
  progress?(trees: number): void;
}

export interface ReachRoot {
  readonly tree: string;
  /** Who needs it, for messages. */
  readonly user: string;
}

/** One entry a needed blob: the one that `index.find` gives. Throws `interrupted`, what the observer throws, and what the storage throws but for what is missing or short. */
export async function findReachableBlobs(
  repository: Repository,
  index: BlobIndex,
  roots: Iterable<ReachRoot>,
  observer: ReachObserver,
  signal: AbortSignal,
): Promise<BitSet> {
  const search = new ReachSearch(index, observer);
  for (const { tree, user } of roots) search.need('tree', tree, user);
  let trees = 0;
  for (let batch = search.take(treesAtOnce); batch.length > 0; batch = search.take(treesAtOnce)) {
    throwIfAborted(signal);
    await Promise.all(batch.map(async (id) => search.visit(id, await readTree(repository, index, id, observer))));
    trees += batch.length;
    observer.progress?.(trees);
  }
  return search.reached;
}

class ReachSearch {
  readonly reached: BitSet;
  readonly #index: BlobIndex;
  readonly #observer: ReachObserver;
  /** Entries of trees that were found and not read yet. */
  readonly #waiting: number[] = [];

  constructor(index: BlobIndex, observer: ReachObserver) {
    this.reached = new BitSet(index.size);
    this.#index = index;
    this.#observer = observer;
  }

  need(type: BlobType, id: string, user: string | (() => string)): void {
    const entry = this.#index.find(id, type);
    if (entry < 0) this.#observer.missing(type, id, typeof user === 'string' ? user : user());
    else if (this.reached.add(entry) && type === 'tree') this.#waiting.push(entry);
  }

  take(count: number): string[] {
    return this.#waiting.splice(-count).map((entry) => this.#index.idOf(entry));
  }

  visit(id: string, nodes: readonly TreeNode[]): void {
    for (const node of nodes) {
      const user = (): string => `tree ${id}, ${JSON.stringify(node.name)}`;
      if (node.type === 'dir' && node.subtree !== undefined) this.need('tree', node.subtree, user);
      for (const blob of node.content ?? []) this.need('data', blob, user);
    }
  }
}

async function readTree(repository: Repository, index: BlobIndex, id: string, observer: ReachObserver): Promise<TreeNode[]> {
  try {
    return decodeTree(await readIndexedBlob(repository, index, 'tree', id), `tree ${id}`);
  } catch (error) {
    if (!isDamage(error)) throw error;
    observer.unreadable(id, error);
    return [];
  }
}

/** Whether an error tells of what is stored, rather than of a storage that does not answer. */
export function isDamage(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && ['damaged', 'hostile', 'blob-missing', 'storage-missing', 'storage-short'].includes(error.code);
}
