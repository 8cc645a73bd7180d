/** Holds that go along with copies, by real repositories. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQuickRepository, openQuickRepository } from '../../../test/harness/repositories/quick-repository.ts';
import { quietContext } from '../../../test/harness/repositories/restore-in-process.ts';
import type { Repository } from '../../engine/repository.ts';
import { createFilesSource } from '../../sources/files/files-source.ts';
import { backUp } from '../back-up.ts';
import { copyPoints } from '../maintain.ts';
import { loadPoints } from '../points.ts';
import { prune } from '../prune.ts';
import { addHold, listHolds, readHolds, releaseHolds } from './holds.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-holds-'));
const inFolder = (...names: string[]): string => join(folder, ...names);
let from: Repository;
let to: Repository;
const lock = {};

beforeAll(async () => {
  for (const name of ['from', 'to']) await createQuickRepository(inFolder(name));
  from = await openQuickRepository(inFolder('from'));
  to = await openQuickRepository(inFolder('to'));
  await mkdir(inFolder('data'));
  for (let day = 1; day <= 3; day++) {
    await writeFile(inFolder('data', 'file'), `content of day ${day}`);
    const source = createFilesSource({ component: 'files', roots: [inFolder('data')], select: {} });
    await backUp(from, { components: [{ source }], time: new Date(Date.UTC(2026, 2, day)) }, quietContext());
  }
});
afterAll(async () => {
  await from.close();
  await to.close();
  await rm(folder, { recursive: true });
});

test('a held point is held where it is copied to, with its reason and its end, until it is released there', async () => {
  const [first, second] = await loadPoints(from);
  if (first === undefined || second === undefined) throw new Error('no points');
  const until = new Date('2090-01-01T00:00:00Z');
  await addHold(from, { point: { name: first.id }, reason: 'audit', until, lock }, quietContext());
  await addHold(from, { point: { name: second.id }, reason: 'lawsuit', lock }, quietContext());

  // Only of what is copied.
  expect((await copyPoints({ from, to, points: [{ name: first.id }], lock }, quietContext())).holds).toBe(1);
  const [held, ...more] = await listHolds(to, lock, quietContext());
  expect(more).toEqual([]);
  expect(held?.hold).toMatchObject({ reason: 'audit', until });
  expect(held?.point?.components[0]?.snapshot.original).toBe(first.id);

  // A hold that was added later comes with the next copy of everything; none comes twice.
  expect((await copyPoints({ from, to, points: [], lock }, quietContext())).holds).toBe(1);
  expect((await copyPoints({ from, to, points: [], lock }, quietContext())).holds).toBe(0);

  // Rules there leave it alone.
  const forget = { policy: { last: 1 }, by: {}, filter: {} };
  await prune(to, { forget, dryRun: false, lock, confirm: async () => true }, quietContext());
  expect((await loadPoints(to)).map(({ time }) => time)).toEqual((await loadPoints(from)).map(({ time }) => time));

  // Released there, though not here: a copy of other points does not bring it back.
  const copyOfFirst = (await loadPoints(to))[0]?.id ?? '';
  await releaseHolds(to, { point: { name: copyOfFirst }, lock, confirm: async () => true }, quietContext());
  const third = (await loadPoints(from)).at(-1)?.id ?? '';
  expect((await copyPoints({ from, to, points: [{ name: third }], lock }, quietContext())).holds).toBe(0);
  expect(await readHolds(to)).toHaveLength(1);
});
