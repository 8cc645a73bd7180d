/** Stores the streams of a source as files below virtual folders. */
import { HoldfastError } from '../../errors.ts';
import { currentUser } from '../../util/current-user.ts';
import { compareNames } from '../tree/compare-names.ts';
import { formatTime, goMode, type TreeNode } from '../tree/node.ts';
import type { ContentChunker } from './content-chunker.ts';
import { PendingFolder, type FolderQueue } from './folder-queue.ts';
import type { Mailbox, StreamMessage } from './mailbox.ts';
import { counter } from './shared-state.ts';
import type { Statistics } from './thread-start.ts';

interface StreamFile {
  readonly node: TreeNode;
  readonly blobs: readonly string[];
}

type StreamFolder = Map<string, StreamFolder | StreamFile>;

const fileType = 0o100000;
const folderType = 0o040000;

export class StreamCollector {
  readonly #mailbox: Mailbox;
  readonly #chunker: ContentChunker;
  readonly #counters: Float64Array;
  readonly #statistics: Statistics;
  readonly #owner = currentUser();
  readonly #root: StreamFolder = new Map();

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
      this.#addStream(message);
    }
  }

  /** Writes the folders, once every blob has its hash. */
  writeFolders(folders: FolderQueue, time: bigint, onRoot: (tree: string) => void): void {
    folders.close(this.#assemble(this.#root, folders, time, onRoot));
  }

  #addStream(entry: StreamMessage & { type: 'entry' }): void {
    const names = entry.path.split('/').filter((name) => name !== '');
    const name = names.pop();
    if (name === undefined || [...names, name].some((part) => part === '.' || part === '..'))
      throw new HoldfastError('internal', { reason: `a stream has the path "${entry.path}"` });
    const folder = this.#folderOf(names, entry.path);
    if (folder.has(name)) throw new HoldfastError('internal', { reason: `two streams have the path "${entry.path}"` });
    const blobs: string[] = [];
    const reader = new ChunkReader(this.#mailbox, this.#chunker.bytes);
    const size = this.#chunker.addLarge({ expect: () => {}, add: (hash) => blobs.push(hash) }, reader.read, (bytes) => {
      this.#counters[counter.bytes] = (this.#counters[counter.bytes] ?? 0) + bytes;
    });
    this.#counters[counter.files] = (this.#counters[counter.files] ?? 0) + 1;
    this.#statistics.filesNew += 1;
    this.#statistics.bytes += size;
    folder.set(name, { node: { ...this.#node(name, fileType | entry.mode, entry.modified), size, links: 1 }, blobs });
  }

  #folderOf(names: readonly string[], path: string): StreamFolder {
    let folder = this.#root;
    for (const name of names) {
      const known = folder.get(name);
      if (known !== undefined && !(known instanceof Map))
        throw new HoldfastError('internal', { reason: `a stream has the path "${path}", and another is where its folder should be` });
      const next: StreamFolder = known ?? new Map();
      folder.set(name, next);
      folder = next;
    }
    return folder;
  }

  #assemble(content: StreamFolder, folders: FolderQueue, time: bigint, onWritten: (tree: string) => void): PendingFolder {
    const folder = new PendingFolder(onWritten);
    for (const [name, item] of [...content].sort(([a], [b]) => compareNames(a, b))) {
      if (!(item instanceof Map)) {
        folder.add({ ...item.node, content: item.blobs });
        continue;
      }
      const place = folder.reserve();
      this.#statistics.dirsNew += 1;
      folders.close(
        this.#assemble(item, folders, time, (tree) => place.fill({ ...this.#node(name, folderType | 0o755, time), subtree: tree })),
      );
    }
    return folder;
  }

  #node(name: string, mode: number, modified: bigint): TreeNode {
    const time = formatTime(modified);
    const { uid, gid, username } = this.#owner;
    const type = (mode & fileType) === fileType ? 'file' : 'dir';
    return {
      name,
      type,
      mode: goMode(mode),
      mtime: time,
      atime: time,
      ctime: time,
      uid,
      gid,
      user: username,
      inode: 0,
      deviceId: 0,
      size: 0,
      links: 0,
    };
  }
}

/** Reads one stream from the mailbox, as a file is read. */
class ChunkReader {
  readonly #mailbox: Mailbox;
  readonly #target: Uint8Array;
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(mailbox: Mailbox, target: Uint8Array) {
    this.#mailbox = mailbox;
    this.#target = target;
  }

  readonly read = (address: number, most: number): number => {
    while (this.#chunk.length === 0 && !this.#ended) {
      const message = this.#mailbox.nextOfStream();
      if (message.type === 'chunk') this.#chunk = message.bytes;
      else this.#ended = true;
    }
    const length = Math.min(most, this.#chunk.length);
    this.#target.set(this.#chunk.subarray(0, length), address);
    this.#chunk = this.#chunk.subarray(length);
    return length;
  };
}
