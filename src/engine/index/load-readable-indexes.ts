import { isError, reasonOf, type HoldfastError } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { BlobIndex } from './blob-index.ts';
import { readIndex } from './index-file.ts';

export interface ReadableIndexes {
  /** What the readable files say. */
  readonly index: BlobIndex;
  /** Every index file, readable or not. */
  readonly files: readonly string[];
  readonly problems: readonly { readonly id: string; readonly error: HoldfastError }[];
}

/** As `repository.loadIndex`, but a damaged index file is reported beside what the others say. An index file that is removed meanwhile throws `storage-missing`. */
export async function loadReadableIndexes(repository: Repository): Promise<ReadableIndexes> {
  const files = await repository.listFiles('index');
  const index = BlobIndex.create(files.reduce((sum, { size }) => sum + size / 55, 0));
  const problems: { id: string; error: HoldfastError }[] = [];
  for (const { id } of files) {
    try {
      addIndexFile(repository, index, id, await repository.readFile('index', id));
    } catch (error) {
      if (!isError(error, 'damaged')) throw error;
      problems.push({ id, error });
    }
  }
  return { index, files: files.map(({ id }) => id), problems };
}

function addIndexFile(repository: Repository, index: BlobIndex, id: string, json: Buffer): void {
  let pack = 0;
  try {
    readIndex(json, {
      pack: (packId) => (pack = index.packNumber(packId)),
      blob: (blobId, type, offset, length, uncompressedLength) => index.add(blobId, type, pack, offset, length, uncompressedLength),
    });
  } catch (error) {
    throw repository.damaged(keyOf('index', id), reasonOf(error), error);
  }
}
