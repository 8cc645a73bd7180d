import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError, isError } from '../../errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { checkRepository } from '../check/check-repository.ts';
import { makeSampleRepository, openSample, quietContext, type SampleRepository } from '../check/testing/sample-repository.ts';
import { lockRepository } from '../lock/lock-repository.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { executePrune } from './execute-prune.ts';
import { forgetSnapshots } from './forget-snapshots.ts';
import { planPrune } from './plan-prune.ts';
import type { PruneOptions, PruneResult } from './prune-plan.ts';

let sample: SampleRepository;
beforeAll(async () => {
  sample = await makeSampleRepository(3);
});
afterAll(() => sample[Symbol.dispose]());

const timing = { settleMs: 0 };

async function prune(repository: Repository, options: PruneOptions = {}): Promise<PruneResult> {
  const lock = await lockRepository(repository, { exclusive: true, timing }, quietContext());
  try {
    return await executePrune(repository, await planPrune(repository, options, quietContext()), lock, quietContext());
  } finally {
    await lock.release();
  }
}

async function forgetFirst(repository: Repository): Promise<string[]> {
  const [first, ...others] = await loadSnapshots(repository);
  await forgetSnapshots(repository, [first?.id ?? '']);
  return others.map(({ id }) => id);
}

test('with nothing unused there is nothing to do', async () => {
  const path = sample.copy('nothing');
  const before = contentOf(path);
  const result = await prune(await openSample(path), { maxUnused: 0 });
  expect(result).toMatchObject({ deletedPacks: 0, newPacks: 0, freedBytes: 0 });
  expect(contentOf(path)).toEqual(before);
});

test('what only a forgotten snapshot used is freed, and the others restore as before', async () => {
  const path = sample.copy('forgotten');
  const repository = await openSample(path);
  const [first] = await loadSnapshots(repository);
  await forgetSnapshots(repository, [first?.id ?? '']);
  const plan = await planPrune(repository, { maxUnused: 0 }, quietContext());
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  // The first snapshot's changing.bin and only-1.bin.
  expect(plan.freedBytes).toBeGreaterThan(1_000_000);
  expect(plan.repackPacks.length).toBeGreaterThan(0);
  const result = await prune(repository, { maxUnused: 0 });
  expect(result.movedBlobs).toBeGreaterThan(0);
  expect(sizeOf(path)).toBeLessThan(sizeOf(sample.path) - 1_000_000);
  expect(sample.judge(path, 'check', '--read-data')).toContain('no errors were found');
  expect((await checkRepository(repository, { readData: 'all' }, quietContext())).errors).toEqual([]);
  for (const { id } of await loadSnapshots(repository)) {
    expect(restored(path, id)).toEqual(restored(sample.path, id));
  }
  // And restic finds nothing more to free.
  expect(sample.judge(path, 'prune', '--max-unused', '0')).toMatch(/to repack: +0 blobs[^]*to delete: +0 blobs/);
});

test('a plan that went through JSON is executed all the same, and only once', async () => {
  const path = sample.copy('json');
  const repository = await openSample(path);
  await forgetFirst(repository);
  const plan = JSON.parse(JSON.stringify(await planPrune(repository, { maxUnused: 0 }, quietContext()))) as Awaited<
    ReturnType<typeof planPrune>
  >;
  const lock = await lockRepository(repository, { exclusive: true, timing }, quietContext());
  await executePrune(repository, plan, lock, quietContext());
  await expect(executePrune(repository, plan, lock, quietContext())).rejects.toSatisfy((error) => isError(error, 'prune-outdated'));
  await lock.release();
  expect(sample.judge(path, 'check', '--read-data')).toContain('no errors were found');
});

