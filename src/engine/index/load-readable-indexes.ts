import { isError, type HoldfastError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import { BlobIndex } from './blob-index.ts';

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
      await repository.readIndexFile(id, index);
    } catch (error) {
      if (!isError(error, 'damaged')) throw error;
      problems.push({ id, error });
    }
  }
  return { index, files: files.map(({ id }) => id), problems };
}
