/**
 * Every entry of a restore in shared memory: 80 bytes, its name, and 16 bytes a blob, instead of some kilobyte of objects. The thread that
 * plans fills it, the threads that restore read it and set flags.
 */
import { decodePath, encodePath, hasEscapedBytes } from '../../util/path-bytes.ts';
import { nodeTypes, stMode, type NodeType, type TreeNode } from '../tree/node.ts';
import { nanosecondsOf, secondsOf } from './entry-time.ts';
import { ByteArena } from './byte-arena.ts';
import { encodeAttributes } from './entry-attributes.ts';

/** Bits of an entry's flags. */
export const entryFlag = {
  /** A regular file or folder is there already, and is made into this one. */
  exists: 1,
  /** Something else is there and has to go first. */
  replaces: 2,
  /** The overwrite rule leaves what is there. */
  skipped: 4,
  /** The content is right already. */
  sameContent: 8,
  /** Another name for the file in `link`. */
  hardLink: 16,
  /** Its folder was there before: an ACL or a group may be inherited from it. */
  inherits: 32,
  /** Something was written, or may have been. */
  touched: 64,
  done: 128,
  /** A blob is missing or wrong. */
  damaged: 256,
  /** Could not be written; a problem was told. */
  failed: 512,
} as const;

/** The parent of what lies directly in the target; also "none" elsewhere. */
export const noEntry = 0xffff_ffff;

const stride = 20;
const mostEntries = 2 ** 26;
const mostContents = 2 ** 28;
const escapedName = 1 << 20;

// Words of an entry; size, mtime and atime are float64.
const parentAt = 0;
const nameAt = 1;
const kindAt = 2;
const modeAt = 3;
const uidAt = 4;
const gidAt = 5;
const sizeAt = 6;
const mtimeAt = 8;
const atimeAt = 10;
const mtimeNsAt = 12;
const atimeNsAt = 13;
const flagsAt = 14;
const attributesAt = 15;
/** First of its contents; a link's target; a hard link's first entry; low half of a device. */
const whatAt = 16;
/** Number of contents; length of a link's target; high half of a device. */
const whatCountAt = 17;
const remainingAt = 18;

export interface SharedEntryTable {
  readonly entries: SharedArrayBuffer;
  readonly names: SharedArrayBuffer;
  readonly blobs: SharedArrayBuffer;
  readonly files: SharedArrayBuffer;
  readonly offsets: SharedArrayBuffer;
  /** 0: entries, 1: contents. */
  readonly control: SharedArrayBuffer;
}

export class EntryTable {
  readonly shared: SharedEntryTable;
  /** Contents in the order of the files: the blob's entry in the index, the file it belongs to (`noEntry` where it need not be written), its offset there. */
  readonly blobs: Uint32Array;
  readonly files: Uint32Array;
  readonly offsets: Float64Array;
  readonly #control: Int32Array;
  readonly #words: Uint32Array;
  readonly #flags: Int32Array;
  readonly #floats: Float64Array;
  readonly #names: ByteArena;
  #lastAttributes: { key: string; at: number } = { key: '', at: 0 };

  /** @param complete nothing will be added any more: views that need not follow a growing memory are several times as fast */
  constructor(shared: SharedEntryTable, complete = false) {
    this.shared = shared;
    this.#control = new Int32Array(shared.control);
    const [entries, contents] = complete ? [this.count, this.contentCount] : [undefined, undefined];
    const words = entries === undefined ? undefined : entries * stride;
    this.#words = new Uint32Array(shared.entries, 0, words);
    this.#flags = new Int32Array(shared.entries, 0, words);
    this.#floats = new Float64Array(shared.entries, 0, words === undefined ? undefined : words / 2);
    this.#names = new ByteArena(shared.names);
    this.blobs = new Uint32Array(shared.blobs, 0, contents);
    this.files = new Uint32Array(shared.files, 0, contents);
    this.offsets = new Float64Array(shared.offsets, 0, contents);
  }

