/** Walks a snapshot's trees once, without recursion, and enters what is to be restored into the table. */
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { comparePaths, decodePath, fsPath } from '../../util/path-bytes.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { mostPlainBytes } from '../repository.ts';
import type { TreeNode } from '../tree/node.ts';
import type { EntryFilter } from './entry-filter.ts';
import { entryFlag, noEntry, type EntryTable } from './entry-table.ts';
import { inspectExisting } from './existing-entry.ts';
import type { RestoreRequest } from './restore-request.ts';
import type { TreeReader } from './tree-reader.ts';

/** Deeper than any path the system takes (4096 bytes). */
const deepest = 2048;
const treesPerTurn = 32;

/** A folder under way. Those that only lead to something selected get their entry when that is met. */
interface Frame {
  readonly parent: Frame | undefined;
  /** Undefined for the root. */
  readonly node: TreeNode | undefined;
  /** From the snapshot's root on, with a slash at the end. */
  readonly location: string;
  readonly nodes: readonly TreeNode[];
  next: number;
  entry: number | undefined;
  /** The folder is in the target already. */
  exists: boolean;
  /** Some of its names are not known, so nothing in it may be deleted. */
  incomplete: boolean;
}

export interface TreeWalkOptions {
  readonly target: string;
  readonly targetExists: boolean;
  readonly request: RestoreRequest;
  readonly filter: EntryFilter | undefined;
  readonly signal: AbortSignal;
}

export class TreeWalk {
  /** Absolute paths. */
  readonly deletions: string[] = [];
  /** Entry to reason. */
  readonly damage = new Map<number, string>();
  /** Existing files whose content has to be compared. */
  readonly toCompare: number[] = [];
  readonly #trees: TreeReader;
  readonly #index: BlobIndex;
  readonly #table: EntryTable;
  readonly #options: TreeWalkOptions;
  readonly #links = new Map<string, { readonly entry: number; readonly content: string }>();

  constructor(trees: TreeReader, index: BlobIndex, table: EntryTable, options: TreeWalkOptions) {
    this.#trees = trees;
    this.#index = index;
    this.#table = table;
    this.#options = options;
  }

  async run(rootNodes: readonly TreeNode[]): Promise<void> {
    const root: Frame = {
      parent: undefined,
      node: undefined,
      location: '/',
      nodes: rootNodes,
      next: 0,
      entry: undefined,
      exists: this.#options.targetExists,
      incomplete: false,
    };
    const stack = [root];
    let trees = 0;
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const node = frame.nodes[frame.next];
      if (node === undefined) {
        this.#leave(frame);
        stack.pop();
        continue;
      }
      frame.next += 1;
      const path = frame.location + node.name;
      const verdict = this.#options.filter?.(path);
      if (verdict?.selected !== false) this.#enter(frame, node, path);
      if (node.type !== 'dir' || verdict?.childMayMatch === false) continue;
      const child = await this.#open(frame, node, path, verdict?.selected !== false);
      if (stack.length >= deepest)
        throw new HoldfastError('hostile', { path: `${path.slice(0, 200)}…`, reason: `its folders are more than ${deepest} deep` });
      stack.push(child);
      if (++trees % treesPerTurn === 0) await setImmediate();
      if (this.#options.signal.aborted) throw new HoldfastError('interrupted');
    }
  }

  /** The last entry made for a folder is the folder itself, when it was selected. */
  async #open(parent: Frame, node: TreeNode, path: string, selected: boolean): Promise<Frame> {
    const entry = selected ? this.#table.count - 1 : undefined;
    const frame: Frame = {
      parent,
      node,
      location: `${path}/`,
      nodes: [],
      next: 0,
      entry,
      exists: entry !== undefined && this.#table.hasFlag(entry, entryFlag.exists),
      incomplete: false,
    };
    try {
      const nodes = await this.#trees.read(node.subtree ?? '');
      this.#trees.prefetch(nodes);
      return { ...frame, nodes };
    } catch (error) {
      if (
        error instanceof HoldfastError &&
        (error.code === 'damaged' || error.code === 'blob-missing' || error.code === 'storage-missing' || error.code === 'storage-short')
      ) {
        frame.incomplete = true;
        this.damage.set(this.#entryOf(frame), `its content cannot be read: ${reasonOf(error)}`);
        return frame;
      }
      throw error;
    }
  }

