/** Reads the trees of a snapshot one after the other: straight from the packs where those are files of this machine, ahead of need where they are not. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { BlobIndex } from '../index/blob-index.ts';
import { keyOf } from '../layout.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { mostPlainBytes, type Repository } from '../repository.ts';
import { decodeTree } from '../tree/decode-tree.ts';
import type { TreeNode } from '../tree/node.ts';

const mostOpenPacks = 8;
const mostAhead = 32;

export class TreeReader {
  readonly #repository: Repository;
  readonly #index: BlobIndex;
  readonly #opener: BlobOpener;
  readonly #packs = new Map<number, number>();
  readonly #ahead = new Map<string, Promise<Buffer>>();

  constructor(repository: Repository, index: BlobIndex) {
    this.#repository = repository;
    this.#index = index;
    this.#opener = new BlobOpener(repository.masterKey);
  }

  /** The entries of a tree. Throws `blob-missing`, `damaged` or `hostile`. */
  async read(id: string): Promise<TreeNode[]> {
    const object = `tree ${id.slice(0, 8)} in ${this.#repository.location}`;
    const bytes = this.#readLocal(id) ?? (await (this.#ahead.get(id) ?? this.#repository.readBlob('tree', id)));
    this.#ahead.delete(id);
    return decodeTree(bytes, object);
  }

  /** Begins to fetch trees that will soon be asked for. */
  prefetch(nodes: readonly TreeNode[]): void {
    if (this.#repository.storage.local !== undefined) return;
    for (const { subtree } of nodes) {
      if (this.#ahead.size >= mostAhead) return;
      if (subtree === undefined || this.#ahead.has(subtree)) continue;
      const bytes = this.#repository.readBlob('tree', subtree);
      bytes.catch(() => {}); // told to whoever asks for it
      this.#ahead.set(subtree, bytes);
    }
  }

  close(): void {
    for (const fd of this.#packs.values()) closeSync(fd);
    this.#packs.clear();
  }

  /** Undefined where it cannot be read this way; the slower way then says why, or finds another copy. */
  #readLocal(id: string): Uint8Array | undefined {
    const entry = this.#index.find(id, 'tree');
    if (entry < 0) return undefined;
    const length = this.#index.lengthOf(entry);
    if (length > mostPlainBytes || this.#index.contentLengthOf(entry) > mostPlainBytes) return undefined;
    try {
      const fd = this.#open(this.#index.packOf(entry));
      if (fd === undefined) return undefined;
      const input = this.#opener.input(length);
      if (readSync(fd, input, 0, length, this.#index.offsetOf(entry)) !== length) return undefined;
      return this.#opener.open(id, 0, length, this.#index.uncompressedLengthOf(entry));
    } catch {
      return undefined;
    }
  }

  #open(pack: number): number | undefined {
    const known = this.#packs.get(pack);
    if (known !== undefined) return known;
    const path = this.#repository.storage.local?.path(keyOf('pack', this.#index.packs[pack] ?? ''));
    if (path === undefined) return undefined;
    const fd = openSync(path, 'r');
    this.#packs.set(pack, fd);
    for (const [oldest, oldFd] of this.#packs) {
      if (this.#packs.size <= mostOpenPacks) break;
      closeSync(oldFd);
      this.#packs.delete(oldest);
    }
    return fd;
  }
}
