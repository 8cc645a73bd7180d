/**
 * Walks folders and files, synchronously: at a hundred thousand files a promise each would cost more than the file. Whatever cannot
 * be read is reported and left out; the walk goes on.
 */
import { readlinkSync } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import type { TreeCapture } from '../../sources/source.ts';
import { decodePath, fsPath } from '../../util/path-bytes.ts';
import type { EntryStats } from '../platform/entry-stats.ts';
import { platformCalls, type PlatformCalls, type Xattr } from '../platform/platform-calls.ts';
import { compareNames } from '../tree/compare-names.ts';
import { goMode, nodeTypeOf, type NodeType, type TreeNode, type Uint64 } from '../tree/node.ts';
import { formatFileTime, hasContent, isSameInode, isUnchanged } from './compare-with-parent.ts';
import type { ContentChunker } from './content-chunker.ts';
import { EntrySelection } from './entry-selection.ts';
import { readFileContent } from './file-reader.ts';
import { PendingFolder, type FolderQueue } from './folder-queue.ts';
import { OwnerNames } from './owner-names.ts';
import type { ParentEntry } from './parent-folder.ts';
import type { ParentTrees } from './parent-trees.ts';
import { rootTree, type RootTree } from './root-paths.ts';
import { counter } from './shared-state.ts';
import type { Statistics } from './thread-start.ts';

export interface WalkTools {
  readonly chunker: ContentChunker;
  readonly folders: FolderQueue;
  readonly parents: ParentTrees;
  readonly statistics: Statistics;
  readonly counters: Float64Array;
  readonly withAtime: boolean;
  /** Whether what is unchanged may be written again as the parent has it. */
  readonly reuseEntries: boolean;
  /** Whether the repository still has a data blob. */
  hasBlob(id: string): boolean;
  report(path: string, reason: string): void;
  notice(message: string): void;
  /** Throws BackupAborted when another thread has failed or the run was interrupted. */
  assertRunning(): void;
}

/** After so many files the C library is asked to give back what all threads have freed; by itself it keeps half of all they ever took. */
const filesATrim = 8192;

/** One entry of a folder, with what the parent snapshot says of it. */
interface Found {
  readonly path: string;
  readonly name: string;
  readonly stats: EntryStats;
  readonly type: NodeType;
  readonly before: ParentEntry | undefined;
  /** Where they had to be read for the whole folder at once. */
  readonly xattrs: Xattr[] | undefined;
}

export class TreeWalker {
  readonly #tools: WalkTools;
  readonly #owners = new OwnerNames();
  readonly #platform: PlatformCalls = platformCalls();
  readonly #selection: EntrySelection;
  #sinceTrim = 0;
  readonly #oneFileSystem: boolean;
  readonly #roots: RootTree | 'whole';

  constructor(capture: TreeCapture, tools: WalkTools) {
    const { select } = capture;
    this.#tools = tools;
    this.#roots = rootTree(capture.roots);
    this.#selection = new EntrySelection(select, (path, reason) => tools.report(path, reason));
    this.#oneFileSystem = select.oneFileSystem ?? false;
    for (const limit of this.#platform.limits) tools.notice(limit);
  }

  /** False where files may have attributes that cannot be read here. */
  get seesAttributes(): boolean {
    return this.#platform.readsXattrs;
  }

  /** Walks everything. `onRoot` takes the id of the snapshot's tree, once all is stored. */
  walk(parentTree: string | undefined, onRoot: (tree: string) => void): void {
    const previous = parentTree === undefined ? undefined : this.#tools.parents.read(parentTree);
    const root = new PendingFolder(onRoot, previous);
    if (this.#roots === 'whole') this.#walkEntries('', root, this.#stat('/')?.device ?? 0);
    else this.#walkRoots('', this.#roots, root);
    this.#tools.folders.close(root);
  }

  /** The folders above what is backed up: they are there with their modes and owners, but hold only what leads on. */
  #walkRoots(path: string, roots: RootTree, folder: PendingFolder): void {
    for (const name of [...roots.keys()].sort(compareNames)) {
      const below = roots.get(name) ?? 'whole';
      const at = `${path}/${name}`;
      const before = folder.previous?.entries.find((entry) => entry.name === name);
      const stats = this.#stat(at);
      if (stats === undefined) continue;
      if (below === 'whole')
        this.#addEntry({ path: at, name, stats, type: nodeTypeOf(stats.mode), before, xattrs: undefined }, folder, stats.device);
      else {
        // A link on the way is followed, as the user's path did.
        const target = nodeTypeOf(stats.mode) === 'symlink' ? this.#stat(`${at}/.`) : stats;
        if (target === undefined) continue;
        if (nodeTypeOf(target.mode) !== 'dir') this.#tools.report(at, 'it is not a folder');
        else
          this.#addFolder({ path: at, name, stats: target, type: 'dir', before, xattrs: undefined }, folder, (inner) =>
            this.#walkRoots(at, below, inner),
          );
      }
    }
  }

