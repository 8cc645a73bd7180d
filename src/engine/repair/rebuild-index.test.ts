import { globSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { checkRepository } from '../check/check-repository.ts';
import { makeSampleRepository, openSample, quietContext, type SampleRepository } from '../check/testing/sample-repository.ts';
import { lockRepository } from '../lock/lock-repository.ts';
import type { Repository } from '../repository.ts';
import { rebuildIndex, type RebuildOptions, type RebuildReport } from './rebuild-index.ts';

let sample: SampleRepository;
beforeAll(async () => {
  sample = await makeSampleRepository(2);
});
afterAll(() => sample[Symbol.dispose]());

async function rebuild(repository: Repository, options: RebuildOptions = {}): Promise<RebuildReport> {
  const lock = await lockRepository(repository, { exclusive: true, timing: { settleMs: 0 } }, quietContext());
  try {
    return await rebuildIndex(repository, options, lock, quietContext());
  } finally {
    await lock.release();
  }
}

async function expectWhole(path: string, repository: Repository): Promise<void> {
  expect(await checkRepository(repository, { readData: 'all' }, quietContext())).toMatchObject({ errors: [], notices: [] });
  expect(sample.judge(path, 'check', '--read-data')).toContain('no errors were found');
}

test('a lost index is made anew from the packs', async () => {
  const path = sample.copy('lost');
  rmSync(join(path, 'index'), { recursive: true });
  const repository = await openSample(path);
  const packs = globSync('data/*/*', { cwd: path }).length;
  expect(await rebuild(repository)).toEqual({
    packs,
    packsRead: packs,
    packsMissing: 0,
    removedIndexFiles: 0,
    newIndexFiles: 1,
    problems: [],
  });
  await expectWhole(path, repository);
});

test('of a damaged index only the packs it named are read', async () => {
  const path = sample.copy('damaged');
  const [first = ''] = readdirSync(join(path, 'index'));
  truncateSync(join(path, 'index', first), 100);
  const repository = await openSample(path);
  const report = await rebuild(repository);
  expect(report.problems).toEqual([{ object: `index ${first}`, reason: expect.stringContaining('not what its name says') as string }]);
  expect(report.packsRead).toBeGreaterThan(0);
  expect(report.packsRead).toBeLessThan(report.packs);
  await expectWhole(path, repository);
  expect(await rebuild(repository, { readAllPacks: true })).toMatchObject({ packsRead: report.packs, newIndexFiles: 1 });
  await expectWhole(path, repository);
});

test('a right index is kept as to what it says, and missing and broken packs fall out of it', async () => {
  const path = sample.copy('packs');
  const repository = await openSample(path);
  expect(await rebuild(repository)).toMatchObject({ packsRead: 0, packsMissing: 0, removedIndexFiles: 2, newIndexFiles: 1 });
  await expectWhole(path, repository);
  const [missing = '', broken = ''] = globSync('data/*/*', { cwd: path });
  rmSync(join(path, missing));
  writeFileSync(join(path, broken), 'not a pack, though there is a file of this name');
  const report = await rebuild(repository);
  expect(report).toMatchObject({ packsRead: 1, packsMissing: 1 });
  expect(report.problems.map(({ object }) => object)).toEqual([`pack ${basename(broken)}`]);
  expect((await repository.loadIndex()).packs).not.toContain(basename(broken));
});

test('a lock that is not exclusive is refused', async () => {
  const repository = await openSample(sample.path);
  const lock = await lockRepository(repository, { exclusive: false, timing: { settleMs: 0 } }, quietContext());
  await expect(rebuildIndex(repository, {}, lock, quietContext())).rejects.toSatisfy((error) => isError(error, 'internal'));
  await lock.release();
});
