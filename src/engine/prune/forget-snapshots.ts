import type { HoldfastError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import { isRefusal } from './removal.ts';

export interface ForgottenSnapshots {
  /** Those that are gone now. */
  readonly removed: readonly string[];
  /** Why the place did not let the next one go; what comes after it was left alone. */
  readonly refusal?: HoldfastError;
}

/**
 * Removes snapshots by their full ids, in this order: what needs others before those; what they alone used is freed by the next prune. Which ones to
 * forget is decided by the caller, who holds an exclusive lock. Ids that are not there are passed over.
 */
export async function forgetSnapshots(repository: Repository, ids: Iterable<string>): Promise<ForgottenSnapshots> {
  const removed: string[] = [];
  for (const id of ids) {
    try {
      await repository.removeFile('snapshot', id);
    } catch (error) {
      if (isRefusal(error)) return { removed, refusal: error };
      throw error;
    }
    removed.push(id);
  }
  return { removed };
}