test('a dry run before forgetting frees what executing then does, and is refused while the snapshot is there', async () => {
  const path = sample.copy('dry');
  const repository = await openSample(path);
  const all = await loadSnapshots(repository);
  const plan = await planPrune(repository, { keepSnapshots: all.slice(1).map(({ id }) => id), maxUnused: 0 }, quietContext());
  expect(plan.freedBytes).toBeGreaterThan(1_000_000);
  const lock = await lockRepository(repository, { exclusive: true, timing }, quietContext());
  await expect(executePrune(repository, plan, lock, quietContext())).rejects.toSatisfy((error) => isError(error, 'prune-outdated'));
  await forgetSnapshots(repository, [all[0]?.id ?? '']);
  expect((await executePrune(repository, plan, lock, quietContext())).freedBytes).toBe(plan.freedBytes);
  await lock.release();
});

test('a lock that is not exclusive is refused', async () => {
  const repository = await openSample(sample.copy('shared'));
  const lock = await lockRepository(repository, { exclusive: false, timing }, quietContext());
  const plan = await planPrune(repository, {}, quietContext());
  await expect(executePrune(repository, plan, lock, quietContext())).rejects.toSatisfy((error) => isError(error, 'internal'));
  await lock.release();
});

describe('nothing is deleted when something needed cannot be read', () => {
  test.each([
    ['a snapshot', 'snapshots/*', 'damaged'],
    ['an index file', 'index/*', 'prune-refused'],
    ['a pack', 'data/*/*', 'prune-refused'],
  ])('%s', async (_, pattern, code) => {
    const path = sample.copy(`unreadable-${pattern.slice(0, 4)}`);
    const repository = await openSample(path);
    const kept = await forgetFirst(repository);
    const [victim = ''] = globSync(pattern, { cwd: path }).filter((file) => pattern !== 'snapshots/*' || kept.includes(basename(file)));
    writeFileSync(join(path, victim), 'x');
    const before = contentOf(path);
    await expect(prune(repository, { maxUnused: 0 })).rejects.toMatchObject({ code });
    expect(contentOf(path)).toEqual(before);
  });

  test('a blob that is to be moved', async () => {
    const path = sample.copy('unreadable-blob');
    const repository = await openSample(path);
    await forgetFirst(repository);
    const plan = await planPrune(repository, { maxUnused: 0 }, quietContext());
    for (const id of plan.repackPacks) {
      const file = join(path, 'data', id.slice(0, 2), id);
      writeFileSync(file, readFileSync(file).fill(0, 0, statSync(file).size - 300));
    }
    const before = contentOf(path);
    const lock = await lockRepository(repository, { exclusive: true, timing }, quietContext());
    await expect(executePrune(repository, plan, lock, quietContext())).rejects.toSatisfy((error) => isError(error, 'damaged'));
    await lock.release();
    expect(Object.keys(before).every((file) => existsSync(join(path, file)))).toBe(true);
  });
});

test('a missing pack that nothing needs is forgotten', async () => {
  const path = sample.copy('missing-unneeded');
  const repository = await openSample(path);
  const all = await loadSnapshots(repository);
  await forgetSnapshots(
    repository,
    all.map(({ id }) => id),
  );
  const [pack = ''] = globSync('data/*/*', { cwd: path });
  rmSync(join(path, pack));
  expect((await planPrune(repository, {}, quietContext())).forgetPacks).toEqual([basename(pack)]);
  await prune(repository);
  expect(globSync('data/*/*', { cwd: path })).toEqual([]);
  expect(sample.judge(path, 'check', '--read-data')).toContain('no errors were found');
});

