/** Makes the entries of a synthetic full: files as they are in the last snapshot, or combined of several. */
import { HoldfastError } from '../../../errors.ts';
import type { CapturedEntry, EntryOwner, StreamEntry } from '../../source.ts';
import { combineIncrements, type FileVersions } from '../pages/combine-increments.ts';
import { PageHasher } from '../pages/page-hasher.ts';
import type { PageMapWriter } from '../pages/page-map.ts';
import type { PagedFile } from '../pages/page-stream.ts';
import { isCutIntoPages, isRelationFile, pathOfIncremental } from '../pages/relation-file.ts';
import { labelName, largestLabel, unmarkLabel } from './backup-label.ts';
import { baseLayout, nameInCluster, pathInSnapshot } from './base-layout.ts';
import { startChecksum } from './checksum.ts';
import type { ManifestFile, ServerManifest } from './server-manifest.ts';
import type { SnapshotInChain } from './synthetic-full.ts';

export class SyntheticFiles {
  readonly #earlier: readonly SnapshotInChain[];
  readonly #last: SnapshotInChain;
  readonly #listed: ServerManifest;
  readonly #map: PageMapWriter | undefined;
  /** Of the earlier snapshots, in their order: sizes by path, of the files that increments build on. */
  readonly #sizes: Map<string, number>[] = [];
  /** The manifest's files as they are in the full, in the order in which they were made. */
  readonly #made = new Map<string, ManifestFile>();
  owner: EntryOwner | undefined;
  /** Streamed so far. */
  bytes = 0;

  /** With a map, the pages of relation files are hashed into it, and files that the server made increments of get a new line in the manifest. */
  constructor(earlier: readonly SnapshotInChain[], last: SnapshotInChain, listed: ServerManifest, map: PageMapWriter | undefined) {
    this.#earlier = earlier;
    this.#last = last;
    this.#listed = listed;
    this.#map = map;
  }

  /** Looks up what the last snapshot's increments build on. */
  async prepare(): Promise<void> {
    const wanted = new Set<string>();
    for await (const { path } of this.#last.tree.list(baseLayout.root)) {
      const plain = plainPath(path);
      if (plain !== undefined) wanted.add(path).add(plain);
    }
    for (const { tree } of this.#earlier) {
      const sizes = new Map<string, number>();
      for await (const { path, size } of tree.list(baseLayout.root)) if (wanted.has(path)) sizes.set(path, size);
      this.#sizes.push(sizes);
    }
  }

