import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSession } from '../../sources/postgres/session.ts';
import { startDetached, stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import { parseLsn } from '../../util/lsn.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { planMoment } from './plan-moment.ts';
import { recoverBeside } from './recover-beside.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';

let saved: SavedServer;
let beforeBase: Date;
let beforeDrop: Date;
let betweenBases: Date;
let newest: Date;

beforeAll(async () => {
  saved = await startSavedServer();
  const { cluster } = saved;
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY, amount int)');
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1, 10000) i');
  beforeBase = await saved.now();
  await saved.takeBase();
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(10001, 20000) i');
  betweenBases = await saved.now();
  await cluster.query('SELECT pg_switch_wal()');
  await saved.takeBase();
  await cluster.query('UPDATE orders SET amount = amount + 1 WHERE id <= 100');
  await cluster.query('SELECT pg_switch_wal()');
  beforeDrop = await saved.now();
  await cluster.query('SELECT pg_sleep(0.1)');
  await cluster.query('DROP TABLE orders');
  newest = await saved.settle();
}, 120_000);

afterAll(() => saved.stop());

const latest = { name: 'latest' };
const sums = 'SELECT count(*)::int AS n, sum(amount)::int AS sum FROM public.orders';

async function ask(folder: string, sql: string, port = 5432, host = folder): Promise<unknown[]> {
  const session = await openSession({
    host,
    port,
    user: 'postgres',
    database: 'postgres',
    password: saved.cluster.password,
    ssl: { mode: 'disable' },
    connectTimeout: 20,
  });
  try {
    return await session.query(sql);
  } finally {
    await session.close();
  }
}

describe('a new folder', () => {
  test('has every committed row of the moment', async () => {
    const target = join(saved.room, 'first');
    const plan = await planMoment(saved.repository, { target: { kind: 'time', time: beforeDrop }, point: latest }, saved.context);
    expect(plan).toMatchObject({ component: 'database', timeline: 1, aim: { kind: 'time' } });
    expect(plan.chain.length).toBe(2);
    const report = await recoverBeside(
      saved.repository,
      plan,
      { target, pause: false, amcheck: true, tablespaces: new Map(), superusers: ['postgres'] },
      saved.context,
    );
    expect(report.outcome).toMatchObject({ state: 'promoted', timeline: 2 });
    expect(report.check?.faults).toEqual([]);
    expect(existsSync(join(target, 'postmaster.pid'))).toBe(false);
    const control = { programs: saved.cluster.toolsFolder, dataDirectory: target, user: await settleOwner(target, []) };
    await startDetached(control);
    try {
      expect(await ask(target, sums)).toEqual([{ n: 20_000, sum: 200_010_100 }]);
    } finally {
      await stopDetached(control);
    }
  }, 120_000);
});

test('a moment after the last commit that the log is known to cover is its end', async () => {
  const { newest: covered } = await planMoment(saved.repository, { target: { kind: 'latest' }, point: latest }, saved.context);
  if (covered === undefined) throw new Error('the newest moment is not known');
  const plan = await planMoment(saved.repository, { target: { kind: 'time', time: covered }, point: latest }, saved.context);
  expect(plan).toMatchObject({ aim: { kind: 'latest' }, notes: [expect.stringContaining('Nothing was committed after') as unknown] });
  const target = join(saved.room, 'covered');
  const request = { target, pause: false, amcheck: false, tablespaces: new Map(), superusers: ['postgres'] };
  const { outcome } = await recoverBeside(saved.repository, plan, request, saved.context);
  expect(outcome.reached?.getTime()).toBeGreaterThanOrEqual(newest.getTime());
  expect(outcome.reached?.getTime()).toBeLessThanOrEqual(covered.getTime());
}, 120_000);

describe('the plan', () => {
  test('a moment before every base backup is refused', async () => {
    await expect(
      planMoment(saved.repository, { target: { kind: 'time', time: beforeBase }, point: latest }, saved.context),
    ).rejects.toThrow(/no earlier state can be reached/);
  });

  test('an older base backup is taken where the newest ended too late', async () => {
    const plan = await planMoment(saved.repository, { target: { kind: 'time', time: betweenBases }, point: latest }, saved.context);
    expect(plan.chain.length).toBe(1);
    const { base } = await planMoment(saved.repository, { target: { kind: 'latest' }, point: latest }, saved.context);
    const named = { target: { kind: 'time', time: betweenBases } as const, point: { name: base.pointId } };
    await expect(planMoment(saved.repository, named, saved.context)).rejects.toThrow(/that base backup ended at/);
  });

  test('the newest moment is told; later ones are refused', async () => {
    const plan = await planMoment(saved.repository, { target: { kind: 'latest' }, point: latest }, saved.context);
    expect(plan.newest?.getTime()).toBeGreaterThanOrEqual(newest.getTime());
    const late = new Date(newest.getTime() + 3_600_000);
    await expect(planMoment(saved.repository, { target: { kind: 'time', time: late }, point: latest }, saved.context)).rejects.toThrow(
      /ends before it/,
    );
  });

  test('a segment that is missing in the middle is refused', async () => {
    const plan = await planMoment(saved.repository, { target: { kind: 'time', time: betweenBases }, point: latest }, saved.context);
    const archive = openWalArchive(openSealedObjects(saved.repository), plan.base.manifest.systemId);
    const { wal } = await planMoment(
      saved.repository,
      { target: { kind: 'time', time: beforeDrop }, point: { name: plan.base.pointId } },
      saved.context,
    );
    const middle = wal?.segments.find(({ whole, start }) => whole && start > parseLsn(plan.base.manifest.endLsn));
    await archive.removeSegment(middle?.name ?? '');
    const early = { target: { kind: 'time', time: beforeDrop } as const, point: { name: plan.base.pointId } };
    await expect(planMoment(saved.repository, early, saved.context)).rejects.toThrow(/is missing/);
  });
});
