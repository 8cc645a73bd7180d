/** Removes the WAL that no kept base backup needs: what `prune` does beside packs. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import { parseLsn } from '../../util/lsn.ts';
import { listWalSystems, openWalArchive } from '../../wal/open-wal-archive.ts';
import { executeWalExpiry, planWalExpiry, type WalExpiry } from '../../wal/plan-expiry.ts';

/** What goes of one cluster. */
export interface PlannedExpiry extends WalExpiry {
  readonly systemId: string;
}

/**
 * Of each cluster with a kept base, what is before the oldest of them on its timelines; of a cluster without any, nothing. `keptBases` are all that
 * stay, those that others build on among them.
 */
export async function planExpiry(
  repository: Repository,
  keptBases: readonly Pick<BaseManifest, 'systemId' | 'timeline' | 'startLsn'>[],
): Promise<readonly PlannedExpiry[]> {
  const objects = openSealedObjects(repository);
  const planned: PlannedExpiry[] = [];
  for (const systemId of await listWalSystems(objects)) {
    const bases = keptBases
      .filter((base) => base.systemId === systemId)
      .map(({ timeline, startLsn }) => ({ timeline, startLsn: parseLsn(startLsn) }));
    const plan = await planWalExpiry(openWalArchive(objects, systemId), bases);
    if (plan.segments.length + plan.parts.length + plan.files.length > 0) planned.push({ systemId, ...plan });
  }
  return planned;
}

/** Under the exclusive lock that it was planned under. */
export async function executeExpiry(repository: Repository, planned: readonly PlannedExpiry[]): Promise<void> {
  const objects = openSealedObjects(repository);
  for (const { systemId, ...plan } of planned) await executeWalExpiry(openWalArchive(objects, systemId), plan);
}
