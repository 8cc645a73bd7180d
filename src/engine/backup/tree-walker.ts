/**
 * Walks folders and files, synchronously: at a hundred thousand files a promise each would cost more than the file. Whatever cannot
 * be read is reported and left out; the walk goes on.
 */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import type { TreeCapture } from '../../sources/source.ts';
import { decodePath, fsPath } from '../../util/path-bytes.ts';
import { platformCalls, type PlatformCalls, type Xattr } from '../platform/platform-calls.ts';
import { cacheTagRule, namesKeptByTags, parseTagRule } from '../select/cache-dir.ts';
import { combineSelectors, compilePatterns } from '../select/pattern.ts';
import { compareNames } from '../tree/compare-names.ts';
import { formatTime, goMode, nodeTypeOf, parseTime, toUint64, type TreeNode } from '../tree/node.ts';
import type { ContentChunker } from './content-chunker.ts';
import { readFileContent } from './file-reader.ts';
import { PendingFolder, type FolderQueue } from './folder-queue.ts';
import { OwnerNames } from './owner-names.ts';
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
  /** Whether the repository still has a data blob. */
  hasBlob(id: string): boolean;
  report(path: string, reason: string): void;
  notice(message: string): void;
}

export class TreeWalker {
  readonly #tools: WalkTools;
  readonly #owners = new OwnerNames();
  readonly #platform: PlatformCalls = platformCalls();
  readonly #isExcluded: ((path: string) => boolean) | undefined;
  readonly #tagRules;
  readonly #largest: bigint | undefined;
  readonly #oneFileSystem: boolean;
  readonly #roots: RootTree | 'whole';