test('a pack that no index names goes once it is a day old', async () => {
  const path = sample.copy('unindexed');
  const repository = await openSample(path);
  const [old, young] = ['aa'.repeat(32), 'ab'.repeat(32)];
  for (const id of [old, young]) writeFileSync(join(path, 'data', id.slice(0, 2), id), 'leftover');
  const yesterday = repository.clock.now().getTime() / 1000 - 25 * 3600;
  utimesSync(join(path, 'data/aa', old), yesterday, yesterday);
  expect(await planPrune(repository, {}, quietContext())).toMatchObject({ deleteUnindexedPacks: [old], keepUnindexedPacks: [young] });
  expect(await planPrune(repository, { unindexedPacks: 'none' }, quietContext())).toMatchObject({
    deleteUnindexedPacks: [],
    keepUnindexedPacks: [old, young],
  });
  await prune(repository);
  expect(existsSync(join(path, 'data/aa', old))).toBe(false);
  expect(existsSync(join(path, 'data/ab', young))).toBe(true);
  await prune(repository, { unindexedPacks: 'all' });
  expect(existsSync(join(path, 'data/ab', young))).toBe(false);
});

test('what may stay unused stays, and what may be rewritten bounds the work', async () => {
  const path = sample.copy('bounds');
  const repository = await openSample(path);
  await forgetFirst(repository);
  expect((await planPrune(repository, { maxUnused: 'unlimited' }, quietContext())).repackPacks).toEqual([]);
  expect((await planPrune(repository, { maxUnused: 0, maxRepackBytes: 0 }, quietContext())).repackPacks).toEqual([]);
  await expect(planPrune(repository, { maxUnused: '120%' }, quietContext())).rejects.toSatisfy((error) => isError(error, 'usage'));
});

test('a crash at any write or removal leaves a repository that is whole, and the next prune finishes', async () => {
  const start = sample.copy('crash-start');
  await forgetFirst(await openSample(start));
  let calls = 0;
  for (let crashAt = 1; ; crashAt++) {
    const path = join(sample.folder, 'crash');
    cpSync(start, path, { recursive: true });
    const counter = { left: crashAt };
    const repository = await openSample(path, (storage) => crashing(storage, counter));
    const finished = await prune(repository, { maxUnused: 0 }).then(
      () => true,
      () => false,
    );
    const after = await openSample(path);
    expect((await checkRepository(after, {}, quietContext())).errors, `after a crash at call ${crashAt}`).toEqual([]);
    if (counter.left > 0) {
      expect(finished).toBe(true);
      break;
    }
    // restic judges some: it takes longer.
    if (crashAt % 3 === 1) expect(sample.judge(path, '--no-lock', 'check', '--read-data')).toContain('no errors were found');
    calls = crashAt;
    rmSync(join(path, 'locks'), { recursive: true });
    mkdirSync(join(path, 'locks'));
    await prune(after, { maxUnused: 0, unindexedPacks: 'all' });
    expect((await checkRepository(after, {}, quietContext())).notices).toEqual([]);
    expect((await planPrune(after, { maxUnused: 0 }, quietContext())).freedBytes).toBe(0);
    rmSync(path, { recursive: true });
  }
  expect(calls).toBeGreaterThan(8);
});

/** A storage that stops working for good at the given call that changes something, which is not done. */
function crashing(storage: Storage, counter: { left: number }): Storage {
  const changes = new Set<string | symbol>(['put', 'putFile', 'remove']);
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (changes.has(name)) counter.left -= 1;
        if (counter.left <= 0 && changes.has(name))
          return Promise.reject(
            new HoldfastError('storage-failed', { action: 'write', key: 'anything', location: 'here', reason: 'the power is cut' }),
          );
        return Reflect.apply(value, target, args);
      };
    },
  });
}

function restored(path: string, snapshot: string): Record<string, string> {
  const target = join(sample.folder, 'restored');
  rmSync(target, { recursive: true, force: true });
  sample.judge(path, '--no-lock', 'restore', snapshot, '--target', target);
  return contentOf(target);
}

function contentOf(folder: string): Record<string, string> {
  const files = globSync('**/*', { cwd: folder }).filter((file) => !file.startsWith('locks') && statSync(join(folder, file)).isFile());
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(folder, file), 'base64')]));
}

function sizeOf(folder: string): number {
  return globSync('data/*/*', { cwd: folder }).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}
