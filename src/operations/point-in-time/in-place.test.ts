import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPostgresSource } from '../../sources/postgres/postgres-source.ts';
import { stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { writeInPlaceNote } from './in-place-note.ts';
import { planMoment } from './plan-moment.ts';
import { putAside } from './put-aside.ts';
import { planInPlace, recoverInPlace } from './recover-in-place.ts';
import { recoverTables } from './recover-tables.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';

let saved: SavedServer;
let beforeDrop: Date;

beforeEach(async () => {
  saved = await startSavedServer();
  const { cluster } = saved;
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY, amount int); CREATE TABLE notes (id int)');
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1, 2000) i');
  await saved.takeBase();
  await cluster.query('UPDATE orders SET amount = 7 WHERE id = 1');
  beforeDrop = await saved.now();
  await cluster.query('SELECT pg_sleep(0.05)');
  await cluster.query('DROP TABLE orders; INSERT INTO notes VALUES (1)');
  await saved.settle();
}, 60_000);

afterEach(async () => {
  await saved.stopReceiving();
  const { dataFolder: dataDirectory, toolsFolder: programs } = saved.cluster;
  if (existsSync(join(dataDirectory, 'postmaster.pid')))
    await stopDetached({ programs, dataDirectory, user: await settleOwner(dataDirectory, []) }).catch(() => {});
  await saved.stop();
});

const latest = { name: 'latest' };
const request = { amcheck: false, tablespaces: new Map<string, string>(), superusers: ['postgres'] };
const sums = 'SELECT count(*)::int AS n, sum(amount)::int AS sum FROM orders';

test('a server is put back in its place, and what was there is kept', async () => {
  const { cluster, repository, context } = saved;
  const plan = await planMoment(repository, { target: { kind: 'time', time: beforeDrop }, point: latest }, context);
  const place = await planInPlace(plan, request, context);
  expect(place).toMatchObject({ dataDirectory: cluster.dataFolder, configuration: [], server: { running: true } });
  const report = await recoverInPlace(repository, plan, place, request, context);
  expect(report).toMatchObject({ running: true, outcome: { state: 'promoted', timeline: 2 } });
  expect(await cluster.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
  expect(await cluster.query('SELECT count(*)::int AS n FROM notes')).toEqual([{ n: 0 }]);
  const [kept = ''] = report.kept;
  expect(existsSync(join(kept, 'PG_VERSION'))).toBe(true);
  expect(existsSync(join(cluster.dataFolder, 'holdfast-recovery'))).toBe(false);
  // The receiver follows the server onto its new timeline, and a moment on that can be gone back to.
  await saved.settle();
  await cluster.query('INSERT INTO notes VALUES (2)');
  const after = await saved.settle();
  const again = await planMoment(repository, { target: { kind: 'time', time: after }, point: latest }, context);
  expect(again.timeline).toBe(2);
  // What was only on the branch that was left is still there, too.
  const before = await planMoment(repository, { target: { kind: 'time', time: beforeDrop }, timeline: 1, point: latest }, context);
  expect(before.timeline).toBe(1);
}, 120_000);

test('where the recovery fails everything is as it was', async () => {
  const { cluster, repository, context } = saved;
  const plan = await planMoment(repository, { target: { kind: 'name', name: 'never made' }, point: latest }, context);
  const place = await planInPlace(plan, request, context);
  await expect(recoverInPlace(repository, plan, place, request, context)).rejects.toThrow(/never made/);
  expect(await cluster.query('SELECT count(*)::int AS n FROM notes')).toEqual([{ n: 1 }]);
  expect((await readdir(dirname(cluster.dataFolder))).filter((name) => name.startsWith(`${basename(cluster.dataFolder)}.`))).toEqual([]);
}, 120_000);

test('what a recovery that died left aside is brought back by the next', async () => {
  const { cluster, repository, context } = saved;
  await cluster.halt();
  const aside = `${cluster.dataFolder}.before-x`;
  const moves = [{ from: cluster.dataFolder, aside }];
  await writeInPlaceNote(context.stateFolder, { dataDirectory: cluster.dataFolder, running: true, moves });
  await putAside(moves, cluster.dataFolder);
  expect(await readdir(cluster.dataFolder)).toEqual([]);
  const notices: string[] = [];
  const telling = {
    ...context,
    events: (event: { type: string; message?: string }) => void (event.message !== undefined && notices.push(event.message)),
  };
  const plan = await planMoment(repository, { target: { kind: 'time', time: beforeDrop }, point: latest }, context);
  await expect(planInPlace(plan, { ...request, dryRun: true }, context)).rejects.toThrow(/did not end/);
  expect(existsSync(aside)).toBe(true);
  expect(await planInPlace(plan, request, telling)).toMatchObject({ startAfter: true, server: { running: false } });
  expect(notices.join()).toContain('has been put back');
  expect(existsSync(aside)).toBe(false);
  await cluster.restart();
  expect(await cluster.query('SELECT count(*)::int AS n FROM notes')).toEqual([{ n: 1 }]);
}, 120_000);

test('a run that dies while the recovered server starts is not undone by the next: there may be new transactions', async () => {
  const { cluster, repository, context } = saved;
  const plan = await planMoment(repository, { target: { kind: 'time', time: beforeDrop }, point: latest }, context);
  const place = await planInPlace(plan, request, context);
  const starting = Promise.withResolvers<void>();
  const start = (): Promise<void> => {
    starting.resolve();
    return new Promise(() => {});
  };
  void recoverInPlace(repository, plan, { ...place, server: { ...place.server, start } }, request, context);
  await starting.promise;
  const [kept] = place.moves;
  expect(await planInPlace(plan, request, context)).toMatchObject({ startAfter: true, server: { running: false } });
  expect(existsSync(join(kept?.aside ?? '', 'PG_VERSION'))).toBe(true);
  await cluster.restart();
  expect(await cluster.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
}, 120_000);

test('a table comes back into the live database, which keeps everything else', async () => {
  const { cluster, repository, context } = saved;
  const plan = await planMoment(repository, { target: { kind: 'time', time: beforeDrop }, point: latest }, context);
  const live = createPostgresSource({ component: 'database', at: { url: cluster.url('postgres') }, environment: context.environment });
  const tables = { tables: ['orders'], database: 'postgres', restore: {}, live, superusers: ['postgres'] };
  const report = await recoverTables(repository, plan, tables, context);
  expect(report.outcome.state).toBe('promoted');
  expect(await cluster.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
  expect(await cluster.query('SELECT count(*)::int AS n FROM notes')).toEqual([{ n: 1 }]);
  expect(await readdir(join(saved.room, 'scratch'))).toEqual([]);
}, 120_000);