  constructor(capture: TreeCapture, tools: WalkTools) {
    const { select } = capture;
    this.#tools = tools;
    this.#roots = rootTree(capture.roots);
    const exclude = select.exclude ?? [];
    const excludeInsensitive = select.excludeInsensitive ?? [];
    if (exclude.length + excludeInsensitive.length > 0) {
      const selector = combineSelectors([compilePatterns(exclude), compilePatterns(excludeInsensitive, { insensitive: true })]);
      this.#isExcluded = (path) => selector.excluded(path);
    }
    this.#tagRules = [...(select.excludeCaches ? [cacheTagRule] : []), ...(select.excludeIfPresent ?? []).map(parseTagRule)];
    this.#largest = select.excludeLargerThan === undefined ? undefined : BigInt(select.excludeLargerThan);
    this.#oneFileSystem = select.oneFileSystem ?? false;
    for (const limit of this.#platform.limits) tools.notice(limit);
  }

  /** Walks everything. `onRoot` takes the id of the snapshot's tree, once all is stored. */
  walk(parentTree: string | undefined, onRoot: (tree: string) => void): void {
    const root = new PendingFolder(onRoot);
    const previous = parentTree === undefined ? undefined : this.#tools.parents.read(parentTree);
    if (this.#roots === 'whole') this.#walkEntries('', root, previous, this.#stat('/')?.dev ?? 0n);
    else this.#walkRoots('', this.#roots, root, previous);
    this.#tools.folders.close(root);
  }

  /** The folders above what is backed up: they are there with their modes and owners, but hold only what leads on. */
  #walkRoots(path: string, roots: RootTree, folder: PendingFolder, previous: TreeNode[] | undefined): void {
    for (const name of [...roots.keys()].sort(compareNames)) {
      const below = roots.get(name) ?? 'whole';
      const at = `${path}/${name}`;
      const before = previous?.find((node) => node.name === name);
      const stats = this.#stat(at);
      if (stats === undefined) continue;
      if (below === 'whole') this.#addEntry(at, name, stats, folder, before, stats.dev, this.#xattrs(at));
      else {
        // A link on the way is followed, as the user's path did.
        const target = stats.isSymbolicLink() ? (this.#statTarget(at) ?? stats) : stats;
        this.#addFolder(name, target, folder, before, this.#xattrs(at), (inner, entries) => this.#walkRoots(at, below, inner, entries));
      }
    }
  }

  #walkEntries(path: string, folder: PendingFolder, previous: TreeNode[] | undefined, device: bigint): void {
    const names = this.#list(path);
    const xattrsOf = this.#platform.slowXattrs ? this.#readXattrsTogether(path, names) : undefined;
    let before = 0;
    for (const name of names) {
      const at = `${path}/${name}`;
      if (this.#isExcluded?.(at)) continue;
      const stats = this.#stat(at);
      if (stats === undefined) continue;
      if (this.#largest !== undefined && stats.isFile() && stats.size > this.#largest) continue;
      while (previous !== undefined && before < previous.length && compareNames(previous[before]?.name ?? '', name) < 0) before += 1;
      const candidate = previous?.[before];
      this.#addEntry(at, name, stats, folder, candidate?.name === name ? candidate : undefined, device, xattrsOf?.get(name));
    }
  }

  #addEntry(
    path: string,
    name: string,
    stats: BigIntStats,
    folder: PendingFolder,
    before: TreeNode | undefined,
    device: bigint,
    xattrs: Xattr[] | undefined,
  ): void {
    if (stats.isFile()) this.#addFile(path, name, stats, folder, before, xattrs);
    else if (stats.isDirectory()) {
      this.#addFolder(name, stats, folder, before, xattrs ?? this.#xattrs(path), (inner, entries) => {
        // Another file system's mount point stays as an empty folder, so that there is something to mount on after a restore.
        if (!this.#oneFileSystem || stats.dev === device) this.#walkEntries(path, inner, entries, device);
      });
    } else this.#addSpecial(path, name, stats, folder, xattrs);
  }

  #addFolder(
    name: string,
    stats: BigIntStats,
    folder: PendingFolder,
    before: TreeNode | undefined,
    xattrs: Xattr[],
    fill: (inner: PendingFolder, previous: TreeNode[] | undefined) => void,
  ): void {
    const { statistics, parents, folders, counters } = this.#tools;
    const previousTree = before?.type === 'dir' ? before.subtree : undefined;
    const place = folder.reserve();
    const node = this.#node(name, stats, xattrs);
    const inner = new PendingFolder((tree) => {
      if (previousTree === undefined) statistics.dirsNew += 1;
      else if (previousTree === tree) statistics.dirsUnmodified += 1;
      else statistics.dirsChanged += 1;
      place.fill({ ...node, subtree: tree });
    });
    counters[counter.folders] = (counters[counter.folders] ?? 0) + 1;
    fill(inner, previousTree === undefined ? undefined : parents.read(previousTree));
    folders.close(inner);
  }

