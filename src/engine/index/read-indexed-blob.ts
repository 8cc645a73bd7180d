import { HoldfastError } from '../../errors.ts';
import type { BlobType } from '../pack/pack-header.ts';
import type { Repository } from '../repository.ts';
import type { BlobIndex } from './blob-index.ts';

/** A blob's content by an index other than the repository's own; any copy will do. Throws `blob-missing`, or why its first copy cannot be read. */
export async function readIndexedBlob(repository: Repository, index: BlobIndex, type: BlobType, id: string): Promise<Buffer> {
  const failures: unknown[] = [];
  for (const entry of index.findAll(id, type)) {
    try {
      return await repository.readBlobAt(id, index.place(entry));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  throw new HoldfastError('blob-missing', { type, id });
}
