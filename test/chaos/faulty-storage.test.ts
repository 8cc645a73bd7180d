/**
 * Backup, prune and restore on a storage that fails, stutters, lies and forgets: either they succeed, and what they leave is sound, or they
 * say what was wrong. Nothing is ever restored wrong in silence, and nothing that was saved is lost.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { backup } from '../../src/engine/backup.ts';
import { lockRepository } from '../../src/engine/lock/lock-repository.ts';
import { executePrune } from '../../src/engine/prune/execute-prune.ts';
import { planPrune } from '../../src/engine/prune/plan-prune.ts';
import type { Repository } from '../../src/engine/repository.ts';
import { HoldfastError } from '../../src/errors.ts';
import type { Fault } from '../../src/storage/testing/fault-plan.ts';
import { createFaultyStorage, type FaultyStorage } from '../../src/storage/testing/faulty-storage.ts';
import { createRetryStorage } from '../../src/storage/wrap/retry-storage.ts';
import { judge } from '../harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { quietContext, restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { idsIn, KnownPoints } from './known-points.ts';
import { changeSmallTree, digestOf, makeSmallTree } from './small-tree.ts';

const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const place = await makeWorkplace();
const base = place.path('base');
const repository = place.path('repository');
const points = new KnownPoints(place.path('tree'));
afterAll(() => place.remove());

/** Three points; the first is forgotten, so that there is something to prune. */
beforeAll(async () => {
  await createQuickRepository(base);
  makeSmallTree(points.tree, seed, 0.4);
  const opened = await openQuickRepository(base);
  for (let round = 0; round < 3; round++) {
    if (round > 0) changeSmallTree(points.tree, `${seed} ${round}`, 0.4);
    await backUp(opened);
    if (round === 0) await opened.removeFile('snapshot', (await idsIn(base))[0] ?? '');
    await points.learn(base);
  }
  changeSmallTree(points.tree, `${seed} last`, 0.4);
});

async function backUp(opened: Repository): Promise<void> {
  const capture = { shape: 'tree', roots: [points.tree], select: {} } as const;
  const { problems } = await backup(opened, { capture, paths: [points.tree] }, quietContext());
  if (problems > 0) throw new Error(`${problems} problems in a backup of plain files`);
}

async function prune(opened: Repository): Promise<void> {
  const lock = await lockRepository(
    opened,
    { exclusive: true, timing: { settleMs: 0, firstPauseMs: 1, longestPauseMs: 1 } },
    quietContext(),
  );
  try {
    await executePrune(opened, await planPrune(opened, { maxUnused: 0 }, quietContext()), lock, quietContext());
  } finally {
    await lock.release();
  }
}

const faults: Readonly<Record<string, readonly Fault[]>> = {
  'calls that fail at times': [{ chance: 0.2, effect: { kind: 'fail' } }],
  'calls that fail often': [{ chance: 0.6, effect: { kind: 'fail' } }],
  'calls that work and say that they failed': [{ chance: 0.2, effect: { kind: 'fail-after' } }],
  'slow calls': [{ chance: 0.3, effect: { kind: 'delay', milliseconds: 20 } }],
  'short reads that are told': [{ operation: 'get', chance: 0.3, effect: { kind: 'short' } }],
  'short reads that are not told': [{ operation: 'get', key: /^(data|index|snapshots)\//, chance: 0.3, effect: { kind: 'truncate' } }],
  'flipped bits': [{ operation: 'get', key: /^(data|index|snapshots)\//, chance: 0.3, effect: { kind: 'flip' } }],
  'packs and indexes that vanish': [{ key: /^(data|index)\//, chance: 0.2, effect: { kind: 'vanish' } }],
  'a storage that dies half way': [{ key: /^(data|index|snapshots)\//, from: 5, effect: { kind: 'fail' } }],
  'a storage that is full': [{ operation: 'put', key: /^(index|snapshots)\//, effect: { kind: 'fail', code: 'storage-full' } }],
  'a storage that denies': [{ operation: 'putFile', from: 1, effect: { kind: 'fail', code: 'storage-denied' } }],
};

/** A fresh copy of the base, behind faults and the retries that every remote storage gets. */
async function openFaulty(plan: readonly Fault[], number = 1): Promise<{ opened: Repository; injected(): number }> {
  rmSync(repository, { recursive: true, force: true });
  cpSync(base, repository, { recursive: true });
  let storage: FaultyStorage | undefined;
  const opened = await openQuickRepository(repository, (local) => {
    storage = createFaultyStorage(local, [{ key: /^(config|keys\/)/, effect: { kind: 'delay', milliseconds: 0 } }, ...plan], number);
    return createRetryStorage(storage, { retries: 3, firstDelay: 1, longestDelay: 4 });
  });
  const before = storage?.injected ?? 0;
  return { opened, injected: () => (storage?.injected ?? 0) - before };
}

/** Does the work; a failure must be one of the catalogue's. */
async function outcomeOf(work: () => Promise<void>): Promise<'done' | HoldfastError> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'internal' && error.code !== 'machine-unreliable') return error;
    throw error;
  }
}

async function expectSound(): Promise<void> {
  await judge(repository);
  for (const id of points.ids) await points.verify(repository, id);
}

describe.each(Object.entries(faults))(`%s (seed ${seed})`, (_, plan) => {
  test('a backup', async () => {
    const { opened, injected } = await openFaulty(plan);
    const outcome = await outcomeOf(() => backUp(opened));
    expect(injected()).toBeGreaterThan(0);
    await expectSound();
    const added = (await idsIn(repository)).filter((id) => !points.ids.includes(id));
    expect(added.length).toBe(outcome === 'done' ? 1 : added.length);
    const fresh = new KnownPoints(points.tree);
    await fresh.learn(repository);
    for (const id of added) await fresh.verify(repository, id);
    await backUp(await openQuickRepository(repository));
    await judge(repository, []);
  });

  test('a prune', async () => {
    const { opened, injected } = await openFaulty(plan);
    await outcomeOf(() => prune(opened));
    expect(injected()).toBeGreaterThan(0);
    await expectSound();
    rmSync(join(repository, 'locks'), { recursive: true, force: true });
    await prune(await openQuickRepository(repository));
    await expectSound();
  });

  test.each([1, 2])('a restore, run %i', async (number) => {
    for (const id of points.ids) {
      const { opened } = await openFaulty(plan, number);
      const target = place.path('target');
      rmSync(target, { recursive: true, force: true });
      let problems = 0;
      const outcome = await outcomeOf(async () => {
        problems = (await restoreSnapshot(opened, id, { target })).problems;
      });
      if (outcome === 'done' && problems === 0) expect(points.matches(id, digestOf(join(target, points.tree)))).toBe(true);
    }
  });
});

test.each([1, 2])('a storage that loses what is written, run %i: a prune notices before it deletes', async (number) => {
  const { opened } = await openFaulty(
    [
      { operation: 'putFile', chance: 0.7, effect: { kind: 'lose' } },
      { operation: 'put', key: /^index/, chance: 0.7, effect: { kind: 'lose' } },
    ],
    number,
  );
  await outcomeOf(() => prune(opened));
  await expectSound();
});