  #addFile(
    path: string,
    name: string,
    stats: BigIntStats,
    folder: PendingFolder,
    before: TreeNode | undefined,
    knownXattrs: Xattr[] | undefined,
  ): void {
    const { statistics, counters, folders, chunker } = this.#tools;
    const content = before?.type === 'file' ? before.content : undefined;
    if (before && content && isUnchanged(stats, before) && content.every((id) => this.#tools.hasBlob(id))) {
      statistics.filesUnmodified += 1;
      folder.add({ ...this.#node(name, stats, knownXattrs ?? this.#xattrs(path)), size: before.size, content });
      this.#count(before.size);
    } else {
      let size = 0;
      let xattrs = knownXattrs;
      // The node is made of what was known before the first byte was read: if the file changes after, the next backup sees it.
      const file = folder.addFile((blobs) => ({ ...this.#node(name, stats, xattrs ?? []), size, content: blobs }));
      const result = readFileContent(
        path,
        stats,
        chunker,
        file,
        (bytes) => this.#countBytes(bytes),
        (fd) => (xattrs ??= this.#xattrs(path, fd)),
      );
      size = result.size;
      if (result.problem !== undefined) this.#tools.report(path, result.problem);
      if (result.stored) {
        file.close();
        if (before?.type === 'file') statistics.filesChanged += 1;
        else statistics.filesNew += 1;
        counters[counter.files] = (counters[counter.files] ?? 0) + 1;
      } else folder.dropLast();
      statistics.bytes += size;
    }
    folders.writeReady();
  }

  #addSpecial(path: string, name: string, stats: BigIntStats, folder: PendingFolder, knownXattrs: Xattr[] | undefined): void {
    const type = nodeTypeOf(Number(stats.mode));
    if (type === 'irregular') return this.#tools.report(path, 'it is neither file, folder, link, device nor pipe');
    const node = this.#node(name, stats, knownXattrs ?? this.#xattrs(path));
    if (type !== 'symlink') return folder.add(node);
    try {
      folder.add({ ...node, linktarget: decodePath(readlinkSync(fsPath(path), 'buffer')) });
    } catch (error) {
      this.#tools.report(path, reasonOf(error));
    }
  }

  /** What a node says of any kind of entry. */
  #node(name: string, stats: BigIntStats, xattrs: Xattr[]): TreeNode {
    const mode = Number(stats.mode);
    const type = nodeTypeOf(mode);
    const uid = Number(stats.uid);
    const gid = Number(stats.gid);
    const mtime = formatTime(stats.mtimeNs);
    const hardLinked = type !== 'dir' && stats.nlink > 1n;
    const isDevice = type === 'dev' || type === 'chardev';
    return {
      name,
      type,
      mode: goMode(mode),
      mtime,
      // As restic: the time of the last access changes with every backup, and with it every tree.
      atime: this.#tools.withAtime ? formatTime(stats.atimeNs) : mtime,
      ctime: formatTime(stats.ctimeNs),
      uid,
      gid,
      ...this.#owners.of(uid, gid),
      inode: toUint64(stats.ino),
      // Only needed to tell hard links apart; without it a move to another disk does not change every tree.
      deviceId: hardLinked ? toUint64(stats.dev) : 0,
      size: 0,
      links: type === 'file' || type === 'symlink' || isDevice ? toUint64(stats.nlink) : 0,
      ...(isDevice ? { device: toUint64(stats.rdev) } : {}),
      ...(xattrs.length > 0 ? { extendedAttributes: xattrs } : {}),
    };
  }

  /** Names in the order of their bytes, after what tag files leave. A folder that cannot be read is kept, empty, and reported. */
  #list(path: string): string[] {
    const folder = path === '' ? '/' : path;
    try {
      let names = readdirSync(fsPath(folder), 'utf8').sort();
      // U+FFFD stands for bytes that are not UTF-8; and JavaScript's order is that of bytes only below the surrogates.
      if (names.some((name) => /[\uD800-\uFFFF]/.test(name))) {
        names = readdirSync(fsPath(folder), 'buffer').map(decodePath).sort(compareNames);
      }
      if (this.#tagRules.length === 0) return names;
      const kept = namesKeptByTags(folder, this.#tagRules, (at, reason) => this.#tools.report(at, reason));
      return kept === undefined ? names : names.filter((name) => kept.includes(name));
    } catch (error) {
      this.#tools.report(folder, reasonOf(error));
      return [];
    }
  }

  #stat(path: string): BigIntStats | undefined {
    try {
      return lstatSync(fsPath(path), { bigint: true });
    } catch (error) {
      this.#tools.report(path, reasonOf(error));
      return undefined;
    }
  }

  #statTarget(path: string): BigIntStats | undefined {
    return this.#stat(`${path}/.`);
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

  #count(bytes: number): void {
    const { counters, statistics } = this.#tools;
    counters[counter.files] = (counters[counter.files] ?? 0) + 1;
    statistics.bytes += bytes;
    this.#countBytes(bytes);
  }

  #countBytes(bytes: number): void {
    const { counters } = this.#tools;
    counters[counter.bytes] = (counters[counter.bytes] ?? 0) + bytes;
  }
}

/** As restic decides: size, time of change of content and of metadata, and inode are what they were. */
function isUnchanged(stats: BigIntStats, before: TreeNode): boolean {
  return (
    Number(stats.size) === before.size &&
    formatTime(stats.mtimeNs) === utc(before.mtime) &&
    formatTime(stats.ctimeNs) === utc(before.ctime) &&
    toUint64(stats.ino) === before.inode
  );
}

/** restic writes local time; ours is UTC already. */
function utc(time: string): string {
  return time.endsWith('Z') ? time : formatTime(parseTime(time));
}
