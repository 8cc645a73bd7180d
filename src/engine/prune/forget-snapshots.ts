import type { Repository } from '../repository.ts';

/**
 * Removes snapshots by their full ids; what they alone used is freed by the next prune. Which ones to forget is decided by the caller, who
 * holds an exclusive lock. Ids that are not there are passed over.
 */
export async function forgetSnapshots(repository: Repository, ids: Iterable<string>): Promise<void> {
  for (const id of ids) await repository.removeFile('snapshot', id);
}