  static create(): EntryTable {
    const grown = (most: number): SharedArrayBuffer => new SharedArrayBuffer(65536, { maxByteLength: most });
    return new EntryTable({
      entries: grown(mostEntries * stride * 4),
      names: grown(2 ** 32 - 65536),
      blobs: grown(mostContents * 4),
      files: grown(mostContents * 4),
      offsets: grown(mostContents * 8),
      control: new SharedArrayBuffer(8),
    });
  }

  get count(): number {
    return this.#control[0] ?? 0;
  }

  get contentCount(): number {
    return this.#control[1] ?? 0;
  }

  /** Adds an entry without content. Throws a RangeError where the table is full. */
  add(parent: number, node: TreeNode, flags: number): number {
    const entry = this.count;
    if (entry >= mostEntries) throw new RangeError(`there are more than ${mostEntries} entries`);
    reserve(this.shared.entries, (entry + 1) * stride * 4);
    const at = entry * stride;
    const words = this.#words;
    const escaped = hasEscapedBytes(node.name);
    words[at + parentAt] = parent;
    const name = escaped ? this.#names.add(encodePath(node.name)) : this.#names.addText(node.name);
    words[at + nameAt] = name;
    words[at + kindAt] = (this.#names.used - name) | (nodeTypes.indexOf(node.type) << 16) | (escaped ? escapedName : 0);
    words[at + modeAt] = stMode(node.mode, node.type);
    words[at + uidAt] = node.uid;
    words[at + gidAt] = node.gid;
    this.#setFloat(at + sizeAt, node.type === 'file' ? node.size : 0);
    this.#setFloat(at + mtimeAt, secondsOf(node.mtime));
    this.#setFloat(at + atimeAt, secondsOf(node.atime));
    words[at + mtimeNsAt] = nanosecondsOf(node.mtime);
    words[at + atimeNsAt] = nanosecondsOf(node.atime);
    words[at + flagsAt] = flags;
    if (node.extendedAttributes !== undefined) words[at + attributesAt] = this.#addAttributes(node.extendedAttributes);
    if (node.type === 'symlink') this.setText(entry, node.linktarget ?? '');
    if (node.device !== undefined) this.#setPair(entry, Number(BigInt(node.device) & 0xffff_ffffn), Number(BigInt(node.device) >> 32n));
    this.#control[0] = entry + 1;
    return entry;
  }

  /** Adds a file's blobs, by their entries in the index; `sizeOf` tells a blob's size. */
  addContents(entry: number, blobs: readonly number[], sizeOf: (blob: number) => number): void {
    const first = this.contentCount;
    const end = first + blobs.length;
    if (end > mostContents) throw new RangeError(`there are more than ${mostContents} blobs`);
    reserve(this.shared.blobs, end * 4);
    reserve(this.shared.files, end * 4);
    reserve(this.shared.offsets, end * 8);
    let offset = 0;
    let content = first;
    for (const blob of blobs) {
      this.blobs[content] = blob;
      this.files[content] = entry;
      this.offsets[content] = offset;
      offset += sizeOf(blob);
      content += 1;
    }
    this.#setPair(entry, first, blobs.length);
    this.#control[1] = end;
  }

  /** Makes an entry a further name of an earlier one. */
  setLink(entry: number, first: number): void {
    this.#setPair(entry, first, 0);
    this.setFlag(entry, entryFlag.hardLink);
  }

  setText(entry: number, text: string): void {
    const bytes = encodePath(text);
    this.#setPair(entry, this.#names.add(bytes), bytes.length);
  }

  parentOf(entry: number): number {
    return this.#words[entry * stride + parentAt] ?? noEntry;
  }

  typeOf(entry: number): NodeType {
    return nodeTypes[((this.#words[entry * stride + kindAt] ?? 0) >>> 16) & 15] ?? 'irregular';
  }

  nameOf(entry: number): string {
    const kind = this.#words[entry * stride + kindAt] ?? 0;
    const at = this.#words[entry * stride + nameAt] ?? 0;
    return (kind & escapedName) !== 0 ? decodePath(this.#names.bytes(at, kind & 0xffff)) : this.#names.text(at, kind & 0xffff);
  }

  /** st_mode with its type bits. */
  modeOf(entry: number): number {
    return this.#words[entry * stride + modeAt] ?? 0;
  }

  uidOf(entry: number): number {
    return this.#words[entry * stride + uidAt] ?? 0;
  }

  gidOf(entry: number): number {
    return this.#words[entry * stride + gidAt] ?? 0;
  }

  sizeOf(entry: number): number {
    return this.#floats[(entry * stride + sizeAt) >> 1] ?? 0;
  }

  mtimeNsOf(entry: number): bigint {
    return this.#time(entry * stride + mtimeAt, entry * stride + mtimeNsAt);
  }

  atimeNsOf(entry: number): bigint {
    return this.#time(entry * stride + atimeAt, entry * stride + atimeNsAt);
  }

  /** Where the extended attributes lie (`decodeAttributes`), or undefined where there are none. */
  attributesOf(entry: number): Uint8Array | undefined {
    const at = this.#words[entry * stride + attributesAt] ?? 0;
    return at === 0 ? undefined : this.#names.sized(at);
  }

  /** The first content of a file, and how many there are. */
  firstContentOf(entry: number): number {
    return this.#words[entry * stride + whatAt] ?? 0;
  }

  contentCountOf(entry: number): number {
    return this.#words[entry * stride + whatCountAt] ?? 0;
  }

  linkOf(entry: number): number {
    return this.firstContentOf(entry);
  }

  linkTargetOf(entry: number): string {
    return decodePath(this.#names.bytes(this.firstContentOf(entry), this.contentCountOf(entry)));
  }

  deviceOf(entry: number): bigint {
    return BigInt(this.firstContentOf(entry)) | (BigInt(this.contentCountOf(entry)) << 32n);
  }

  flagsOf(entry: number): number {
    return Atomics.load(this.#flags, entry * stride + flagsAt);
  }

  hasFlag(entry: number, flags: number): boolean {
    return (this.flagsOf(entry) & flags) !== 0;
  }

  /** Sets flags and returns those that were set before, in one step for all threads. */
  setFlag(entry: number, flags: number): number {
    return Atomics.or(this.#flags, entry * stride + flagsAt, flags);
  }

  clearFlag(entry: number, flags: number): void {
    Atomics.and(this.#flags, entry * stride + flagsAt, ~flags);
  }

  /** How many contents are still to be written. */
  setRemaining(entry: number, count: number): void {
    this.#words[entry * stride + remainingAt] = count;
  }

  /** One content more is written: what remains. */
  countDown(entry: number): number {
    return Atomics.sub(this.#flags, entry * stride + remainingAt, 1) - 1;
  }

  #time(secondAt: number, nsAt: number): bigint {
    return BigInt(this.#floats[secondAt >> 1] ?? 0) * 1_000_000_000n + BigInt(this.#words[nsAt] ?? 0);
  }

  #setFloat(at: number, value: number): void {
    this.#floats[at >> 1] = value;
  }

  #setPair(entry: number, first: number, second: number): void {
    this.#words[entry * stride + whatAt] = first;
    this.#words[entry * stride + whatCountAt] = second;
  }

  /** Neighbours often have the same attributes (a security label): those are kept once. */
  #addAttributes(attributes: NonNullable<TreeNode['extendedAttributes']>): number {
    const bytes = encodeAttributes(attributes);
    const key = bytes.toString('latin1');
    if (key !== this.#lastAttributes.key) this.#lastAttributes = { key, at: this.#names.addSized(bytes) };
    return this.#lastAttributes.at;
  }
}

function reserve(buffer: SharedArrayBuffer, needed: number): void {
  if (buffer.byteLength >= needed) return;
  buffer.grow(Math.min(buffer.maxByteLength, Math.max(needed, Math.ceil((buffer.byteLength * 1.5) / 65536) * 65536)));
}
