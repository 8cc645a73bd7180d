import type { BlobIndex } from './blob-index.ts';
import { readIndex } from './index-file.ts';

/** Adds what the JSON of an index file says. Throws a TypeError or SyntaxError that says what is wrong with it. */
export function readIntoIndex(index: BlobIndex, json: Buffer): void {
  let pack = 0;
  readIndex(json, {
    pack: (packId) => (pack = index.packNumber(packId)),
    blob: (blobId, type, offset, length, uncompressedLength) => index.add(blobId, type, pack, offset, length, uncompressedLength),
  });
}
