/** Places that do not let go of what they hold: locked objects, keys without the right to delete, servers that only take more. */
import { isError, type HoldfastError } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';

/** Whether a removal failed because the place forbids it: asking again at once is of no use. */
export function isRefusal(error: unknown): error is HoldfastError {
  return isError(error, 'storage-denied') || isError(error, 'storage-refused') || isError(error, 'storage-locked');
}

/**
 * Why a place lets nothing be removed; undefined where it does, as far as one can tell without removing anything: what is asked for is not there,
 * and a place that removes things takes that for done.
 */
export async function findRemovalRefusal({ storage }: Repository): Promise<HoldfastError | undefined> {
  try {
    await storage.remove(keyOf('pack', '0'.repeat(64)));
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