  #walkEntries(path: string, folder: PendingFolder, device: Uint64): void {
    const names = this.#selection.list(path);
    const xattrsOf = this.#platform.slowXattrs ? this.#readXattrsTogether(path, names) : undefined;
    const previous = folder.previous?.entries ?? [];
    let next = 0;
    for (const name of names) {
      this.#tools.assertRunning();
      const at = `${path}/${name}`;
      if (this.#selection.isExcluded(at)) continue;
      const stats = this.#stat(at);
      if (stats === undefined) continue;
      const type = nodeTypeOf(stats.mode);
      if (type === 'file' && this.#selection.isTooLarge(stats.size)) continue;
      while (next < previous.length && compareNames(previous[next]?.name ?? '', name) < 0) next += 1;
      const before = previous[next]?.name === name ? previous[next] : undefined;
      this.#addEntry({ path: at, name, stats, type, before, xattrs: xattrsOf?.get(name) }, folder, device);
    }
  }

  #addEntry(found: Found, folder: PendingFolder, device: Uint64): void {
    const { path, stats, type } = found;
    if (type === 'file') this.#addFile(found, folder);
    else if (type === 'dir') {
      this.#addFolder(found, folder, (inner) => {
        // Another file system's mount point stays as an empty folder, so that there is something to mount on after a restore.
        if (!this.#oneFileSystem || stats.device === device) this.#walkEntries(path, inner, device);
      });
    } else this.#addSpecial(found, folder);
  }

  #addFolder(found: Found, folder: PendingFolder, fill: (inner: PendingFolder) => void): void {
    const { statistics, parents, folders, counters } = this.#tools;
    const { before } = found;
    const previousTree = before?.type === 'dir' ? before.subtree : undefined;
    const unchanged = this.#hasSameMetadata(found) ? before : undefined;
    const place = folder.reserve();
    const node = unchanged ? undefined : this.#node(found);
    const onWritten = (tree: string): void => {
      if (previousTree === undefined) statistics.dirsNew += 1;
      else if (previousTree === tree) statistics.dirsUnmodified += 1;
      else statistics.dirsChanged += 1;
      if (unchanged && tree === previousTree) place.reuse(unchanged);
      else place.fill({ ...(node ?? this.#node(found)), subtree: tree });
    };
    counters[counter.folders] = (counters[counter.folders] ?? 0) + 1;
    const inner = new PendingFolder(onWritten, previousTree === undefined ? undefined : parents.read(previousTree));
    fill(inner);
    folders.close(inner);
  }

  #addFile(found: Found, folder: PendingFolder): void {
    const { statistics, folders } = this.#tools;
    const { before, stats } = found;
    if (
      before?.type === 'file' &&
      isUnchanged(stats, before) &&
      hasContent(before) &&
      before.content.every((id) => this.#tools.hasBlob(id))
    ) {
      statistics.filesUnmodified += 1;
      statistics.bytes += before.size;
      this.#count(1, before.size);
      if (this.#tools.reuseEntries) folder.reuse(before);
      else folder.add({ ...this.#node(found), size: before.size, content: before.content });
    } else this.#readFile(found, folder);
    folders.writeReady();
  }

  #readFile(found: Found, folder: PendingFolder): void {
    const { statistics, chunker } = this.#tools;
    const { path, stats, before } = found;
    let size = 0;
    let xattrs = found.xattrs;
    // The node is made of what was known before the first byte was read: if the file changes after, the next backup sees it.
    const file = folder.addFile((blobs) => ({ ...this.#node({ ...found, xattrs: xattrs ?? [] }), size, content: blobs }));
    const result = readFileContent(
      path,
      stats,
      chunker,
      file,
      (bytes) => this.#count(0, bytes),
      (fd) => (xattrs ??= this.#xattrs(path, fd)),
    );
    size = result.size;
    statistics.bytes += size;
    if (result.problem !== undefined) this.#tools.report(path, result.problem);
    if (!result.stored) return folder.dropLast();
    file.close();
    if (before?.type === 'file') statistics.filesChanged += 1;
    else statistics.filesNew += 1;
    this.#count(1, 0);
  }

  #addSpecial(found: Found, folder: PendingFolder): void {
    const { path, type, before } = found;
    if (type === 'irregular') return this.#tools.report(path, 'it is neither file, folder, link, device nor pipe');
    if (before && this.#hasSameMetadata(found)) return folder.reuse(before);
    if (type !== 'symlink') return folder.add(this.#node(found));
    try {
      folder.add({ ...this.#node(found), linktarget: decodePath(readlinkSync(fsPath(path), 'buffer')) });
    } catch (error) {
      this.#tools.report(path, reasonOf(error));
    }
  }

  /**
   * Whether the parent's entry can be written again as it is. The time of the last change of an inode covers its mode, owner, links
   * and extended attributes; so nothing of it needs to be read. Times of last access are not covered.
   */
  #hasSameMetadata({ stats, type, before }: Found): boolean {
    return before !== undefined && this.#tools.reuseEntries && before.type === type && isSameInode(stats, before);
  }

  /** What a node says of any kind of entry. */
  #node({ path, name, stats, type, xattrs = this.#xattrs(path) }: Found): TreeNode {
    const { uid, gid } = stats;
    const mtime = formatFileTime(stats.mtime);
    const isDevice = type === 'dev' || type === 'chardev';
    return {
      name,
      type,
      mode: goMode(stats.mode),
      mtime,
      // As restic: the time of the last access changes with every backup, and with it every tree.
      atime: this.#tools.withAtime ? formatFileTime(stats.atime) : mtime,
      ctime: formatFileTime(stats.ctime),
      uid,
      gid,
      ...this.#owners.of(uid, gid),
      inode: stats.inode,
      // Only needed to tell hard links apart; without it a move to another disk does not change every tree.
      deviceId: type !== 'dir' && stats.links > 1 ? stats.device : 0,
      size: 0,
      links: type === 'file' || type === 'symlink' || isDevice ? stats.links : 0,
      ...(isDevice ? { device: stats.specialDevice } : {}),
      ...(xattrs.length > 0 ? { extendedAttributes: xattrs } : {}),
    };
  }

  #stat(path: string): EntryStats | undefined {
    try {
      return this.#platform.statEntry(path);
    } catch (error) {
      this.#tools.report(path, reasonOf(error));
      return undefined;
    }
  }

  #xattrs(path: string, fd?: number): Xattr[] {
    try {
      return this.#platform.readXattrs(fd ?? path);
    } catch (error) {
      this.#tools.report(path, `its extended attributes cannot be read: ${reasonOf(error)}`);
      return [];
    }
  }

  #readXattrsTogether(path: string, names: readonly string[]): Map<string, Xattr[]> {
    const lists = this.#platform.readXattrsOfMany(names.map((name) => `${path}/${name}`));
    return new Map(names.map((name, at) => [name, lists[at] ?? []]));
  }

  #count(files: number, bytes: number): void {
    const { counters } = this.#tools;
    this.#sinceTrim += files;
    if (this.#sinceTrim >= filesATrim) {
      this.#sinceTrim = 0;
      this.#platform.returnFreedMemory();
    }
    counters[counter.files] = (counters[counter.files] ?? 0) + files;
    counters[counter.bytes] = (counters[counter.bytes] ?? 0) + bytes;
  }
}