  #enter(frame: Frame, node: TreeNode, path: string): void {
    const parent = this.#entryOf(frame);
    const flags = frame.exists ? inspectExisting(this.#onDisk(path), node, this.#options.request.overwrite ?? 'always') : 0;
    const entry = this.#add(parent, node, flags);
    if (node.type === 'file' && (flags & entryFlag.skipped) === 0) this.#addFile(entry, node, flags);
  }

  #addFile(entry: number, node: TreeNode, flags: number): void {
    if (node.links > 1 && this.#addLink(entry, node)) return;
    const blobs: number[] = [];
    let size = 0;
    for (const id of node.content ?? []) {
      const blob = this.#index.find(id, 'data');
      if (blob < 0) return this.#refuse(entry, `blob ${id} is in no index`);
      if (
        this.#index.lengthOf(blob) < 32 ||
        this.#index.lengthOf(blob) > mostPlainBytes ||
        this.#index.contentLengthOf(blob) > mostPlainBytes
      )
        return this.#refuse(entry, `blob ${id} has an impossible size`);
      blobs.push(blob);
      size += this.#index.contentLengthOf(blob);
    }
    if (size !== node.size) return this.#refuse(entry, `its size is said to be ${node.size} bytes, and its content has ${size}`);
    this.#table.addContents(entry, blobs, (blob) => this.#index.contentLengthOf(blob));
    if ((flags & entryFlag.exists) !== 0 && (flags & entryFlag.sameContent) === 0) this.toCompare.push(entry);
  }

  /** True when this is a further name of a file that is already there. Names whose contents differ are different files, whatever their inode says. */
  #addLink(entry: number, node: TreeNode): boolean {
    const key = `${node.deviceId}:${node.inode}`;
    const content = node.content?.length === 1 ? (node.content[0] ?? '') : (node.content ?? []).join('');
    const first = this.#links.get(key);
    if (first === undefined) this.#links.set(key, { entry, content });
    else if (first.content === content) this.#table.setLink(entry, first.entry);
    return first !== undefined && first.content === content;
  }

  #refuse(entry: number, reason: string): void {
    this.damage.set(entry, reason);
    this.#table.setFlag(entry, entryFlag.damaged);
  }

  #entryOf(frame: Frame): number {
    if (frame.parent === undefined || frame.node === undefined) return noEntry;
    if (frame.entry !== undefined) return frame.entry;
    const parent = this.#entryOf(frame.parent);
    const flags = frame.parent.exists ? inspectExisting(this.#onDisk(frame.location.slice(0, -1)), frame.node, 'always') : 0;
    frame.exists = (flags & entryFlag.exists) !== 0;
    frame.entry = this.#add(parent, frame.node, flags);
    return frame.entry;
  }

  #add(parent: number, node: TreeNode, flags: number): number {
    try {
      return this.#table.add(parent, node, flags);
    } catch (error) {
      if (error instanceof RangeError)
        throw new HoldfastError(
          'hostile',
          { path: this.#options.target, reason: `the snapshot is larger than any real one: ${reasonOf(error)}` },
          error,
        );
      throw error;
    }
  }

  #leave(frame: Frame): void {
    const touched = frame.parent === undefined ? this.#table.count > 0 : frame.entry !== undefined;
    if (this.#options.request.delete !== true || !frame.exists || frame.incomplete || !touched) return;
    const kept = new Set(frame.nodes.map(({ name }) => name));
    const folder = this.#onDisk(frame.location);
    const names = readdirSync(fsPath(folder), { encoding: 'buffer' }).map(decodePath);
    for (const name of names.sort(comparePaths)) {
      if (!kept.has(name) && this.#options.filter?.(frame.location + name).selected !== false)
        this.deletions.push(this.#onDisk(frame.location + name));
    }
  }

  #onDisk(location: string): string {
    return this.#options.target === '/' ? location : this.#options.target + location;
  }
}
