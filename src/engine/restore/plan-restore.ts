import { resolve } from 'node:path';
import { availableParallelism } from 'node:os';
import { statSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { Repository } from '../repository.ts';
import type { TreeNode } from '../tree/node.ts';
import { createEntryFilter } from './entry-filter.ts';
import { EntryTable } from './entry-table.ts';
import { RestoreCrew } from './restore-crew.ts';
import { createPlan, type RestorePlan } from './restore-plan.ts';
import type { RestorableSnapshot, RestoreContext, RestoreRequest } from './restore-request.ts';
import { TreeReader } from './tree-reader.ts';
import { TreeWalk } from './tree-walk.ts';

/**
 * Decides what a restore will do, down to each file. Reads every tree, looks at what is in the target, and compares the content of
 * files that are there already; writes nothing. The plan may be printed (`actions`, `totals`), and is what `executeRestore` takes.
 *
 * @throws HoldfastError `path-missing`, `target-unusable`, `usage` (a pattern), `hostile` (a tree that no honest program writes), `interrupted`, and what the repository throws.
 */
export async function planRestore(
  repository: Repository,
  snapshot: RestorableSnapshot,
  request: RestoreRequest,
  context: RestoreContext,
): Promise<RestorePlan> {
  const target = resolve(request.target);
  const filter = createEntryFilter(request);
  const targetExists = checkTarget(target, request.delete === true && filter === undefined);
  if (context.signal.aborted) throw new HoldfastError('interrupted');
  context.events({ type: 'phase', phase: 'plan' });
  const index = await repository.loadIndex();
  const trees = new TreeReader(repository, index);
  const growing = EntryTable.create();
  const walk = new TreeWalk(trees, index, growing, { target, targetExists, request, filter, signal: context.signal });
  try {
    await walk.run(await findRoot(trees, snapshot, request.subPath));
  } finally {
    trees.close();
  }
  const table = new EntryTable(growing.shared, true);
  if (walk.toCompare.length > 0) await compareExisting(repository, { table, index, target, request }, walk.toCompare, context);
  return createPlan({ target, request, deletions: walk.deletions, damage: walk.damage, table, index });
}

/** Whether the folder is there. A link to a folder is one. */
function checkTarget(target: string, deletesEverything: boolean): boolean {
  if (deletesEverything && target === '/')
    throw new HoldfastError('target-unusable', { path: target, reason: 'to delete there needs an include or exclude pattern' });
  let found;
  try {
    found = statSync(fsPath(target), { throwIfNoEntry: false });
  } catch (error) {
    throw new HoldfastError('target-unusable', { path: target, reason: reasonOf(error) }, error);
  }
  if (found !== undefined && !found.isDirectory())
    throw new HoldfastError('target-unusable', { path: target, reason: 'it is not a folder' });
  return found !== undefined;
}

/** The entries of the folder that is restored. */
async function findRoot(trees: TreeReader, snapshot: RestorableSnapshot, subPath = '/'): Promise<TreeNode[]> {
  let nodes = await trees.read(snapshot.tree);
  for (const name of subPath.split('/').filter((part) => part !== '' && part !== '.')) {
    const node: TreeNode | undefined = nodes.find((candidate) => candidate.name === name);
    if (node?.type !== 'dir' || node.subtree === undefined)
      throw new HoldfastError('path-missing', { path: subPath, point: snapshot.id.slice(0, 8) });
    nodes = await trees.read(node.subtree);
  }
  return nodes;
}

async function compareExisting(
  repository: Repository,
  parts: Pick<RestorePlan, 'table' | 'index' | 'target' | 'request'>,
  files: readonly number[],
  context: RestoreContext,
): Promise<void> {
  const crew = new RestoreCrew(repository, parts, { ...context, size: Math.min(availableParallelism(), files.length) });
  try {
    await crew.checkFiles(
      'compare',
      files,
      files.reduce((sum, file) => sum + parts.table.sizeOf(file), 0),
    );
  } finally {
    await crew.close();
  }
}
