import { findNode } from '../../engine/browse/list-nodes.ts';
import type { Repository } from '../../engine/repository.ts';
import { isError } from '../../errors.ts';
import type { PointComponent } from '../points.ts';

/** Whether a component of the kind `config` was saved as templates; otherwise it holds files as any others. */
export async function holdsTemplates(repository: Repository, snapshot: PointComponent): Promise<boolean> {
  const { configManifestPath } = await import('../../sources/config/config-manifest.ts');
  return findNode(repository, snapshot, configManifestPath).then(
    () => true,
    (error: unknown) => {
      if (isError(error, 'path-missing')) return false;
      throw error;
    },
  );
}
