import { HoldfastError } from '../../errors.ts';
import { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted } from '../run-context.ts';
import type { LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import { compareNames } from '../tree/compare-names.ts';
import type { TreeNode } from '../tree/node.ts';
import { loadTree } from './load-tree.ts';
import { sameMetadata } from './same-metadata.ts';
import { deepestFolder, walkTree } from './walk-tree.ts';

/** `content`: a file whose bytes differ; `type`: a file that became a folder, say; `metadata`: only times, owner, mode, attributes or link target differ. */
export type ChangeKind = 'added' | 'removed' | 'content' | 'type' | 'metadata';

export interface SnapshotChange {
  readonly kind: ChangeKind;
  readonly path: string;
  /** Absent when it was added. */
  readonly before?: TreeNode;
  /** Absent when it was removed. */
  readonly after?: TreeNode;
}

export interface DiffTotals {
  files: number;
  folders: number;
  others: number;
  /** Blobs that only one side needs, and their bytes before compression. */
  dataBlobs: number;
  treeBlobs: number;
  bytes: number;
}

export interface DiffSummary {
  changedFiles: number;
  changedMetadata: number;
  added: DiffTotals;
  removed: DiffTotals;
}

export interface DiffOptions {
  /** Also tell of entries of which only metadata changed. False by default. */
  readonly metadata?: boolean;
  readonly signal?: AbortSignal;
}

/** Compares two snapshots, or what lies below one folder of each when given their trees as snapshots; `visit` is told each change in the order of the paths. */
export async function diffSnapshots(
  repository: Repository,
  from: LoadedSnapshot,
  to: LoadedSnapshot,
  visit: (change: SnapshotChange) => void,
  options: DiffOptions = {},
): Promise<DiffSummary> {
  const diff = new TreeDiff(repository, await repository.loadIndex(), visit, options);
  await diff.compare('', from.snapshot.tree, to.snapshot.tree, 1);
  return diff.summarize(from.snapshot.tree, to.snapshot.tree);
}

/** Compares recursively. Equal trees are not entered twice; blobs are counted in bits by their index entry. */
class TreeDiff {
  readonly #repository: Repository;
  readonly #index: BlobIndex;
  readonly #visit: (change: SnapshotChange) => void;
  readonly #options: DiffOptions;
  readonly #before: BitSet;
  readonly #after: BitSet;
  /** Blobs below folders that are the same on both sides. */
  readonly #common: BitSet;
  readonly #summary: DiffSummary = { changedFiles: 0, changedMetadata: 0, added: noTotals(), removed: noTotals() };

  constructor(repository: Repository, index: BlobIndex, visit: (change: SnapshotChange) => void, options: DiffOptions) {
    this.#repository = repository;
    this.#index = index;
    this.#visit = visit;
    this.#options = options;
    this.#before = new BitSet(index.size);
    this.#after = new BitSet(index.size);
    this.#common = new BitSet(index.size);
  }

  async compare(path: string, before: string, after: string, depth: number): Promise<void> {
    if (depth > deepestFolder)
      throw new HoldfastError('hostile', { path: path.slice(0, 200), reason: `its folders are more than ${deepestFolder} deep` });
    this.#mark(this.#before, 'tree', before);
    this.#mark(this.#after, 'tree', after);
    if (before === after) return this.#markCommon(before);
    const [left, right] = await Promise.all([loadTree(this.#repository, before), loadTree(this.#repository, after)]);
    for (const [old, now] of pairNodes(left, right)) {
      throwIfAborted(this.#options.signal);
      const name = `${path}/${(old ?? now)?.name ?? ''}`;
      if (old !== undefined) this.#markContent(this.#before, old);
      if (now !== undefined) this.#markContent(this.#after, now);
      if (old !== undefined && now !== undefined) await this.#compareNodes(name, old, now, depth);
      else if (old !== undefined) await this.#oneSide(name, 'removed', old);
      else if (now !== undefined) await this.#oneSide(name, 'added', now);
    }
    return undefined;
  }

  summarize(from: string, to: string): DiffSummary {
    this.#mark(this.#before, 'tree', from);
    this.#mark(this.#after, 'tree', to);
    for (let entry = 0; entry < this.#index.size; entry++) {
      if (this.#common.has(entry) || this.#before.has(entry) === this.#after.has(entry)) continue;
      const totals = this.#before.has(entry) ? this.#summary.removed : this.#summary.added;
      if (this.#index.typeOf(entry) === 'tree') totals.treeBlobs += 1;
      else totals.dataBlobs += 1;
      totals.bytes += this.#index.contentLengthOf(entry);
    }
    return this.#summary;
  }

  async #compareNodes(path: string, before: TreeNode, after: TreeNode, depth: number): Promise<void> {
    const sides = { path, before, after };
    if (before.type !== after.type) {
      this.#visit({ kind: 'type', ...sides });
      if (before.type === 'dir') await this.#below(path, 'removed', before);
      if (after.type === 'dir') await this.#below(path, 'added', after);
      return;
    }
    if (before.type === 'file' && !sameContent(before, after)) {
      this.#summary.changedFiles += 1;
      this.#visit({ kind: 'content', ...sides });
    } else if (!sameMetadata(before, after)) {
      this.#summary.changedMetadata += 1;
      if (this.#options.metadata === true) this.#visit({ kind: 'metadata', ...sides });
    }
    if (before.subtree !== undefined && after.subtree !== undefined) await this.compare(path, before.subtree, after.subtree, depth + 1);
  }

  async #oneSide(path: string, kind: 'added' | 'removed', node: TreeNode): Promise<void> {
    this.#visit({ kind, path, ...(kind === 'added' ? { after: node } : { before: node }) });
    const totals = this.#summary[kind];
    if (node.type === 'file') totals.files += 1;
    else if (node.type === 'dir') totals.folders += 1;
    else totals.others += 1;
    if (node.type === 'dir') await this.#below(path, kind, node);
  }

  async #below(path: string, kind: 'added' | 'removed', { subtree }: TreeNode): Promise<void> {
    if (subtree === undefined) return;
    const marks = kind === 'added' ? this.#after : this.#before;
    this.#mark(marks, 'tree', subtree);
    const options = { path, ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }) };
    const totals = this.#summary[kind];
    for await (const { path: inside, node } of walkTree(this.#repository, subtree, options)) {
      this.#markContent(marks, node);
      this.#visit({ kind, path: inside, ...(kind === 'added' ? { after: node } : { before: node }) });
      if (node.type === 'file') totals.files += 1;
      else if (node.type === 'dir') totals.folders += 1;
      else totals.others += 1;
    }
  }

  async #markCommon(tree: string): Promise<void> {
    if (!this.#mark(this.#common, 'tree', tree)) return;
    for await (const entry of walkTree(
      this.#repository,
      tree,
      this.#options.signal === undefined ? {} : { signal: this.#options.signal },
    )) {
      const { subtree } = entry.node;
      if (subtree !== undefined && !this.#mark(this.#common, 'tree', subtree)) entry.skip();
      for (const id of entry.node.content ?? []) this.#mark(this.#common, 'data', id);
    }
  }

  #markContent(marks: BitSet, { content, subtree }: TreeNode): void {
    for (const id of content ?? []) this.#mark(marks, 'data', id);
    if (subtree !== undefined) this.#mark(marks, 'tree', subtree);
  }

  #mark(marks: BitSet, type: 'data' | 'tree', id: string): boolean {
    const entry = this.#index.find(id, type);
    return entry >= 0 && marks.add(entry);
  }
}

/** Both lists in one order, entries of the same name side by side. */
function* pairNodes(left: readonly TreeNode[], right: readonly TreeNode[]): Generator<[TreeNode | undefined, TreeNode | undefined]> {
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    const [old, now] = [left[i], right[j]];
    const order = old === undefined ? 1 : now === undefined ? -1 : compareNames(old.name, now.name);
    yield [order <= 0 ? old : undefined, order >= 0 ? now : undefined];
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
  }
}

function sameContent(a: TreeNode, b: TreeNode): boolean {
  const [left, right] = [a.content ?? [], b.content ?? []];
  return left.length === right.length && left.every((id, at) => id === right[at]);
}

function noTotals(): DiffTotals {
  return { files: 0, folders: 0, others: 0, dataBlobs: 0, treeBlobs: 0, bytes: 0 };
}
