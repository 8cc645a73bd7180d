/** Stores the streams of a source as files below virtual folders, and the folders and links that it describes. */
import { HoldfastError } from '../../errors.ts';
import { currentUser } from '../../util/current-user.ts';
import { compareNames } from '../tree/compare-names.ts';
import { formatTime, goMode, type TreeNode } from '../tree/node.ts';
import type { ContentChunker } from './content-chunker.ts';
import { PendingFolder, type FolderQueue } from './folder-queue.ts';
import type { Mailbox, StreamDescription } from './mailbox.ts';
import { counter, leastChunk } from './shared-state.ts';
import type { Statistics } from './thread-start.ts';

/** A file or a link. */
interface StreamLeaf {
  readonly node: TreeNode;
  /** Hashes in order; absent of a link. */
  readonly blobs?: readonly string[];
}

interface StreamFolder {
  readonly items: Map<string, StreamFolder | StreamLeaf>;
  /** Once an entry has described it. */
  description?: StreamDescription;
}

const kinds = {
  file: { type: 'file', bits: 0o100000, mode: 0o600 },
  folder: { type: 'dir', bits: 0o040000, mode: 0o755 },
  link: { type: 'symlink', bits: 0o120000, mode: 0o777 },
} as const;
const modeMask = 0o7777;

export class StreamCollector {
  readonly #mailbox: Mailbox;
  readonly #chunker: ContentChunker;
  readonly #counters: Float64Array;
  readonly #statistics: Statistics;
  readonly #user = currentUser();
  readonly #root: StreamFolder = { items: new Map() };

  constructor(mailbox: Mailbox, chunker: ContentChunker, counters: Float64Array, statistics: Statistics) {
    this.#mailbox = mailbox;
    this.#chunker = chunker;
    this.#counters = counters;
    this.#statistics = statistics;
  }

  /** Takes in every stream until the source has no more. */
  collect(): void {
    for (let message = this.#mailbox.nextOfStream(); message.type !== 'end'; message = this.#mailbox.nextOfStream()) {
      if (message.type !== 'entry') throw new HoldfastError('internal', { reason: `a stream began with ${message.type}` });
      this.#addEntry(message);
    }
  }

