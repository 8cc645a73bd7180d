/** Whether a repository is whole. Looks at everything it can and reports all that is wrong, instead of stopping at the first. */
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { loadReadableIndexes } from '../index/load-readable-indexes.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { reasonOf } from '../../errors.ts';
import { checkAccess } from './check-access.ts';
import { checkObjects } from './check-objects.ts';
import { checkPackList } from './check-packs.ts';
import type { CheckOptions, CheckReport } from './check-report.ts';
import { checkReachable } from './check-reachable.ts';
import { Findings } from './findings.ts';
import { readPacks } from './read-packs.ts';

/**
 * Checks a repository: keys, locks, snapshots and index files by their hashes and seals, packs by their presence and size, and that all that
 * snapshots need is named by the index. With `readData` packs are read whole and every blob in them opened, and so is what lies beside
 * the format.
 *
 * A run that writes meanwhile does no harm when this one holds a lock; without any lock a prune may make it report what is only gone.
 *
 * @throws HoldfastError `interrupted`, `usage`, and what the storage throws when it does not answer. Damage is reported, not thrown.
 */
export async function checkRepository(repository: Repository, options: CheckOptions, context: RunContext): Promise<CheckReport> {
  const findings = new Findings();
  context.events({ type: 'phase', phase: 'check files' });
  await checkAccess(repository, findings);
  // Snapshots first, packs last: what is written meanwhile is then in what is looked at later, never missing from it.
  const { snapshots, problems } = await loadSnapshots(repository, { tolerant: true });
  for (const { id, error } of problems) findings.error(`snapshot ${id}`, reasonOf(error));
  const indexes = await loadReadableIndexes(repository);
  for (const { id, error } of indexes.problems) findings.error(`index ${id}`, reasonOf(error));
  const packs = await checkPackList(repository, indexes.index, findings);
  const trees = await checkReachable(repository, indexes.index, snapshots, findings, context);
  const objects = await checkObjects(repository, options.readData ?? 'none', findings, context);
  const read = await readPacks(repository, packs, options.readData ?? 'none', findings, context);
  return {
    errors: findings.errors,
    notices: findings.notices,
    snapshots: snapshots.length,
    indexFiles: indexes.files.length,
    packs: packs.count,
    blobs: packs.blobs,
    trees,
    objectsRead: objects,
    packsRead: read.packs,
    bytesRead: read.bytes,
  };
}
