/** What is made large without its bytes is what restic takes for a repository of that size. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkplace } from '../../../src/cli/testing/run-holdfast.ts';
import { parseTime } from '../../../src/engine/tree/time.ts';
import { readArray, readObject, readString } from '../../../src/util/wire.ts';
import { done, holdfast, restic } from '../programs/run-programs.ts';
import { growRepository } from './grow-repository.ts';
import { createQuickRepository, openQuickRepository } from './quick-repository.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const tree = place.path('tree');
afterAll(() => place.remove());

beforeAll(async () => {
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), 'what a backup holds');
  await createQuickRepository(repository);
  await done(holdfast(repository, ['backup', '--files', tree]));
  await growRepository(await openQuickRepository(repository), { snapshots: 40, blobs: 3000, indexFiles: 7 });
});

test('restic finds all the snapshots, blobs and index files', async () => {
  const snapshots = readArray(JSON.parse((await done(restic(repository, ['snapshots', '--json']))).stdout), 'snapshots');
  expect(snapshots).toHaveLength(41);
  const times = snapshots.map((each) => readString(readObject(each, 'a snapshot')['time'], 'time')).map(parseTime);
  expect(new Set(times).size).toBe(41);
  const blobs = (await done(restic(repository, ['list', 'blobs']))).stdout.trim().split('\n');
  const own = (await openQuickRepository(repository)).loadIndex().then(({ size }) => size);
  expect(blobs).toHaveLength(await own);
  expect(blobs.length).toBeGreaterThan(3000);
  expect((await done(restic(repository, ['list', 'index']))).stdout.trim().split('\n')).toHaveLength(8);
});

test('its own points come back with either program, the oldest too', async () => {
  const oldest = (await done(restic(repository, ['snapshots', '--json']))).stdout;
  const id = readString(readObject(readArray(JSON.parse(oldest), 'snapshots')[0], 'a snapshot')['id'], 'id');
  await done(restic(repository, ['restore', id, '--target', place.path('by-restic')]));
  const env = { XDG_CACHE_HOME: place.path('cache') };
  await done(holdfast(repository, ['restore', 'latest', '--target', place.path('by-holdfast')], { env }));
  for (const target of ['by-restic', 'by-holdfast'])
    expect(readFileSync(join(place.path(target), tree, 'file'), 'utf8')).toBe('what a backup holds');
});

test('the same seed makes the same blobs, another makes others', async () => {
  const ids = async (name: string, seed: string): Promise<string[]> => {
    const path = place.path(name);
    await createQuickRepository(path);
    const opened = await openQuickRepository(path);
    await growRepository(opened, { snapshots: 0, blobs: 50, seed });
    const index = await opened.loadIndex();
    return Array.from({ length: index.size }, (_, entry) => index.idOf(entry));
  };
  const one = await ids('one', 'seed');
  expect(one).toHaveLength(50);
  expect(await ids('same', 'seed')).toEqual(one);
  expect(new Set([...one, ...(await ids('other', 'another seed'))]).size).toBe(100);
});
