/** After a backup or a copy to a place that locks: what is to stay is locked for long enough. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { reasonOf } from '../../errors.ts';
import type { RetentionPolicy } from '../../policy/retention.ts';
import { planForget } from '../forget-plan.ts';
import { loadPoints } from '../points.ts';
import { extendLocks } from './extend-locks.ts';
import { findHeld, readHolds } from './holds.ts';
import type { ComponentRules } from './point-units.ts';

export interface KeptRules {
  /** Without rules everything stays. */
  readonly policy?: RetentionPolicy | undefined;
  readonly components?: ComponentRules | undefined;
}

/** As prune groups points where nothing else is said. */
const usualGroups = { host: true, paths: true };

/**
 * What the rules let go is left alone, or it could never go. Where it fails that is a problem event, and counted: what was saved is saved. Returns how
 * many problems there were. Throws `interrupted`.
 */
export async function extendKeptLocks(
  repository: Repository,
  { policy = {}, components }: KeptRules,
  context: RunContext,
): Promise<number> {
  if (repository.storage.retention === undefined) return 0;
  try {
    const points = await loadPoints(repository);
    const now = repository.clock.now();
    const held = findHeld(points, await readHolds(repository), now);
    const { keep } = planForget(points, { policy, components, by: usualGroups, now, held });
    const { failed } = await extendLocks(repository, { snapshots: keep }, context);
    return failed > 0 ? 1 : 0;
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.events({ type: 'problem', path: 'locks', reason: `what is kept could not be locked for longer: ${reasonOf(error)}` });
    return 1;
  }
}
