/** Puts a folder or file of a snapshot where it belongs, and touches nothing above it that is there already. */
import { chmod, chown, lstat, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findNode } from '../../engine/browse/list-nodes.ts';
import type { Repository } from '../../engine/repository.ts';
import { executeRestore } from '../../engine/restore/execute-restore.ts';
import { planRestore } from '../../engine/restore/plan-restore.ts';
import type { RestoreRequest, RestoreSummary } from '../../engine/restore/restore-request.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { stMode, type TreeNode } from '../../engine/tree/node.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { PointComponent } from '../points.ts';

export interface TreeRestore {
  readonly snapshot: PointComponent;
  /** Absolute, in the snapshot. */
  readonly from: string;
  /** Absolute, on the disk. */
  readonly to: string;
  /** `include` here chooses below `from`. */
  readonly request: Omit<RestoreRequest, 'target' | 'subPath'>;
}

/** Throws `path-missing`, `target-unusable`, `target-full`, `damaged`, `interrupted`, … */
export async function restoreTree(repository: Repository, restore: TreeRestore, context: RunContext): Promise<RestoreSummary> {
  const { snapshot, from, to, request } = restore;
  const found = await findNode(repository, snapshot, from);
  const node = 'node' in found ? found.node : undefined;
  const chooses = (request.include ?? []).length + (request.includeInsensitive ?? []).length > 0;
  const isFolder = node === undefined || node.type === 'dir';
  const place = isFolder && (chooses || !to.endsWith(from)) ? { subPath: from, target: to } : await placeInPath(from, to);
  const plan = await planRestore(
    repository,
    { id: snapshot.id, tree: snapshot.snapshot.tree, paths: snapshot.snapshot.paths },
    { ...request, ...place },
    context,
  );
  const summary = await executeRestore(repository, plan, context);
  if (place.target === to && !chooses && node !== undefined && request.dryRun !== true) await copyAttributes(node, to);
  return summary;
}

/**
 * The deepest folder above `to` that is there is the target, and the way from there is chosen: folders that are missing are made with the
 * modes and owners they had, those that are there stay as they are, be they links to somewhere else.
 */
async function placeInPath(from: string, to: string): Promise<Pick<RestoreRequest, 'subPath' | 'target' | 'include'>> {
  if (!to.endsWith(from)) return { subPath: dirname(from), target: dirname(to), include: [escapePattern(`/${basename(from)}`)] };
  const base = to.slice(0, to.length - from.length);
  let above = dirname(from);
  while (above !== '/' && !(await isFolderThere(`${base}${above}`))) above = dirname(above);
  const rest = above === '/' ? from : from.slice(above.length);
  return { subPath: above, target: above === '/' ? base || '/' : base + above, include: [escapePattern(rest)] };
}

async function isFolderThere(path: string): Promise<boolean> {
  return stat(fsPath(path)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function escapePattern(path: string): string {
  return path.replaceAll(/[\\*?[]/g, String.raw`\$&`);
}

/** What belongs to the folder itself, where only its content was restored. */
async function copyAttributes({ mode, type, uid, gid, mtime }: TreeNode, path: string): Promise<void> {
  if (process.getuid?.() === 0) await chown(fsPath(path), uid, gid);
  await chmod(fsPath(path), stMode(mode, type) & 0o7777);
  const modified = new Date(mtime);
  await utimes(fsPath(path), modified, modified);
}

/** Where something lies, below another folder where one is named. */
export function placeBelow(target: string | undefined, path: string): string {
  return target === undefined ? path : join(target, path);
}

/** Whether anything is there. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(fsPath(path)).then(
    () => true,
    () => false,
  );
}
