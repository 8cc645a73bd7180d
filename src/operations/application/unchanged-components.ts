/** Which components are as they were in the point before: noted in the manifest, and skipped where that was asked for. */
import type { ComponentConfiguration } from '../../config/configuration.ts';
import type { BackupSummary } from '../../engine/backup.ts';
import { findNode } from '../../engine/browse/list-nodes.ts';
import type { Repository } from '../../engine/repository.ts';
import { loadSnapshot } from '../../engine/snapshots/load-snapshots.ts';
import { isError } from '../../errors.ts';
import type { TreeNode } from '../../engine/tree/node.ts';
import type { BackupComponent } from '../back-up.ts';
import { loadPoints } from '../points.ts';
import type { ApplicationTools } from './application-tools.ts';
import { findManifests, readManifestOf } from './find-manifest.ts';
import { withHooks } from './hooks.ts';
import type { ObservedComponent } from './observed-source.ts';
import { withStoppedUsers } from './stopped-services.ts';

/** A source may say what its content is known by, so that it need not be read to be compared. */
const fingerprint = 'fingerprint';

/** The names of components whose fingerprint is that of the newest point that has them. */
export async function findUnchanged(
  repository: Repository,
  application: string,
  observed: readonly ObservedComponent[],
): Promise<ReadonlySet<string>> {
  const unchanged = new Set<string>();
  const known = observed.filter((each) => each.observed().facts[fingerprint] !== undefined);
  if (known.length === 0) return unchanged;
  const points = findManifests(await loadPoints(repository), { application });
  for (const { component, observed: now } of known) {
    const last = points.findLast(({ components }) => components.some(({ tags }) => tags.component === component.name));
    if (last === undefined) continue;
    const manifest = await unlessArchived(readManifestOf(repository, last));
    const before = manifest?.components.find(({ name, status }) => name === component.name && status === 'saved');
    if (before?.facts[fingerprint] === now().facts[fingerprint]) unchanged.add(component.name);
  }
  return unchanged;
}

/** The components as a backup takes them, each between its hooks. What turns out to be unchanged is put into `unchanged`. */
export function planComponents(
  tools: ApplicationTools,
  observed: readonly ObservedComponent[],
  same: ReadonlySet<string>,
  unchanged: Set<string>,
  { repository, dryRun }: { readonly repository: Repository; readonly dryRun: boolean },
): BackupComponent[] {
  return observed.map(({ component, source }): BackupComponent => {
    const { name, configuration } = component;
    const hooks = dryRun ? { before: [], after: [], failed: [] } : configuration.hooks;
    return {
      source,
      tags: configuration.tags,
      around: async (work, skipIfUnchanged) => {
        if (same.has(name)) unchanged.add(name);
        if (same.has(name) && skipIfUnchanged) return nothingNew;
        const { result, problems } = await withHooks({ tools, hooks, component: name }, () => whileQuiet(tools, configuration, work));
        if ((await unlessArchived(isUnchanged(repository, result))) === true) unchanged.add(name);
        return { ...result, problems: result.problems + problems };
      },
    };
  });
}

/** Undefined where that cannot be read now: with what lies in an archive class nothing is compared, and all counts as changed. */
async function unlessArchived<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isError(error, 'storage-refused')) return undefined;
    throw error;
  }
}

/** Volumes may be read while nobody writes into them. */
async function whileQuiet(
  tools: ApplicationTools,
  { source }: ComponentConfiguration,
  work: () => Promise<BackupSummary>,
): Promise<{ result: BackupSummary }> {
  if (source.kind !== 'volumes' || source.stop !== true) return { result: await work() };
  const { result, problems } = await withStoppedUsers(tools, source.volumes, work);
  return { result: { ...result, problems: result.problems + problems } };
}

/** Below its roots everything is as in the snapshot it was compared with; what happened to the folders above them is no matter. */
async function isUnchanged(repository: Repository, { parentId, snapshotId }: BackupSummary): Promise<boolean> {
  if (parentId === undefined || snapshotId === undefined) return false;
  const [parent, snapshot] = [await loadSnapshot(repository, parentId), await loadSnapshot(repository, snapshotId)];
  for (const path of snapshot.snapshot.paths) {
    const [before, after] = [await findNode(repository, parent, path), await findNode(repository, snapshot, path)];
    if (!('node' in before) || !('node' in after) || !isSameNode(before.node, after.node)) return false;
  }
  return true;
}

function isSameNode(a: TreeNode, b: TreeNode): boolean {
  const content = (node: TreeNode): string => JSON.stringify([node.content ?? [], node.linktarget ?? '']);
  return (
    a.type === b.type && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.subtree === b.subtree && content(a) === content(b)
  );
}

const nothingNew: BackupSummary = {
  filesNew: 0,
  filesChanged: 0,
  filesUnmodified: 0,
  dirsNew: 0,
  dirsChanged: 0,
  dirsUnmodified: 0,
  dataBlobs: 0,
  treeBlobs: 0,
  dataAdded: 0,
  dataAddedPacked: 0,
  totalFilesProcessed: 0,
  totalBytesProcessed: 0,
  problems: 0,
};
