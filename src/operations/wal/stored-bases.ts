/** The base backups of a repository, as the arithmetic of the log wants them. */
import type { Repository } from '../../engine/repository.ts';
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import { loadPoints } from '../points.ts';

const baseKind = 'postgres-base';

/** What each base backup that is meant (all, where nothing is said) says of itself. Throws `damaged` where one does not say from where on it needs the log. */
export async function readStoredBases(
  repository: Repository,
  signal: AbortSignal,
  isMeant: (snapshotId: string) => boolean = () => true,
): Promise<readonly BaseManifest[]> {
  const bases = (await loadPoints(repository)).flatMap(({ id: pointId, components }) =>
    components.filter(({ id, tags }) => tags.kind === baseKind && isMeant(id)).map((snapshot) => ({ pointId, snapshot })),
  );
  if (bases.length === 0) return [];
  const { openBase } = await import('../point-in-time/find-bases.ts');
  return Promise.all(bases.map(async (base) => (await openBase(repository, base, signal)).manifest));
}
