import type { PackedBlob } from '../pack/pack-header.ts';
import type { BlobIndex } from './blob-index.ts';

/**
 * The entries of an index by pack, in the order in which they lie there. 4 bytes an entry. An entry that says the same as another (one pack
 * named by two index files, which an interrupted prune leaves behind) is left out.
 */
export class EntriesByPack {
  readonly #index: BlobIndex;
  readonly #entries: Uint32Array;
  readonly #starts: Uint32Array;
  /** How many of each pack are left without those said twice. */
  readonly #counts: Uint32Array;

  constructor(index: BlobIndex) {
    this.#index = index;
    const packs = index.packs.length;
    this.#starts = new Uint32Array(packs + 1);
    for (let entry = 0; entry < index.size; entry++) {
      const pack = index.packOf(entry);
      if (pack < packs) this.#starts[pack + 1] = (this.#starts[pack + 1] ?? 0) + 1;
    }
    for (let pack = 0; pack < packs; pack++) this.#starts[pack + 1] = (this.#starts[pack + 1] ?? 0) + (this.#starts[pack] ?? 0);
    this.#entries = new Uint32Array(this.#starts[packs] ?? 0);
    this.#counts = new Uint32Array(packs);
    for (let entry = 0; entry < index.size; entry++) {
      const pack = index.packOf(entry);
      if (pack >= packs) continue; // claimed by a backup under way
      const count = this.#counts[pack] ?? 0;
      this.#entries[(this.#starts[pack] ?? 0) + count] = entry;
      this.#counts[pack] = count + 1;
    }
    for (let pack = 0; pack < packs; pack++) this.#sort(pack);
  }

  /** Entries that are left out because another says the same. */
  get saidTwice(): number {
    return this.#entries.length - this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The entries of a pack by its number. Do not change it. */
  of(pack: number): Uint32Array {
    const start = this.#starts[pack] ?? 0;
    return this.#entries.subarray(start, start + (this.#counts[pack] ?? 0));
  }

  /** The same as a list of blobs. */
  blobsOf(pack: number): PackedBlob[] {
    const index = this.#index;
    return Array.from(this.of(pack), (entry) => ({
      id: index.idOf(entry),
      type: index.typeOf(entry),
      offset: index.offsetOf(entry),
      length: index.lengthOf(entry),
      uncompressedLength: index.uncompressedLengthOf(entry),
    }));
  }

  #sort(pack: number): void {
    const index = this.#index;
    const entries = this.of(pack);
    // As index files have them, nearly always; equal offsets are looked at below.
    if (entries.some((entry, at) => at > 0 && index.offsetOf(entry) < index.offsetOf(entries[at - 1] ?? 0)))
      entries.sort((a, b) => index.offsetOf(a) - index.offsetOf(b) || a - b);
    let kept = 0;
    for (const entry of entries) {
      if (this.#saysTheSame(entries, kept, entry)) continue;
      entries[kept] = entry;
      kept += 1;
    }
    this.#counts[pack] = kept;
  }

  /** Whether one of those kept at the same offset is equal to this one. */
  #saysTheSame(entries: Uint32Array, kept: number, entry: number): boolean {
    const index = this.#index;
    for (let at = kept - 1; at >= 0; at--) {
      const other = entries[at] ?? 0;
      if (index.offsetOf(other) !== index.offsetOf(entry)) return false;
      const equal =
        index.lengthOf(other) === index.lengthOf(entry) && index.uncompressedLengthOf(other) === index.uncompressedLengthOf(entry);
      if (equal && index.typeOf(other) === index.typeOf(entry) && index.idOf(other) === index.idOf(entry)) return true;
    }
    return false;
  }
}
