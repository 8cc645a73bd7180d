import type { BlobType } from '../pack/pack-header.ts';
import { fillEntry, wordsPerEntry } from './index-memory.ts';

/** Entries of an index that are collected before they are added to one. */
export class EntryBlock {
  #words = new Uint32Array(1024 * wordsPerEntry);
  #used = 0;

  add(id: Uint32Array, type: BlobType, pack: number, offset: number, length: number, uncompressedLength: number): void {
    if (this.#used === this.#words.length) {
      const larger = new Uint32Array(this.#words.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    fillEntry(this.#words, this.#used, id, type, pack, offset, length, uncompressedLength);
    this.#used += wordsPerEntry;
  }

  /** For `addAll`. */
  get words(): Uint32Array {
    return this.#words.subarray(0, this.#used);
  }
}
