/** The memory that an index lies in (blob-index.ts says how). */
import { HoldfastError } from '../../errors.ts';
import type { BlobType } from '../pack/pack-header.ts';

export const bytesPerEntry = 48;
export const wordsPerEntry = bytesPerEntry / 4;
/** In the word that has an entry's pack. */
export const treeBit = 0x8000_0000;
/** Virtual memory is reserved for this many; pages are taken as they are used. */
export const mostEntries = 2 ** 26;

export interface SharedBlobIndex {
  readonly control: SharedArrayBuffer;
  readonly entries: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
}

/** Memory for an index of so many bytes, which can grow; all zeros. */
export function allocateIndex(entryBytes: number, slotBytes: number): SharedBlobIndex {
  return {
    control: new SharedArrayBuffer(256),
    entries: new SharedArrayBuffer(entryBytes, { maxByteLength: mostEntries * bytesPerEntry }),
    slots: new SharedArrayBuffer(slotBytes, { maxByteLength: mostEntries * 4 * 4 }),
  };
}

/** Makes room for so many bytes of entries, if there is not enough. Throws `internal` where that is more than can be. */
export function growEntries({ entries }: SharedBlobIndex, needed: number): void {
  if (needed > entries.maxByteLength) throw new HoldfastError('internal', { reason: `the repository has more than ${mostEntries} blobs` });
  while (entries.byteLength < needed) {
    const target = Math.min(entries.maxByteLength, Math.max(needed, Math.ceil((entries.byteLength * 1.25) / 65536) * 65536));
    try {
      entries.grow(target);
    } catch (error) {
      // Another thread may have grown it further in between; then there is nothing to do.
      if (entries.byteLength < needed) throw error;
    }
  }
}

/** The entries as they are now: what is added beyond needs another view. */
export function viewEntries({ entries }: SharedBlobIndex): Uint32Array {
  return new Uint32Array(entries, 0, entries.byteLength >>> 2);
}

/** The slots, likewise. */
export function viewSlots({ slots }: SharedBlobIndex): Int32Array {
  return new Int32Array(slots, 0, slots.byteLength >>> 2);
}

/** Writes one entry of an index at a word of some memory. */
export function fillEntry(
  words: Uint32Array,
  at: number,
  id: Uint32Array,
  type: BlobType,
  pack: number,
  offset: number,
  length: number,
  uncompressedLength: number,
): void {
  for (let word = 0; word < 8; word++) words[at + word] = id[word] ?? 0;
  words[at + 8] = (pack | (type === 'tree' ? treeBit : 0)) >>> 0;
  words[at + 9] = offset;
  words[at + 10] = length;
  words[at + 11] = uncompressedLength;
}