  /** Writes the folders, once every blob has its hash. */
  writeFolders(folders: FolderQueue, time: bigint, onRoot: (tree: string) => void): void {
    folders.close(this.#assemble(this.#root, folders, time, onRoot));
  }

  #addEntry(entry: StreamDescription): void {
    const names = entry.path.split('/').filter((name) => name !== '');
    const name = names.at(-1);
    if (name === undefined || names.some((part) => part === '.' || part === '..' || part.includes('\0')))
      throw new HoldfastError('internal', { reason: `a stream has the path "${entry.path}"` });
    if (entry.kind === 'folder') {
      const folder = this.#folderOf(names, entry.path);
      if (folder.description !== undefined) throw new HoldfastError('internal', { reason: `two streams have the path "${entry.path}"` });
      folder.description = entry;
      return;
    }
    const { items } = this.#folderOf(names.slice(0, -1), entry.path);
    if (items.has(name)) throw new HoldfastError('internal', { reason: `two streams have the path "${entry.path}"` });
    items.set(name, entry.kind === 'link' ? { node: this.#linkNode(name, entry) } : this.#readFile(name, entry));
  }

  #readFile(name: string, entry: StreamDescription): StreamLeaf {
    const blobs: string[] = [];
    const reader = new ChunkReader(this.#mailbox, this.#chunker.bytes);
    const size = this.#readContent(entry, blobs, reader);
    this.#counters[counter.files] = (this.#counters[counter.files] ?? 0) + 1;
    this.#statistics.filesNew += 1;
    this.#statistics.bytes += size;
    return { node: { ...this.#node(name, entry), size, links: 1 }, blobs };
  }

  #readContent({ chunks, size = Infinity }: StreamDescription, blobs: string[], reader: ChunkReader): number {
    const owner = { expect: () => {}, add: (hash: string) => blobs.push(hash) };
    const progress = (bytes: number): void => {
      this.#counters[counter.bytes] = (this.#counters[counter.bytes] ?? 0) + bytes;
    };
    if (chunks === 'fixed') return this.#chunker.addFixed(owner, reader.read, progress);
    if (size > leastChunk) return this.#chunker.addLarge(owner, reader.read, progress);
    const small = this.#chunker.addSmall(owner, size, reader.read);
    progress(small);
    // The size was only a hint.
    return reader.hasEnded() ? small : small + this.#chunker.addLarge(owner, reader.read, progress);
  }

  #linkNode(name: string, entry: StreamDescription): TreeNode {
    const { linkTarget = '' } = entry;
    if (linkTarget === '' || linkTarget.includes('\0'))
      throw new HoldfastError('internal', { reason: `the link "${entry.path}" has the target ${JSON.stringify(linkTarget)}` });
    return { ...this.#node(name, entry), links: 1, linktarget: linkTarget };
  }

  #folderOf(names: readonly string[], path: string): StreamFolder {
    let folder = this.#root;
    for (const name of names) {
      const next: StreamFolder | StreamLeaf = folder.items.get(name) ?? { items: new Map() };
      if (!('items' in next))
        throw new HoldfastError('internal', { reason: `a stream has the path "${path}", and another is where its folder should be` });
      folder.items.set(name, next);
      folder = next;
    }
    return folder;
  }

  #assemble(content: StreamFolder, folders: FolderQueue, time: bigint, onWritten: (tree: string) => void): PendingFolder {
    const folder = new PendingFolder(onWritten);
    for (const [name, item] of [...content.items].sort(([a], [b]) => compareNames(a, b))) {
      if (!('items' in item)) {
        folder.add(item.blobs === undefined ? item.node : { ...item.node, content: item.blobs });
        continue;
      }
      const place = folder.reserve();
      const description = item.description ?? { kind: 'folder', mode: undefined, modified: time };
      this.#statistics.dirsNew += 1;
      folders.close(this.#assemble(item, folders, time, (tree) => place.fill({ ...this.#node(name, description), subtree: tree })));
    }
    return folder;
  }

  #node(name: string, entry: Pick<StreamDescription, 'kind' | 'mode' | 'modified' | 'owner'>): TreeNode {
    const time = formatTime(entry.modified);
    const { type, bits, mode: usual } = kinds[entry.kind];
    const { uid, gid, user, group } = entry.owner ?? { ...this.#user, user: this.#user.username };
    return {
      name,
      type,
      mode: goMode(bits | ((entry.mode ?? usual) & modeMask)),
      mtime: time,
      atime: time,
      ctime: time,
      uid,
      gid,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      inode: 0,
      deviceId: 0,
      size: 0,
      links: 0,
    };
  }
}

const nothing = new Uint8Array(0);

/** Reads one stream from the mailbox, as a file is read. */
class ChunkReader {
  readonly #mailbox: Mailbox;
  readonly #target: Uint8Array;
  #chunk: Uint8Array = nothing;
  #ended = false;

  constructor(mailbox: Mailbox, target: Uint8Array) {
    this.#mailbox = mailbox;
    this.#target = target;
  }

  /** Whether there is nothing more to read; waits for what comes next. */
  hasEnded(): boolean {
    while (this.#chunk.length === 0 && !this.#ended) {
      const message = this.#mailbox.nextOfStream();
      if (message.type === 'chunk') this.#chunk = message.bytes;
      else this.#ended = true;
    }
    return this.#ended;
  }

  readonly read = (address: number, most: number): number => {
    if (this.hasEnded()) return 0;
    const length = Math.min(most, this.#chunk.length);
    this.#target.set(this.#chunk.subarray(0, length), address);
    const isSpent = length === this.#chunk.length;
    const { buffer } = this.#chunk;
    this.#chunk = isSpent ? nothing : this.#chunk.subarray(length);
    // It came whole from the main thread, and garbage of this size piles up faster than it is collected.
    if (isSpent && buffer instanceof ArrayBuffer) buffer.transfer(0);
    return length;
  };
}
