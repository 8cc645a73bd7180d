/** Restores through the engine, without a process of its own: for tests that restore hundreds of times. */
import { ignoreEvents, type HoldfastEvent } from '../../../src/events.ts';
import type { Repository } from '../../../src/engine/repository.ts';
import { executeRestore } from '../../../src/engine/restore/execute-restore.ts';
import { planRestore } from '../../../src/engine/restore/plan-restore.ts';
import type { RestoreRequest, RestoreSummary } from '../../../src/engine/restore/restore-request.ts';
import type { RunContext } from '../../../src/engine/run-context.ts';
import { loadSnapshot } from '../../../src/engine/snapshots/load-snapshots.ts';

/** A context that nobody listens to. */
export function quietContext(events: (event: HoldfastEvent) => void = ignoreEvents): RunContext {
  return { events, signal: new AbortController().signal };
}

/** Restores one snapshot, named by its full id. */
export async function restoreSnapshot(
  repository: Repository,
  id: string,
  request: RestoreRequest,
  context: RunContext = quietContext(),
): Promise<RestoreSummary> {
  const { snapshot } = await loadSnapshot(repository, id);
  const plan = await planRestore(repository, { id, tree: snapshot.tree, paths: snapshot.paths }, request, context);
  return executeRestore(repository, plan, context);
}
