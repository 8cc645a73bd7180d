import type { BlobIndex } from '../index/blob-index.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import type { BlobOpener } from './blob-opener.ts';
import type { PackedBlob } from './pack-header.ts';
import { openSealedBlob, readSealedBlobs, type OpenedBlob, type SealedBlob } from './read-sealed-blobs.ts';

/** A blob as it lies in its pack and as it was opened; valid until the next is asked for. */
export type VerifiedBlob = SealedBlob & OpenedBlob;

export interface BlobReading {
  readonly repository: Repository;
  /** Where other copies of a damaged blob are looked for. */
  readonly index: BlobIndex;
  readonly opener: BlobOpener;
  readonly signal: AbortSignal;
}

/** Some blobs of one pack, in the order in which they lie there, each verified. For a damaged one another copy is taken where there is one. Throws `damaged` otherwise. */
export async function* readVerifiedBlobs(
  reading: BlobReading,
  pack: string,
  blobs: readonly PackedBlob[],
): AsyncGenerator<VerifiedBlob, void, undefined> {
  for await (const sealed of readSealedBlobs(reading.repository, pack, blobs, reading.signal))
    yield await verifyBlob(reading, pack, sealed);
}

/** The same for one that is read already. */
export async function verifyBlob(reading: BlobReading, pack: string, sealed: SealedBlob): Promise<VerifiedBlob> {
  let opened: OpenedBlob;
  try {
    opened = openSealedBlob(reading.repository, reading.opener, pack, sealed);
  } catch (error) {
    return readOtherCopy(reading, pack, sealed.blob, error);
  }
  return { ...sealed, ...opened };
}

async function readOtherCopy(
  { repository, index, opener }: BlobReading,
  badPack: string,
  { id, type }: PackedBlob,
  error: unknown,
): Promise<VerifiedBlob> {
  for (const entry of index.findAll(id, type)) {
    const { pack, ...place } = index.place(entry);
    if (pack === badPack) continue;
    const blob: PackedBlob = { id, ...place };
    try {
      const sealed = { blob, sealed: await repository.storage.get(keyOf('pack', pack), { offset: blob.offset, length: blob.length }) };
      return { ...sealed, ...openSealedBlob(repository, opener, pack, sealed) };
    } catch {
      // The first failure is the one that is told.
    }
  }
  throw error;
}
