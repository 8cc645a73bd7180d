import { HoldfastError } from '../errors.ts';
import type { ByteRange } from './storage.ts';

/* The sizes come from a repository that nobody vouches for: a sparse file of terabytes must not take the memory of the machine. */
const largestRead = 2 ** 30;

/**
 * Refuses a range that is none: negative, or not of whole bytes.
 * @throws `internal`
 */
export function assertRange(range: ByteRange | undefined, key: string): void {
  if (range === undefined) return;
  const { offset, length } = range;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new HoldfastError('internal', { reason: `bytes ${offset}+${length} of ${key} were asked for` });
  }
}

/**
 * The first byte and the number of bytes that a `get` asks for, of an object of `size` bytes.
 * @throws `storage-short` where the range reaches past the end; `storage-failed` for more than 1 GiB; `internal` for a range that is none
 */
export function resolveRange(range: ByteRange | undefined, size: number, key: string, location: string): ByteRange {
  const { offset, length } = range ?? { offset: 0, length: size };
  assertRange({ offset, length }, key);
  if (offset + length > size) throw new HoldfastError('storage-short', { key, location, wanted: length, got: Math.max(0, size - offset) });
  if (length > largestRead) {
    throw new HoldfastError('storage-failed', { action: 'read', key, location, reason: `${length} bytes are more than one call may read` });
  }
  return { offset, length };
}

/**
 * The part of an object already in memory that a `get` asks for, as a copy that the caller may keep or transfer.
 * @throws as `resolveRange`
 */
export function sliceRange(data: Uint8Array, range: ByteRange | undefined, key: string, location: string): Uint8Array {
  const { offset, length } = resolveRange(range, data.length, key, location);
  return new Uint8Array(data.subarray(offset, offset + length));
}
