/** One repository in a real object store, for holdfast's engine and stock restic in turn: each reads, adds to and tidies up what the other wrote. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { backup } from '../../src/engine/backup.ts';
import { checkRepository } from '../../src/engine/check/check-repository.ts';
import { lockRepository } from '../../src/engine/lock/lock-repository.ts';
import { executePrune } from '../../src/engine/prune/execute-prune.ts';
import { planPrune } from '../../src/engine/prune/plan-prune.ts';
import { initRepository, openRepository, type Repository } from '../../src/engine/repository.ts';
import { loadSnapshots } from '../../src/engine/snapshots/load-snapshots.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createRetryStorage } from '../../src/storage/wrap/retry-storage.ts';
import { changeSmallTree, makeSmallTree } from '../chaos/small-tree.ts';
import { done, password, restic, summaryOf } from '../harness/programs/run-programs.ts';
import { quietContext, restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { startCeph, type Ceph } from '../harness/stores/ceph.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { isLostByFormat, isMissedByRestic } from '../harness/trees/known-losses.ts';

/* Each run of a program waits for scrypt, and every check reads all there is. */
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const place = await makeWorkplace();
const tree = place.path('tree');
let ceph: Ceph;
beforeAll(async () => {
  ceph = await startCeph();
  for (const bucket of ['ours', 'theirs']) await ceph.createBucket(bucket);
  makeSmallTree(tree, 'restic and s3', 0.5);
});
afterAll(async () => {
  await ceph.stop();
  await place.remove();
});

const urlOf = (bucket: string): string => `s3:${ceph.endpoint}/${bucket}/app`;

async function storageOf(bucket: string): Promise<Storage> {
  return createRetryStorage(await openStorage(urlOf(bucket), { environment: ceph.environment }));
}

function runRestic(bucket: string, words: readonly string[]): ReturnType<typeof done> {
  return done(restic(urlOf(bucket), words, { env: ceph.environment }));
}

async function withRepository<T>(bucket: string, work: (repository: Repository) => Promise<T>): Promise<T> {
  const repository = await openRepository(await storageOf(bucket), { password });
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}

async function backUp(bucket: string): Promise<{ dataBlobs: number; problems: number }> {
  const capture = { shape: 'tree', roots: [tree], select: {} } as const;
  return withRepository(bucket, (repository) => backup(repository, { capture, paths: [tree], host: 'ours' }, quietContext()));
}

/** Both programs' own judgement, all data read. */
async function judgeBoth(bucket: string): Promise<void> {
  const { stdout } = await runRestic(bucket, ['check', '--no-lock', '--read-data']);
  expect(stdout).toContain('no errors were found');
  const report = await withRepository(bucket, (repository) => checkRepository(repository, { readData: 'all' }, quietContext()));
  expect(report.errors).toEqual([]);
}

/** Both restore the newest snapshot of a host, from the store. */
async function restoreBoth(bucket: string, host: 'ours' | 'theirs'): Promise<void> {
  const isAllowed = host === 'ours' ? isLostByFormat : isMissedByRestic;
  const [byOurs, byTheirs] = [place.path('back-by-ours'), place.path('back-by-theirs')];
  await withRepository(bucket, async (repository) => {
    const newest = (await loadSnapshots(repository)).findLast(({ snapshot }) => snapshot.hostname === host);
    await restoreSnapshot(repository, newest?.id ?? '', { target: byOurs });
  });
  await runRestic(bucket, ['restore', 'latest', '--host', host, '--target', byTheirs]);
  expect(compareTrees(tree, `${byOurs}${tree}`).filter((difference) => !isAllowed(difference))).toEqual([]);
  expect(compareTrees(tree, `${byTheirs}${tree}`).filter((difference) => !isMissedByRestic(difference))).toEqual([]);
  for (const target of [byOurs, byTheirs]) rmSync(target, { recursive: true, force: true });
}

describe.each(['ours', 'theirs'] as const)('a repository begun by %s', (bucket) => {
  test('takes the points of both, and each stores only what the other has not', async () => {
    if (bucket === 'ours') await (await initRepository(await storageOf(bucket), { password })).close();
    else await runRestic(bucket, ['init']);
    const theirBackup = async (): Promise<unknown> =>
      summaryOf(await runRestic(bucket, ['backup', tree, '--host', 'theirs', '--json']))['data_blobs'];
    const ourBackup = async (): Promise<unknown> => (await backUp(bucket)).dataBlobs;
    const [first, second] = bucket === 'ours' ? [ourBackup, theirBackup] : [theirBackup, ourBackup];
    expect(await first()).toBeGreaterThan(5);
    expect(await second()).toBe(0);
    await judgeBoth(bucket);
    for (const host of ['ours', 'theirs'] as const) await restoreBoth(bucket, host);
  });

  test('is sound after both have pruned', async () => {
    changeSmallTree(tree, `change ${bucket}`, 0.5);
    await backUp(bucket);
    await runRestic(bucket, ['forget', '--keep-last', '1', '--host', 'ours', '--prune', '--max-unused', '0']);
    await runRestic(bucket, ['backup', tree, '--host', 'theirs']);
    await runRestic(bucket, ['forget', '--keep-last', '1', '--host', 'theirs']);
    await withRepository(bucket, async (repository) => {
      const timing = { settleMs: 0, firstPauseMs: 1, longestPauseMs: 1 };
      const lock = await lockRepository(repository, { exclusive: true, timing }, quietContext());
      try {
        await executePrune(repository, await planPrune(repository, { maxUnused: 0 }, quietContext()), lock, quietContext());
      } finally {
        await lock.release();
      }
    });
    await judgeBoth(bucket);
    await restoreBoth(bucket, 'ours');
  });
});
