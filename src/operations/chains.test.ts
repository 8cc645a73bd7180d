/** Snapshots that need others, from the backup to the copy, with the real engine. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { quietContext } from '../../test/harness/repositories/restore-in-process.ts';
import type { Repository } from '../engine/repository.ts';
import { isError } from '../errors.ts';
import type { Source, StreamEntry } from '../sources/source.ts';
import { backUp } from './back-up.ts';
import { check, copyPoints } from './maintain.ts';
import { planCopy } from './plan-copy.ts';
import { describePoint, loadPoints } from './points.ts';
import { prune, type PruneReport, type PruneRequest } from './prune.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-chains-'));
const open = async (name: string): Promise<Repository> => {
  await createQuickRepository(join(folder, name));
  return openQuickRepository(join(folder, name));
};
let repository: Repository;
const ids: string[] = [];
beforeAll(async () => {
  repository = await open('first');
  // A full one, two that build on it, and a full one again.
  ids.push(await save(repository, 14, []));
  ids.push(await save(repository, 15, ids.slice(0, 1)));
  ids.push(await save(repository, 16, ids.slice(0, 2)));
  ids.push(await save(repository, 17, []));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function sourceOf(needs: readonly string[], text: string): Source {
  async function* entries(): AsyncGenerator<StreamEntry> {
    yield {
      path: '/base',
      modified: new Date(0),
      async *open() {
        yield Buffer.from(text);
      },
    };
  }
  return {
    kind: 'postgres-base',
    component: 'database',
    describe: () => Promise.resolve({ kind: 'postgres-base', component: 'database', title: 'a database', facts: {} }),
    capture: () => Promise.resolve({ shape: 'streams', entries: entries(), needs }),
  };
}

async function save(to: Repository, day: number, needs: readonly string[]): Promise<string> {
  const order = { components: [{ source: sourceOf(needs, `day ${day}`) }], time: new Date(Date.UTC(2026, 10, day)), host: 'db1' };
  const { pointId } = await backUp(to, order, quietContext());
  return pointId ?? '';
}

const needsIn = async (where: Repository): Promise<number[]> =>
  (await loadPoints(where)).map(({ components }) => components[0]?.tags.needs?.length ?? 0);

function pruneIn(where: Repository, forget: NonNullable<PruneRequest['forget']>): Promise<PruneReport> {
  return prune(where, { forget, free: {}, dryRun: false, lock: {}, confirm: () => Promise.resolve(true) }, quietContext());
}

const errorsOf = async (where: Repository): Promise<string[]> =>
  (await check(where, {}, {}, quietContext())).errors.map(({ object, reason }) => `${object}: ${reason}`);

test('a snapshot says what it needs, and one that builds on what is gone is not made', async () => {
  expect(await needsIn(repository)).toEqual([0, 1, 2, 0]);
  const refused = await save(repository, 18, ['f'.repeat(64)]).catch((error: unknown) => error);
  expect(isError(refused, 'snapshot-missing')).toBe(true);
  expect(await errorsOf(repository)).toEqual([]);
});

test('copies of one bring what it needs, from copy to copy, and a chain goes on in a copy', async () => {
  const [second, third] = [await open('second'), await open('third')];
  const points = [{ name: ids[2]?.slice(0, 12) ?? '' }];
  const { missing } = await planCopy({ from: repository, to: second, points }, quietContext());
  expect(missing.map(({ component }) => component.id)).toEqual(ids.slice(0, 3));
  const { copied } = await copyPoints({ from: repository, to: second, points, lock: {} }, quietContext());
  expect(copied.map(({ from }) => from)).toEqual(ids.slice(0, 3));
  const there = (await loadPoints(second)).map(({ id }) => id);
  expect(there.filter((id) => ids.includes(id))).toEqual([]);
  expect(await errorsOf(second)).toEqual([]);
  await save(second, 19, [ids[0] ?? '', there[1] ?? '', there[2] ?? '']);
  await copyPoints({ from: second, to: third, points: [{ name: 'latest' }], lock: {} }, quietContext());
  expect([await needsIn(second), await needsIn(third)]).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
  expect(await errorsOf(third)).toEqual([]);
  const plan = await pruneIn(third, { policy: { last: 1 }, by: { host: true, paths: true }, filter: {} });
  const newest = (await loadPoints(third)).at(-1)?.id.slice(0, 8) ?? '';
  expect(plan.forget?.groups[0]?.keep.map(({ reasons }) => reasons)).toEqual([
    ['last snapshot'],
    [`needed by ${newest}`],
    [`needed by ${newest}`],
    [`needed by ${newest}`],
  ]);
  expect(await needsIn(third)).toEqual([0, 1, 2, 3]);
  expect(await errorsOf(third)).toEqual([]);
});

test('a check finds what is gone, and a copy of the rest is made all the same', async () => {
  const broken = await open('broken');
  await copyPoints({ from: repository, to: broken, points: [], lock: {} }, quietContext());
  const [full, first, second] = (await loadPoints(broken)).map(({ id }) => id);
  rmSync(join(folder, 'broken', 'snapshots', full ?? ''));
  const reason = `it cannot be restored: it builds on the snapshot ${ids[0]?.slice(0, 16) ?? ''}, gone or unreadable`;
  expect(await errorsOf(broken)).toEqual([`snapshot ${first}: ${reason}`, `snapshot ${second}: ${reason}`]);
  expect((await loadPoints(broken)).map((point) => describePoint(point))).toMatchObject([
    {
      id: first,
      status: 'broken',
      reason: `database cannot be restored: it builds on the snapshot ${ids[0]?.slice(0, 16)}, gone or unreadable`,
    },
    { id: second, status: 'broken' },
    { status: 'complete' },
  ]);
  const { copied } = await copyPoints({ from: broken, to: await open('rest'), points: [], lock: {} }, quietContext());
  expect(copied).toHaveLength(3);
});

test('one that is needed is forgotten only with those that need it', async () => {
  const points = (chosen: readonly (string | undefined)[]): { points: { name: string }[]; force: boolean } => ({
    points: chosen.map((name = '') => ({ name })),
    force: false,
  });
  const refused = await pruneIn(repository, points([ids[0]])).catch((error: unknown) => error);
  expect(isError(refused, 'point-needed-by') && refused.message).toContain(ids[2]?.slice(0, 8));
  expect(await needsIn(repository)).toEqual([0, 1, 2, 0]);
  await pruneIn(repository, points(ids.slice(0, 3)));
  expect(await needsIn(repository)).toEqual([0]);
  expect(await errorsOf(repository)).toEqual([]);
});
