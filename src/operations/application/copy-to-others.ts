/** The copies of a new point in the other repositories of its application. */
import type { RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { type HoldfastError, reasonOf, toHoldfastError } from '../../errors.ts';
import { copyPoints } from '../maintain.ts';
import type { LockChoice } from '../open-session.ts';

/** What became of one repository beside the one that was backed up to. */
export interface CopiedPoint {
  readonly name: string;
  /** Bytes of content that it did not have. */
  readonly bytes?: number;
  readonly error?: HoldfastError;
}

export interface CopyTargets {
  readonly others: readonly RepositoryConfiguration[];
  readonly lock: LockChoice;
  /** Opens a repository, or creates it, so that it shares how files are cut with the one given. */
  readonly open: (repository: RepositoryConfiguration, like?: Repository) => Promise<Repository>;
}

/** Copies a point. One repository that is down is a problem, and does not keep the others from getting theirs. Throws `interrupted`. */
export async function copyToOthers(
  from: Repository,
  pointId: string,
  { others, lock, open }: CopyTargets,
  context: RunContext,
): Promise<CopiedPoint[]> {
  const copies: CopiedPoint[] = [];
  for (const other of others) {
    context.events({ type: 'phase', phase: `copy to ${other.name}` });
    try {
      const to = await open(other, from);
      try {
        const { bytes } = await copyPoints({ from, to, points: [{ name: pointId }], lock }, context);
        copies.push({ name: other.name, bytes });
      } finally {
        await to.close();
      }
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.events({ type: 'problem', path: `repository ${other.name}`, reason: reasonOf(error) });
      copies.push({ name: other.name, error: toHoldfastError(error) });
    }
  }
  return copies;
}
