/**
 * Folders whose contents are still being stored. A folder's tree can be written when every file in it has all its hashes and every
 * folder in it is written; since folders are closed from the inside out, it is enough to look at the oldest.
 */
import { releaseBuffer } from '../../util/release-buffer.ts';
import { encodeNode, joinTree } from '../tree/encode-tree.ts';
import type { TreeNode } from '../tree/node.ts';
import { FileContent } from './file-content.ts';
import type { ParentEntry, ParentFolder } from './parent-folder.ts';

/** Where an entry goes that is not known yet. */
export interface ReservedPlace {
  fill(node: TreeNode): void;
  /** It turned out to be what the parent has. */
  reuse(entry: ParentEntry): void;
}

export class PendingFolder {
  /** Entries as JSON, in the order of their names; undefined while one is not known yet. */
  entries: (string | undefined)[] = [];
  readonly onWritten: (tree: string) => void;
  readonly previous: ParentFolder | undefined;
  pending = 0;
  #reused = 0;

  /**
   * @param onWritten takes the id of the folder's tree.
   * @param previous the same folder in the parent snapshot.
   */
  constructor(onWritten: (tree: string) => void, previous?: ParentFolder) {
    this.onWritten = onWritten;
    this.previous = previous;
  }

  /** The parent's tree, when this folder has exactly its entries: then it need not be made again. */
  get unchangedTree(): string | undefined {
    const { previous } = this;
    return previous && this.#reused === previous.entries.length && this.entries.length === this.#reused ? previous.tree : undefined;
  }

  /** An entry as the parent has it. */
  reuse(entry: ParentEntry): void {
    this.entries.push(entry.text);
    this.#reused += 1;
  }

  /** An entry that is complete. */
  add(node: TreeNode): void {
    this.entries.push(encodeNode(node));
  }

  /** Holds a place for an entry; `fill` puts it there. */
  reserve(): ReservedPlace {
    const place = this.entries.push(undefined) - 1;
    this.pending += 1;
    return {
      fill: (node) => {
        this.entries[place] = encodeNode(node);
        this.pending -= 1;
      },
      reuse: (entry) => {
        this.entries[place] = entry.text;
        this.#reused += 1;
        this.pending -= 1;
      },
    };
  }

  /** Takes back the entry that was reserved last: its file could not be read. */
  dropLast(): void {
    this.entries.pop();
    this.pending -= 1;
  }

  /** A file whose blobs are being stored. `nodeOf` makes its node when they are. */
  addFile(nodeOf: (content: readonly string[]) => TreeNode): FileContent {
    const place = this.reserve();
    const content: FileContent = new FileContent(() => place.fill(nodeOf(content.blobs)));
    return content;
  }
}

export class FolderQueue {
  readonly #write: (json: Buffer) => string;
  #closed: PendingFolder[] = [];
  #head = 0;

  /** @param write stores a tree and returns its id. */
  constructor(write: (json: Buffer) => string) {
    this.#write = write;
  }

  /** No more entries will come to this folder. Its subfolders were closed before. */
  close(folder: PendingFolder): void {
    this.#closed.push(folder);
    this.writeReady();
  }

  #writeTree(folder: PendingFolder): string {
    const json = joinTree(folder.entries.map((entry) => entry ?? ''));
    const tree = this.#write(json);
    releaseBuffer(json);
    return tree;
  }

  /** Writes the trees that can be written. */
  writeReady(): void {
    for (let folder = this.#closed[this.#head]; folder?.pending === 0; folder = this.#closed[this.#head]) {
      this.#head += 1;
      const tree = folder.unchangedTree ?? this.#writeTree(folder);
      // Let go before the folder itself is: its parent may stay open for a long time.
      folder.entries = [];
      folder.onWritten(tree);
      if (this.#head > 256) {
        this.#closed = this.#closed.slice(this.#head);
        this.#head = 0;
      }
    }
  }
}
