import type { BlobIndex } from './blob-index.ts';
import { EntryBlock } from './entry-block.ts';
import { readIndex } from './index-file.ts';

/** Adds what the JSON of an index file says, all of it or nothing. Throws a TypeError or SyntaxError that says what is wrong with it. */
export function readIntoIndex(index: BlobIndex, json: Buffer): void {
  const block = new EntryBlock();
  let pack = 0;
  readIndex(json, {
    pack: (packId) => (pack = index.packNumber(packId)),
    blob: (id, type, offset, length, uncompressedLength) => block.add(id, type, pack, offset, length, uncompressedLength),
  });
  index.addAll(block.words);
}
