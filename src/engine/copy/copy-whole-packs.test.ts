/** Copies between repositories that share a key, judged by restic. */
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkRepository } from '../check/check-repository.ts';
import { initBeside, makeSampleRepository, openSample, quietContext, type SampleRepository } from '../check/testing/sample-repository.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { copySnapshots } from './copy-snapshots.ts';

let sample: SampleRepository;
let source: Repository;
let ids: string[];
beforeAll(async () => {
  sample = await makeSampleRepository(3);
  source = await openSample(sample.path);
  ids = (await loadSnapshots(source)).map(({ id }) => id);
});
afterAll(() => sample[Symbol.dispose]());

function makeTwin(name: string, version: 1 | 2 = 2): Promise<Repository> {
  return initBeside(sample, source, name, { version, masterKey: source.masterKey });
}

function packsIn(path: string): string[] {
  return globSync('data/*/*', { cwd: path }).filter((file) => statSync(join(path, file)).isFile());
}

async function judge(to: Repository): Promise<void> {
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');
  expect((await checkRepository(to, { readData: 'all' }, quietContext())).errors).toEqual([]);
}

test('every pack goes over byte for byte, and nothing goes twice', async () => {
  const to = await makeTwin('twin');
  const report = await copySnapshots(source, to, ids, quietContext());
  expect(report.copied).toHaveLength(ids.length);
  expect(report.wholePacks).toBe(packsIn(sample.path).length);
  expect(packsIn(to.location).toSorted()).toEqual(packsIn(sample.path).toSorted());
  for (const pack of packsIn(to.location))
    expect(readFileSync(join(to.location, pack)).equals(readFileSync(join(sample.path, pack)))).toBe(true);
  await judge(to);
  expect(await copySnapshots(source, to, ids, quietContext())).toMatchObject({ copied: [], blobs: 0, wholePacks: 0 });
});

test('of packs that are wanted in part only what is missing goes', async () => {
  const to = await makeTwin('part');
  // The first snapshot needs all of its packs; the others added packs that share trees and data with it.
  await copySnapshots(source, to, ids.slice(0, 1), quietContext());
  const before = packsIn(to.location).length;
  expect(before).toBeLessThan(packsIn(sample.path).length);
  await judge(to);
  const rest = await copySnapshots(source, to, ids, quietContext());
  expect(rest.copied).toHaveLength(ids.length - 1);
  await judge(to);
});

test('what a killed copy left in no index is taken, and what is damaged is neither copied nor left', async () => {
  const to = await makeTwin('killed');
  await copySnapshots(source, to, ids, quietContext());
  for (const file of [...globSync('index/*', { cwd: to.location }), ...globSync('snapshots/*', { cwd: to.location })])
    rmSync(join(to.location, file));
  const [spoiled = ''] = packsIn(to.location);
  writeFileSync(join(to.location, spoiled), 'not what its name says');
  const report = await copySnapshots(source, to, ids, quietContext());
  expect(report.wholePacks).toBe(packsIn(sample.path).length);
  await judge(to);

  // Damage in the source: the blob is told, and the repository that is copied to does not take it in.
  const path = sample.copy('damaged-twin-source');
  const [first = ''] = packsIn(path).filter((file) => statSync(join(path, file)).size > 200_000);
  const bytes = readFileSync(join(path, first));
  writeFileSync(join(path, first), bytes.fill(0, 40, 200_000));
  const other = await makeTwin('from-damaged');
  await expect(copySnapshots(await openSample(path), other, ids, quietContext())).rejects.toMatchObject({ code: 'damaged' });
  expect(packsIn(other.location)).not.toContain(first);
  expect(await loadSnapshots(other)).toEqual([]);
});

test('version 1 gets no compressed pack', async () => {
  const to = await makeTwin('old', 1);
  const report = await copySnapshots(source, to, ids, quietContext());
  expect(report.wholePacks).toBe(0);
  await judge(to);
});
