/** Puts files back below a folder: plan, then do. */
import { findNode } from '../engine/browse/list-nodes.ts';
import type { Repository } from '../engine/repository.ts';
import { executeRestore } from '../engine/restore/execute-restore.ts';
import { planRestore } from '../engine/restore/plan-restore.ts';
import type { RestorePlan } from '../engine/restore/restore-plan.ts';
import type { RestoreRequest, RestoreSummary } from '../engine/restore/restore-request.ts';
import type { RunContext } from '../engine/run-context.ts';
import { HoldfastError } from '../errors.ts';
import { holding, locatePoint } from './browse.ts';
import { type LockChoice, withReadLock } from './open-session.ts';
import type { PointRequest } from './point-request.ts';
import type { PointComponent } from './points.ts';

export interface RestoreFilesRequest {
  readonly point: PointRequest;
  /** A file or folder of the point, absolute; everything by default. */
  readonly path?: string;
  readonly restore: Omit<RestoreRequest, 'subPath'>;
  readonly lock: LockChoice;
  /** Shown each plan before it is carried out. */
  onPlan?(plan: RestorePlan, component: PointComponent): void;
}

export interface RestoreFilesReport {
  readonly pointId: string;
  readonly components: readonly string[];
  readonly target: string;
  /** One for each component, in order. */
  readonly summaries: readonly RestoreSummary[];
}

/**
 * Restores the components of a point below a folder: those of files, unless another was named, or there is none of files. Throws `snapshot-missing`, `path-missing`, `target-unusable`, `damaged`, `interrupted`, …
 */
export function restoreFiles(repository: Repository, request: RestoreFilesRequest, context: RunContext): Promise<RestoreFilesReport> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async (locked) => {
      const found = await locatePoint(repository, request.point, locked);
      const components = preferFiles(request.path === undefined ? found.components : await holding(repository, found, request.path));
      // To one component, what another has just restored would be something to delete.
      if (request.restore.delete === true && components.length > 1)
        throw new HoldfastError('usage', {
          reason: '--delete restores one component at a time, and --component says which',
          help: 'holdfast restore --help',
        });
      const summaries: RestoreSummary[] = [];
      for (const component of components) {
        const chosen = { ...request.restore, ...(await chooseSubPath(repository, component, request)) };
        const plan = await planRestore(
          repository,
          { id: component.id, tree: component.snapshot.tree, paths: component.snapshot.paths },
          chosen,
          locked,
        );
        request.onPlan?.(plan, component);
        summaries.push(await executeRestore(repository, plan, locked));
      }
      return {
        pointId: found.point.id,
        components: components.map(({ tags }) => tags.component),
        target: request.restore.target,
        summaries,
      };
    },
  });
}

const recordKinds = ['postgres', 'redis', 'point', 'report'];

/** A database's dump is nothing that somebody looks for among the files, unless that is all there is. */
function preferFiles(components: readonly PointComponent[]): readonly PointComponent[] {
  const files = components.filter(({ tags }) => !recordKinds.includes(tags.kind));
  return files.length === 0 ? components : files;
}

/** A folder's content lies directly in the target; a single file does too, which is its folder with everything else left out. */
async function chooseSubPath(
  repository: Repository,
  component: PointComponent,
  { path, restore }: RestoreFilesRequest,
): Promise<Pick<RestoreRequest, 'subPath' | 'include'>> {
  if (path === undefined) return {};
  const at = await findNode(repository, component, path);
  if (!('node' in at) || at.node.type === 'dir') return { subPath: path };
  const slash = at.path.lastIndexOf('/');
  return {
    subPath: at.path.slice(0, slash) || '/',
    include: [...(restore.include ?? []), `/${at.node.name.replaceAll(/[\\*?[]/g, '\\$&')}`],
  };
}
