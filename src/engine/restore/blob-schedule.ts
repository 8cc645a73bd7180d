/** In which order the blobs of a restore are read: pack by pack in the order in which the files need them, each pack from front to back, each blob once. */
import type { BlobIndex } from '../index/blob-index.ts';
import { entryFlag, noEntry, type EntryTable } from './entry-table.ts';

/** How packs are read. */
export interface Reading {
  /** Most sealed bytes of a job, unless one blob alone is larger. */
  readonly jobBytes: number;
  /** Unneeded bytes that are read along rather than read around. */
  readonly gapBytes: number;
}

export interface SharedSchedule {
  /** Contents (numbers in the entry table) in the order of reading. */
  readonly order: SharedArrayBuffer;
  /** Where each job begins in that order, and the end of the last. */
  readonly jobs: SharedArrayBuffer;
  /** Files that need no content written: empty ones, and those whose content is right already. */
  readonly quiet: SharedArrayBuffer;
}

/** Contents of one job that lie beside each other in a pack. */
export interface JobRange {
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
}

const idle = entryFlag.skipped | entryFlag.damaged | entryFlag.failed | entryFlag.hardLink;

export function scheduleBlobs(table: EntryTable, index: BlobIndex, reading: Reading): SharedSchedule {
  const wanted = collectWanted(table);
  sortByPack(wanted.contents, table, index);
  return {
    order: toShared(wanted.contents),
    jobs: toShared(cutJobs(wanted.contents, table, index, reading)),
    quiet: toShared(wanted.quiet),
  };
}

/** What to read for the contents `order[from…to)`. */
export function rangeOf(order: Uint32Array, from: number, to: number, table: EntryTable, index: BlobIndex): JobRange {
  const first = table.blobs[order[from] ?? 0] ?? 0;
  const offset = index.offsetOf(first);
  let end = offset;
  for (let at = from; at < to; at++) {
    const blob = table.blobs[order[at] ?? 0] ?? 0;
    end = Math.max(end, index.offsetOf(blob) + index.lengthOf(blob));
  }
  return { pack: index.packOf(first), offset, length: end - offset };
}

/** Also sets how many contents each file waits for. */
function collectWanted(table: EntryTable): { contents: Uint32Array; quiet: Uint32Array } {
  const contents = new Uint32Array(table.contentCount);
  const quiet: number[] = [];
  let count = 0;
  for (let entry = 0; entry < table.count; entry++) {
    if (table.typeOf(entry) !== 'file' || table.hasFlag(entry, idle)) continue;
    const first = table.firstContentOf(entry);
    const end = first + (table.hasFlag(entry, entryFlag.sameContent) ? 0 : table.contentCountOf(entry));
    const before = count;
    for (let content = first; content < end; content++) if (table.files[content] !== noEntry) contents[count++] = content;
    table.setRemaining(entry, count - before);
    if (count === before) quiet.push(entry);
  }
  return { contents: contents.subarray(0, count), quiet: Uint32Array.from(quiet) };
}

/** A counting sort by pack, then each pack by offset. Contents are mostly in that order already. */
function sortByPack(contents: Uint32Array, table: EntryTable, index: BlobIndex): void {
  const packOf = (content: number): number => index.packOf(table.blobs[content] ?? 0);
  const rank = new Int32Array(index.packs.length).fill(-1);
  const sizes: number[] = [];
  for (const content of contents) {
    const pack = packOf(content);
    if ((rank[pack] ?? -1) < 0) rank[pack] = sizes.push(0) - 1;
    const place = rank[pack] ?? 0;
    sizes[place] = (sizes[place] ?? 0) + 1;
  }
  const starts: number[] = [];
  sizes.reduce((sum, size) => (starts.push(sum), sum + size), 0);
  const next = [...starts];
  for (const content of contents.slice()) {
    const place = rank[packOf(content)] ?? 0;
    const at = next[place] ?? 0;
    contents[at] = content;
    next[place] = at + 1;
  }
  const offsets = new Uint32Array(table.contentCount);
  for (const content of contents) offsets[content] = index.offsetOf(table.blobs[content] ?? 0);
  const offsetOf = (content: number): number => offsets[content] ?? 0;
  for (const [place, start] of starts.entries()) {
    const pack = contents.subarray(start, next[place]);
    if (pack.some((content, at) => at > 0 && offsetOf(content) < offsetOf(pack[at - 1] ?? 0)))
      pack.sort((a, b) => offsetOf(a) - offsetOf(b) || a - b);
  }
}

function cutJobs(order: Uint32Array, table: EntryTable, index: BlobIndex, { jobBytes, gapBytes }: Reading): number[] {
  const starts: number[] = [];
  let pack = -1;
  let begin = 0;
  let end = 0;
  for (const [at, content] of order.entries()) {
    const blob = table.blobs[content] ?? 0;
    const offset = index.offsetOf(blob);
    const blobEnd = offset + index.lengthOf(blob);
    const isRepeated = at > 0 && table.blobs[order[at - 1] ?? 0] === blob;
    if (!isRepeated && (index.packOf(blob) !== pack || offset > end + gapBytes || blobEnd - begin > jobBytes)) {
      starts.push(at);
      pack = index.packOf(blob);
      begin = offset;
      end = blobEnd;
    }
    end = Math.max(end, blobEnd);
  }
  return [...starts, order.length];
}

function toShared(numbers: ArrayLike<number>): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(numbers.length * 4);
  new Uint32Array(shared).set(numbers);
  return shared;
}