  entryOf(entry: CapturedEntry): StreamEntry {
    const { path, type, mode, modified, owner, linkTarget } = entry;
    const common = { path, type, mode, modified, owner };
    if (type !== 'file') return { ...common, ...(linkTarget === undefined ? {} : { linkTarget }), open: nothing };
    const listedAs = nameInCluster(path);
    const plain = plainPath(path);
    if (listedAs === undefined) return { ...common, size: entry.size, open: () => this.#last.tree.read(path) };
    this.owner ??= owner;
    const line = this.#listed.files.get(listedAs);
    const name = nameInCluster(plain ?? path) ?? listedAs;
    if (plain !== undefined) {
      const versions = this.#versionsOf(entry, plain, name);
      return { ...common, path: plain, chunks: 'fixed', open: () => this.#checked(name, combineIncrements(versions), line) };
    }
    if (line !== undefined && name === labelName && this.#map !== undefined) return { ...common, open: () => this.#label(path, line) };
    if (line !== undefined) this.#made.set(name, line);
    const chunks = isRelationFile(name) ? ({ chunks: 'fixed' } as const) : {};
    const content = (): AsyncIterable<Uint8Array> =>
      isCutIntoPages(name, entry.size, this.#last.manifest.pageSize)
        ? this.#hashed(name, this.#last.tree.read(path))
        : this.#last.tree.read(path);
    return { ...common, ...chunks, size: entry.size, open: () => this.#counted(content()) };
  }

  /** After the last entry: all files of the manifest, in its order. Throws `base-mismatch` where one was missing. */
  finish(): Map<string, ManifestFile> {
    const files = new Map<string, ManifestFile>();
    for (const listedAs of this.#listed.files.keys()) {
      const name = pathOfIncremental(listedAs) ?? listedAs;
      const made = this.#made.get(name);
      if (made === undefined)
        throw new HoldfastError('base-mismatch', { path: this.#last.snapshotId.slice(0, 8), reason: `${name} is missing` });
      files.set(name, made);
    }
    return files;
  }

  /** From the last back to where the file is whole. Throws `damaged` where it is nowhere. */
  #versionsOf({ path, size }: CapturedEntry, plain: string, name: string): FileVersions {
    const { pageSize } = this.#last.manifest;
    const fileIn = ({ tree }: SnapshotInChain, at: string, bytes: number): PagedFile => ({
      name,
      size: bytes,
      pageSize,
      content: tree.read(at),
    });
    const increments = [fileIn(this.#last, path, size)];
    for (const [at, snapshot] of [...this.#earlier.entries()].toReversed()) {
      const whole = this.#sizes[at]?.get(plain);
      if (whole !== undefined) return { increments, whole: fileIn(snapshot, plain, whole) };
      const increment = this.#sizes[at]?.get(path);
      if (increment === undefined) break;
      increments.push(fileIn(snapshot, path, increment));
    }
    throw new HoldfastError('damaged', { object: name, reason: 'what its increment builds on is missing' });
  }

  /** The server's manifest lists the combined file, or the increment that it made of it. */
  async *#checked(
    name: string,
    content: AsyncIterable<Uint8Array>,
    incrementLine: ManifestFile | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const line = this.#listed.files.get(name);
    const algorithm = this.#map === undefined ? (line?.algorithm ?? 'NONE') : 'SHA256';
    const checksum = startChecksum(algorithm);
    let size = 0;
    for await (const piece of this.#hashed(name, content)) {
      checksum.update(piece);
      size += piece.length;
      this.bytes += piece.length;
      yield piece;
    }
    const found = checksum.digest();
    if (this.#map === undefined && (line?.size !== size || line.checksum !== found))
      throw new HoldfastError('base-mismatch', { path: this.#last.snapshotId.slice(0, 8), reason: `${name} is not what the server sent` });
    this.#made.set(name, { size, algorithm, checksum: found, modified: incrementLine?.modified });
  }

  async *#hashed(name: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#map === undefined) {
      yield* content;
      return;
    }
    const hasher = new PageHasher(this.#last.manifest.pageSize, 0);
    for await (const piece of content) {
      hasher.push(piece);
      yield piece;
    }
    this.#map.add(name, hasher.hashes);
  }

  async *#counted(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of content) {
      this.bytes += piece.length;
      yield piece;
    }
  }

  async *#label(path: string, line: ManifestFile): AsyncGenerator<Uint8Array, void, undefined> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.#last.tree.read(path)) {
      size += piece.length;
      if (size > largestLabel) throw new HoldfastError('damaged', { object: labelName, reason: 'it is far too large' });
      pieces.push(Uint8Array.from(piece));
    }
    const label = unmarkLabel(Buffer.concat(pieces));
    const checksum = startChecksum('SHA256');
    checksum.update(label);
    this.#made.set(labelName, { ...line, size: label.length, algorithm: 'SHA256', checksum: checksum.digest() });
    yield label;
  }
}

/** In the snapshot: of an incremental file the path of the file it belongs to. */
function plainPath(path: string): string | undefined {
  const name = nameInCluster(path);
  const plain = name === undefined ? undefined : pathOfIncremental(name);
  return plain === undefined ? undefined : pathInSnapshot(plain);
}

function nothing(): AsyncIterable<Uint8Array> {
  throw new HoldfastError('internal', { reason: 'a folder or a link was opened' });
}
