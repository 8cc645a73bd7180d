/**
 * What of a relation file has changed since an earlier base backup, decided by hashes of the bytes that the server streams.
 *
 * Why this is right although pages are read while the server writes them: a page may be torn in a base backup, half of it old and half new. Every change
 * since the backup's start is in WAL, and during a base backup the first change of a page puts the whole page there, so that replay from the start overwrites what is torn. An increment
 * keeps that property, since it is of the same kind: the server streams a whole base backup, and a page is left out only when the bytes just streamed are those that
 * the earlier backup has. Full and increments put together are therefore byte for byte the base backup that the server streamed last, tears included, with that
 * backup's own start of replay (its backup_label). Nothing is concluded from a page's LSN, which a torn page, a hint bit or a page of zeros may belie. The server's manifest has
 * the checksums of what it streamed, and the assembled files are compared with it.
 */
import type { ChangedPages } from './changed-pages.ts';
import type { IncrementalHeader } from './incremental-file.ts';
import { hashLength, PageHasher } from './page-hasher.ts';

export interface FileToCompare {
  readonly content: AsyncIterable<Uint8Array>;
  /** Bytes, as announced. */
  readonly size: number;
  readonly pageSize: number;
  /** The hashes of its pages in the earlier backup. */
  readonly previous: Buffer;
  /** Empty; where changed pages wait. */
  readonly changed: ChangedPages;
}

export type PageSelection =
  /** The pages that the header names are in `changed`, in order. */
  | { readonly kind: 'increment'; readonly header: IncrementalHeader; readonly hashes: Buffer }
  /** Every page of what was looked at is another: the file goes in whole, and its hashes are known when `content` has ended. */
  | { readonly kind: 'whole'; readonly content: AsyncIterable<Uint8Array>; readonly hashes: () => Buffer };

/** Reads the content to its end, or to where it is clear that it goes in whole. */
export async function selectChangedPages({ content, size, pageSize, previous, changed }: FileToCompare): Promise<PageSelection> {
  const blocks: number[] = [];
  const known = previous.length;
  let goesWhole = false;
  const hasher = new PageHasher(pageSize, size, (page, index, hashes) => {
    if (goesWhole) return;
    const at = index * hashLength;
    if (at < known && hashes.compare(previous, at, at + hashLength, at, at + hashLength) === 0) return;
    blocks.push(index);
    changed.keep(page);
  });
  const chunks = content[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) break;
    hasher.push(next.value);
    if (!changed.isFull) continue;
    if (blocks.length === hasher.pages) {
      goesWhole = true;
      return { kind: 'whole', content: goOn(changed, hasher, chunks), hashes: () => hasher.hashes };
    }
    changed.spill();
  }
  // The size was a multiple of the page size; should the server have sent something else, nothing may be lost of it.
  if (hasher.rest.length > 0) throw new RangeError('a relation file ended within a page');
  // As PostgreSQL means it: the shortest that the file has been since. All beyond is among the blocks.
  const truncation = Math.min(known / hashLength, hasher.pages);
  return { kind: 'increment', header: { blocks: Uint32Array.from(blocks), truncation }, hashes: hasher.hashes };
}

async function* goOn(
  changed: ChangedPages,
  hasher: PageHasher,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* changed.stream();
  changed.clear();
  if (hasher.rest.length > 0) yield Uint8Array.from(hasher.rest);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    hasher.push(next.value);
    yield next.value;
  }
}
