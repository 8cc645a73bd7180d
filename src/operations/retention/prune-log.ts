/** The write-ahead log that prune removes: what no base backup that stays needs. */
import { isRefusal } from '../../engine/prune/removal.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import type { HoldfastError } from '../../errors.ts';
import { fileObject, partObject, segmentObject } from '../../wal/object-names.ts';
import type { PlannedExpiry } from '../wal/expire-wal.ts';
import { readStoredBases } from '../wal/stored-bases.ts';

/**
 * What goes when only these snapshots stay (all, where none are given). Throws `damaged` where a base backup that stays does not say from where on it
 * needs the log: then none of it may go.
 */
export async function planLogExpiry(
  repository: Repository,
  keep: readonly string[] | undefined,
  { signal }: RunContext,
): Promise<readonly PlannedExpiry[]> {
  const stays = keep === undefined ? undefined : new Set(keep);
  const { openSealedObjects } = await import('../../engine/objects/sealed-objects.ts');
  const { listWalSystems } = await import('../../wal/open-wal-archive.ts');
  // Without a log there is nothing that could go.
  if ((await listWalSystems(openSealedObjects(repository))).length === 0) return [];
  const bases = await readStoredBases(repository, signal, (id) => stays?.has(id) !== false);
  // No base backup: nothing says what the log is for, and others may need it.
  if (bases.length === 0) return [];
  const { planExpiry } = await import('../wal/expire-wal.ts');
  return planExpiry(repository, bases);
}

/** Removes it. Returns why the place does not let go of some of it: what is left of it waits. */
export async function expireLog(repository: Repository, planned: readonly PlannedExpiry[]): Promise<HoldfastError | undefined> {
  if (planned.length === 0) return undefined;
  try {
    await (await import('../wal/expire-wal.ts')).executeExpiry(repository, planned);
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}

/** The names of its objects: `wal/7350…/00000001/000000010000000000000003`. */
export function namesOfExpiry(planned: readonly PlannedExpiry[]): Set<string> {
  return new Set(
    planned.flatMap(({ systemId, segments, parts, files }) => [
      ...segments.map((segment) => segmentObject(systemId, segment)),
      ...parts.map(({ segment, part }) => partObject(systemId, segment, part)),
      ...files.flatMap((file) => fileObject(systemId, file) ?? []),
    ]),
  );
}
