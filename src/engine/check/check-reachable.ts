import { reasonOf } from '../../errors.ts';
import { findReachableBlobs } from '../browse/reachable-blobs.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import type { LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import type { Findings } from './findings.ts';

/** Walks all that snapshots need. Returns the number of trees that were read. */
export async function checkReachable(
  repository: Repository,
  index: BlobIndex,
  snapshots: readonly LoadedSnapshot[],
  findings: Findings,
  { events, signal }: RunContext,
): Promise<number> {
  events({ type: 'phase', phase: 'check trees' });
  const roots = snapshots.map(({ id, snapshot }) => ({ tree: snapshot.tree, user: `snapshot ${id}` }));
  let read = 0;
  await findReachableBlobs(
    repository,
    index,
    roots,
    {
      missing: (type, id, user) => findings.error(`${type} blob ${id}`, `no index names it, and it is needed by ${user}`),
      unreadable: (tree, error) => findings.error(`tree ${tree}`, reasonOf(error)),
      progress: (trees) => {
        read = trees;
        events({ type: 'progress', phase: 'check trees', itemsDone: trees, bytesDone: 0 });
      },
    },
    signal,
  );
  return read;
}
