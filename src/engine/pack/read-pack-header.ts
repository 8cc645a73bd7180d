import { reasonOf } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { headerLength, parsePackHeader, type PackedBlob } from './pack-header.ts';

/** Read at once: the length, and the header of a pack of some hundred blobs, which is most of them. */
const firstRead = 16 * 1024;
/** restic's own bound for a header. */
export const mostHeaderBytes = 16 * 2 ** 20;

/**
 * What a pack says about itself: the header at its end, which must account for every byte of the pack.
 *
 * @param size the pack's, as listed
 * @throws HoldfastError `damaged`, and what the storage throws
 */
export async function readPackHeader(repository: Repository, id: string, size: number): Promise<PackedBlob[]> {
  const key = keyOf('pack', id);
  if (size < 36 + 4) throw repository.damaged(key, `it has only ${size} bytes`);
  let tail = Buffer.from(await repository.storage.get(key, tailOf(size, Math.min(size, firstRead))));
  const sealedLength = tail.readUInt32LE(tail.length - 4);
  if (sealedLength < 32 || sealedLength > Math.min(size - 4, mostHeaderBytes))
    throw repository.damaged(key, 'the length of its header is impossible');
  if (sealedLength + 4 > tail.length) tail = Buffer.from(await repository.storage.get(key, tailOf(size, sealedLength + 4)));
  const header = repository.sealer.open(tail.subarray(tail.length - 4 - sealedLength, tail.length - 4));
  if (!header) throw repository.damaged(key, 'the seal of its header does not fit');
  try {
    return parseWholeHeader(header, size);
  } catch (error) {
    throw repository.damaged(key, reasonOf(error), error);
  }
}

/** Reads an opened header and compares it with the size of its pack. Throws a plain error. */
export function parseWholeHeader(header: Buffer, size: number): PackedBlob[] {
  const blobs = parsePackHeader(header);
  const expected = packSizeOf(blobs);
  if (expected !== size) throw new Error(`it has ${size} bytes, and its header speaks of ${expected}`);
  return blobs;
}

/** The size of a pack of these blobs. */
export function packSizeOf(blobs: readonly PackedBlob[]): number {
  return blobs.reduce((sum, { length }) => sum + length, headerLength(blobs));
}

function tailOf(size: number, length: number): { offset: number; length: number } {
  return { offset: size - length, length };
}
