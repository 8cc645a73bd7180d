/**
 * Which blobs a repository holds, and where: an open-addressing table in shared memory, so that every thread sees one truth and
 * no hash crosses a thread. 48 bytes an entry and 6 to 11 of slots; nothing is an object.
 *
 * An entry is 12 words: the id (8), pack number with the type in its top bit, offset, length, plain length. A slot holds an
 * entry's number plus one. Slots come in levels, each twice the last, because threads insert while the table grows; a look-up
 * goes through them from the newest. Two threads that claim one blob in the instant of growth may both win: the blob is then
 * stored twice, which the format allows.
 */
import { randomInt } from 'node:crypto';
import type { BlobType } from '../pack/pack-header.ts';
import {
  allocateIndex,
  bytesPerEntry,
  fillEntry,
  growEntries,
  mostEntries,
  treeBit,
  viewEntries,
  viewSlots,
  wordsPerEntry,
  type SharedBlobIndex,
} from './index-memory.ts';

/** The pack of a blob that was claimed in this run and whose place is not known yet. */
const pendingPack = 0x7fff_ffff;
const fullness = 0.7;

// Words of the control block.
const controlCount = 0;
const controlLevel = 1;
const controlBase = 2;
const controlSalt = 3;
const controlLevelCount = 4;

/** Where one blob lies. */
export interface BlobPlace {
  readonly pack: string;
  readonly type: BlobType;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export class BlobIndex {
  readonly shared: SharedBlobIndex;
  /** Pack ids by number. Only the thread that loaded the index knows them. */
  readonly packs: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  #treePacks: Set<number> | undefined;
  readonly #control: Int32Array;
  /* Of a fixed length, made anew when the memory has grown: one that follows the length of its memory is twenty times as slow to read. */
  #entries: Uint32Array;
  #slots: Int32Array;
  readonly #salt: number;
  readonly #probe = Buffer.alloc(32);
  readonly #probeWords = new Uint32Array(this.#probe.buffer, this.#probe.byteOffset, 8);

  /** @param salt given once, by whoever makes the shared memory. */
  constructor(shared: SharedBlobIndex, salt?: number) {
    this.shared = shared;
    this.#control = new Int32Array(shared.control);
    if (salt !== undefined) this.#control[controlSalt] = salt;
    this.#salt = this.#control[controlSalt] ?? 0;
    this.#entries = viewEntries(shared);
    this.#slots = viewSlots(shared);
  }

  /** A new index with room for `expected` blobs in its first level. */
  static create(expected = 0): BlobIndex {
    const base = 2 ** Math.max(14, Math.ceil(Math.log2((Math.min(expected, mostEntries) + 1) / fullness)));
    const index = new BlobIndex(allocateIndex(65536, base * 4), randomInt(2 ** 31));
    index.#control[controlBase] = base;
    return index;
  }

  /** Entries, copies of one blob in several packs counted apart. */
  get size(): number {
    return Atomics.load(this.#control, controlCount);
  }

  /** Gives a pack the number that `nextPackNumber` of a thread drew for it. */
  namePack(number: number, id: string): void {
    this.packs[number] = id;
    this.#packNumbers.set(id, number);
  }

  /** The number of a pack, given at the first mention. */
  packNumber(id: string): number {
    const known = this.#packNumbers.get(id);
    if (known !== undefined) return known;
    this.packs.push(id);
    this.#packNumbers.set(id, this.packs.length - 1);
    return this.packs.length - 1;
  }

  /** Whether a pack holds trees. Looks through all entries when it is first asked. */
  holdsTrees(pack: string): boolean {
    this.#treePacks ??= findTreePacks(this);
    const number = this.#packNumbers.get(pack);
    return number !== undefined && this.#treePacks.has(number);
  }

  /** Adds a blob's place; a blob may have several. `id` is its 32 bytes as words. */
  add(id: Uint32Array, type: BlobType, pack: number, offset: number, length: number, uncompressedLength: number): void {
    const entry = this.#append(id, type, pack, offset, length, uncompressedLength);
    this.#insert(id, 0, entry);
  }

  /** Adds whole entries, as `fillEntry` writes them: many at once take a fraction of the time. */
  addAll(block: Uint32Array): void {
    const count = block.length / wordsPerEntry;
    const first = Atomics.add(this.#control, controlCount, count);
    growEntries(this.shared, (first + count) * bytesPerEntry);
    this.#entriesTo(first + count - 1).set(block, first * wordsPerEntry);
    for (let number = 0; number < count; number += 1) this.#insert(block, number * wordsPerEntry, first + number);
  }

  /** Notes where a blob that was claimed is being stored. Only its claimer calls this. */
  settle(entry: number, pack: number, offset: number, length: number, uncompressedLength: number): void {
    const at = entry * wordsPerEntry + 8;
    const entries = this.#entriesTo(entry);
    entries[at] = ((((entries[at] ?? 0) & treeBit) >>> 0) | pack) >>> 0;
    entries[at + 1] = offset;
    entries[at + 2] = length;
    entries[at + 3] = uncompressedLength;
  }

  /** Enters a blob as being stored by the caller: its entry for exactly one caller when it was not there, else -1. */
  claim(id: Uint32Array, type: BlobType): number {
    if (this.#find(id, type) >= 0) return -1;
    const entry = this.#append(id, type, pendingPack, 0, 0, 0);
    return this.#insertIfAbsent(id, type, entry) ? entry : -1;
  }

  /** The entry of a blob, or -1. */
  find(id: string, type: BlobType): number {
    this.#probe.write(id, 'hex');
    return this.#find(this.#probeWords, type);
  }

  /** The entry that `find` gives for the blob of another entry: one that stands for all its copies. */
  findSame(entry: number): number {
    return this.#find(this.#entriesTo(entry), this.typeOf(entry), entry * wordsPerEntry);
  }

  has(id: string, type: BlobType): boolean {
    return this.find(id, type) >= 0;
  }

  /** Every entry of a blob, best known first. */
  findAll(id: string, type: BlobType): number[] {
    this.#probe.write(id, 'hex');
    const found: number[] = [];
    this.#search(this.#probeWords, type, (entry) => found.push(entry) < 0);
    return found;
  }

  place(entry: number): BlobPlace {
    return {
      pack: this.packs[this.packOf(entry)] ?? '',
      type: this.typeOf(entry),
      offset: this.offsetOf(entry),
      length: this.lengthOf(entry),
      uncompressedLength: this.uncompressedLengthOf(entry),
    };
  }

  idOf(entry: number): string {
    const at = entry * bytesPerEntry;
    return Buffer.from(this.shared.entries, at, 32).toString('hex');
  }

  typeOf(entry: number): BlobType {
    return ((this.#entriesTo(entry)[entry * wordsPerEntry + 8] ?? 0) & treeBit) !== 0 ? 'tree' : 'data';
  }

  packOf(entry: number): number {
    return (this.#entriesTo(entry)[entry * wordsPerEntry + 8] ?? 0) & ~treeBit;
  }

  offsetOf(entry: number): number {
    return this.#entriesTo(entry)[entry * wordsPerEntry + 9] ?? 0;
  }

  lengthOf(entry: number): number {
    return this.#entriesTo(entry)[entry * wordsPerEntry + 10] ?? 0;
  }

  uncompressedLengthOf(entry: number): number {
    return this.#entriesTo(entry)[entry * wordsPerEntry + 11] ?? 0;
  }

  /** Size of the blob's content. */
  contentLengthOf(entry: number): number {
    return this.uncompressedLengthOf(entry) || this.lengthOf(entry) - 32;
  }

  /** Where a look-up begins. Keyed with a random word, so that nobody can forge ids that all begin at one place. */
  #hash(words: Uint32Array, at = 0): number {
    let mixed = this.#salt;
    for (let word = at; word < at + 8; word++) mixed = Math.imul(mixed ^ (words[word] ?? 0), 0x9e37_79b1) ^ (mixed >>> 15);
    return mixed ^ (mixed >>> 13);
  }

  #append(id: Uint32Array, type: BlobType, pack: number, offset: number, length: number, uncompressedLength: number): number {
    const entry = Atomics.add(this.#control, controlCount, 1);
    growEntries(this.shared, (entry + 1) * bytesPerEntry);
    fillEntry(this.#entriesTo(entry), entry * wordsPerEntry, id, type, pack, offset, length, uncompressedLength);
    return entry;
  }

  /** All entries, this one too if there is such. */
  #entriesTo(entry: number): Uint32Array {
    if ((entry + 1) * wordsPerEntry > this.#entries.length) this.#entries = viewEntries(this.shared);
    return this.#entries;
  }

  #slotsTo(end: number): Int32Array {
    if (end > this.#slots.length) this.#slots = viewSlots(this.shared);
    return this.#slots;
  }

  /** The id's words begin at `at`. */
  #insert(words: Uint32Array, at: number, entry: number): void {
    const { start, mask } = this.#currentLevel();
    const slots = this.#slotsTo(start + mask + 1);
    for (let slot = this.#hash(words, at) & mask; ; slot = (slot + 1) & mask) {
      if (Atomics.compareExchange(slots, start + slot, 0, entry + 1) === 0) return;
    }
  }

  #insertIfAbsent(id: Uint32Array, type: BlobType, entry: number): boolean {
    const { start, mask } = this.#currentLevel();
    const slots = this.#slotsTo(start + mask + 1);
    for (let slot = this.#hash(id) & mask; ; slot = (slot + 1) & mask) {
      const taken = Atomics.compareExchange(slots, start + slot, 0, entry + 1);
      if (taken === 0) return true;
      if (this.#matches(taken - 1, id, type)) return false;
    }
  }

  /** The level that takes new entries, after opening the next one if this is full. */
  #currentLevel(): { start: number; mask: number } {
    const base = this.#control[controlBase] ?? 0;
    for (;;) {
      const level = Atomics.load(this.#control, controlLevel);
      const capacity = base * 2 ** level;
      const start = base * (2 ** level - 1);
      if (Atomics.add(this.#control, controlLevelCount + level, 1) < capacity * fullness) return { start, mask: capacity - 1 };
      const needed = (start + capacity + capacity * 2) * 4;
      try {
        if (this.shared.slots.byteLength < needed) this.shared.slots.grow(needed);
      } catch (error) {
        if (this.shared.slots.byteLength < needed) throw error;
      }
      Atomics.compareExchange(this.#control, controlLevel, level, level + 1);
    }
  }

  #find(id: Uint32Array, type: BlobType, at = 0): number {
    let found = -1;
    const take = (entry: number): boolean => (found = entry) >= 0;
    this.#search(id, type, take, at);
    return found;
  }

  #search(words: Uint32Array, type: BlobType, visit: (entry: number) => boolean, at = 0): void {
    const base = this.#control[controlBase] ?? 0;
    for (let level = Atomics.load(this.#control, controlLevel); level >= 0; level--) {
      const start = base * (2 ** level - 1);
      const mask = base * 2 ** level - 1;
      const slots = this.#slotsTo(start + mask + 1);
      for (let slot = this.#hash(words, at) & mask; ; slot = (slot + 1) & mask) {
        const taken = Atomics.load(slots, start + slot);
        if (taken === 0) break;
        if (this.#matches(taken - 1, words, type, at) && visit(taken - 1)) return;
      }
    }
  }

  #matches(entry: number, words: Uint32Array, type: BlobType, at = 0): boolean {
    const begin = entry * wordsPerEntry;
    const entries = this.#entriesTo(entry);
    for (let word = 0; word < 8; word++) if (entries[begin + word] !== words[at + word]) return false;
    const isTree = ((entries[begin + 8] ?? 0) & treeBit) !== 0;
    return isTree === (type === 'tree');
  }
}

function findTreePacks(index: BlobIndex): Set<number> {
  const found = new Set<number>();
  for (let entry = 0; entry < index.size; entry += 1) if (index.typeOf(entry) === 'tree') found.add(index.packOf(entry));
  return found;
}
