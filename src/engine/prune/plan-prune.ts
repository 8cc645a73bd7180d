import { stat } from 'node:fs/promises';
import { keyOf } from '../layout.ts';
import type { Repository, RepositoryFile } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { findLocked, planAroundLocks, type AroundLocks } from './around-locks.ts';
import { choosePackUses, type PackUse } from './choose-copies.ts';
import { rememberSurvey } from './planned-survey.ts';
import type { PruneOptions, PrunePlan, PruneTotals } from './prune-plan.ts';
import { selectRepacks } from './select-repacks.ts';
import { surveyRepository, type Survey } from './survey-repository.ts';

const dayMs = 24 * 60 * 60_000;

/**
 * Finds out what can be freed, and changes nothing. To execute the plan the repository must be as it is now; so an exclusive lock is best
 * held from here on (a dry run needs none).
 *
 * @throws HoldfastError `prune-refused` when a snapshot, a tree or an index file cannot be read, or a needed pack is missing; `damaged`, `interrupted`
 */
export async function planPrune(repository: Repository, options: PruneOptions, context: RunContext): Promise<PrunePlan> {
  const survey = await surveyRepository(repository, options.keepSnapshots, context);
  const uses = choosePackUses(repository, survey);
  const isThere = ({ pack }: PackUse): boolean => (survey.listedSizes[pack] ?? -1) >= 0;
  const unused = uses.filter(({ usedBlobs }) => usedBlobs === 0);
  const needed = uses.filter(({ usedBlobs }) => usedBlobs > 0);
  const isLocking = repository.storage.retention !== undefined;
  // Where packs are locked a pack that is rewritten would stay all the same.
  const repack = isLocking ? [] : selectRepacks(needed, options, (pack) => survey.listedSizes[pack] ?? 0);
  const unindexed = await sortUnindexed(repository, survey.unindexed, options.unindexedPacks ?? 'old');
  const ids = (chosen: readonly PackUse[]): string[] => chosen.map(({ pack }) => survey.index.packs[pack] ?? '');
  const sizes = (chosen: readonly PackUse[]): number =>
    chosen.reduce((sum, { pack }) => sum + Math.max(0, survey.listedSizes[pack] ?? 0), 0);
  const before = totalBefore(survey, uses);
  const locks = isLocking ? await planUnused(repository, survey, unused) : undefined;
  const goes = new Set(locks?.deletePacks);
  const removed = unused.filter((use) => isThere(use) && (locks === undefined || goes.has(survey.index.packs[use.pack] ?? '')));
  const freed = sizes(removed) + sumOf(repack, 'unusedBytes') + unindexed.remove.reduce((sum, { size }) => sum + size, 0);
  const plan: PrunePlan = {
    snapshots: survey.snapshots,
    indexFiles: survey.indexFiles,
    keepPacks: needed.length - repack.length,
    repackPacks: ids(repack),
    deletePacks: ids(removed),
    deleteUnindexedPacks: unindexed.remove.map(({ id }) => id),
    keepUnindexedPacks: unindexed.keep.map(({ id }) => id),
    forgetPacks: locks?.forgetPacks ?? ids(unused.filter((use) => !isThere(use))),
    repeatedIndexEntries: survey.byPack.saidTwice,
    ...(locks === undefined ? {} : { aroundLocks: withoutPacks(locks) }),
    usedBlobs: survey.used.count,
    usedBytes: sumOf(needed, 'usedBytes'),
    repackBytes: sizes(repack),
    freedBytes: freed,
    before,
    after: {
      packs:
        needed.length -
        repack.length +
        (locks?.waitingPacks.length ?? 0) +
        Math.ceil(sumOf(repack, 'usedBytes') / (16 * 2 ** 20)) +
        unindexed.keep.length,
      bytes: before.bytes - freed,
      blobs: sumOf(needed, 'usedBlobs') + sumOf(needed, 'unusedBlobs') - sumOf(repack, 'unusedBlobs'),
      unusedBytes: sumOf(needed, 'unusedBytes') - sumOf(repack, 'unusedBytes'),
    },
  };
  rememberSurvey(plan, survey);
  return plan;
}

type LockedPlan = Awaited<ReturnType<typeof planAroundLocks>>;

function planUnused(repository: Repository, survey: Survey, unused: readonly PackUse[]): Promise<LockedPlan> {
  const packs = unused.map(({ pack }) => ({ id: survey.index.packs[pack] ?? '', size: survey.listedSizes[pack] ?? -1 }));
  return planAroundLocks(repository, survey.indexFiles, {
    there: new Map(packs.filter(({ size }) => size >= 0).map(({ id, size }) => [id, size])),
    missing: packs.filter(({ size }) => size < 0).map(({ id }) => id),
  });
}

function withoutPacks({ reindexPacks, removeIndexFiles, waitingPacks, waitingBytes, waitingUntil }: LockedPlan): AroundLocks {
  return { reindexPacks, removeIndexFiles, waitingPacks, waitingBytes, ...(waitingUntil === undefined ? {} : { waitingUntil }) };
}

function totalBefore(survey: Survey, uses: readonly PackUse[]): PruneTotals {
  const listed = survey.listedSizes.reduce((sum, size) => sum + Math.max(0, size), 0);
  return {
    packs: survey.listedSizes.filter((size) => size >= 0).length + survey.unindexed.length,
    bytes: listed + survey.unindexed.reduce((sum, { size }) => sum + size, 0),
    blobs: sumOf(uses, 'usedBlobs') + sumOf(uses, 'unusedBlobs'),
    unusedBytes: sumOf(uses, 'unusedBytes'),
  };
}

function sumOf(uses: readonly PackUse[], field: 'usedBlobs' | 'unusedBlobs' | 'usedBytes' | 'unusedBytes'): number {
  return uses.reduce((sum, use) => sum + use[field], 0);
}

/**
 * A pack that no index names is what an interrupted run left behind, or what a run that is not over has just written. restic, holding an
 * exclusive lock, removes it at once. But a lock is no proof: a machine that slept through its lock's life, a lock removed by hand or a
 * container that shares a host name may be in the middle of a backup, whose index would then name packs that are gone. Waiting a day costs
 * some space for a day, so that is the default. The age is known where packs are files of this machine; elsewhere `old` removes nothing,
 * and `all` is there for who knows that no other run is under way.
 */
async function sortUnindexed(
  repository: Repository,
  packs: readonly RepositoryFile[],
  choice: 'old' | 'all' | 'none',
): Promise<{ remove: RepositoryFile[]; keep: RepositoryFile[] }> {
  const sorted: { remove: RepositoryFile[]; keep: RepositoryFile[] } = { remove: [], keep: [] };
  const locked =
    choice === 'none'
      ? new Map()
      : await findLocked(
          repository,
          'pack',
          packs.map(({ id }) => id),
        );
  for (const pack of packs) {
    if (locked.has(pack.id)) {
      sorted.keep.push(pack);
      continue;
    }
    const removed = choice === 'all' || (choice === 'old' && (await isOld(repository, pack.id)));
    sorted[removed ? 'remove' : 'keep'].push(pack);
  }
  return sorted;
}

async function isOld(repository: Repository, id: string): Promise<boolean> {
  const path = repository.storage.local?.path(keyOf('pack', id));
  if (path === undefined) return false;
  try {
    return (await stat(path)).mtimeMs < repository.clock.now().getTime() - dayMs;
  } catch {
    return false;
  }
}
