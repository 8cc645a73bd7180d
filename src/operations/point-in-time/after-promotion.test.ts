import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { ignoreEvents } from '../../events.ts';
import { startDetached, stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { systemClock } from '../../util/clock.ts';
import { replicatedServerAt } from '../physical/replicated-server.ts';
import { streamWal } from '../wal/stream-wal.ts';
import { planMoment } from './plan-moment.ts';
import { recoverBeside } from './recover-beside.ts';
import { planInPlace, recoverInPlace } from './recover-in-place.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';

let saved: SavedServer | undefined;
afterEach(async () => {
  if (saved === undefined) return;
  const { dataFolder: dataDirectory, toolsFolder: programs } = saved.cluster;
  await stopDetached({ programs, dataDirectory, user: await settleOwner(dataDirectory, []) }).catch(() => {});
  await saved.stop();
  saved = undefined;
});

const latest = { name: 'latest' };

async function catchUp({ cluster, repository }: SavedServer): Promise<void> {
  const server = await replicatedServerAt(cluster.url('postgres'), {});
  const request = { server, slot: 'again', flushMs: 200, synchronous: false, until: 'caught-up', clock: systemClock } as const;
  await streamWal(repository, request, { events: ignoreEvents, signal: new AbortController().signal }).done;
}

test('a moment just after a promotion, before anything was received of the new timeline, is on that; one before it is not', async () => {
  saved = await startSavedServer();
  const { cluster, repository, context, room } = saved;
  await cluster.query('CREATE TABLE orders (id int)');
  await cluster.query('INSERT INTO orders VALUES (1)');
  await saved.takeBase();
  const mistake = await saved.settle();
  await cluster.query('SELECT pg_sleep(0.1)');
  await cluster.query('INSERT INTO orders VALUES (666)');
  await saved.settle();
  await saved.stopReceiving();
  await sleep(1500);
  const between = await saved.now();
  // Checkpoints, by which it is known, count whole seconds.
  await sleep(1500);
  const back = await planMoment(repository, { target: { kind: 'time', time: mistake }, point: latest }, context);
  const request = { amcheck: false, tablespaces: new Map<string, string>(), superusers: ['postgres'] };
  await recoverInPlace(repository, back, await planInPlace(back, request, context), request, context);
  const promoted = await saved.now();
  await sleep(1500);
  await cluster.query('INSERT INTO orders VALUES (2)');
  await catchUp(saved);

  const plan = await planMoment(repository, { target: { kind: 'time', time: promoted }, point: latest }, context);
  expect(plan).toMatchObject({ timeline: 2, aim: { kind: 'time' } });
  const target = join(room, 'recovered');
  const report = await recoverBeside(repository, plan, { ...request, target, pause: false }, context);
  expect(report.outcome).toMatchObject({ state: 'promoted', timeline: 3 });
  const control = { programs: cluster.toolsFolder, dataDirectory: target, user: await settleOwner(target, []) };
  await startDetached(control);
  const client = new pg.Client({ host: target, user: 'postgres', database: 'postgres', password: cluster.password });
  await client.connect();
  expect((await client.query('SELECT id FROM orders ORDER BY id')).rows).toEqual([{ id: 1 }]);
  await client.end();
  await stopDetached(control);

  // Nothing is known to have been written then: which of the two is meant must be said.
  await expect(planMoment(repository, { target: { kind: 'time', time: between }, point: latest }, context)).rejects.toMatchObject({
    code: 'wal-target-ahead',
    hint: expect.stringMatching(/on timeline 1; what timeline 2 had at that moment is reached with --timeline 2/) as string,
  });
  const meant = { target: { kind: 'time', time: between } as const, point: latest, timeline: 2 };
  expect(await planMoment(repository, meant, context)).toMatchObject({ timeline: 2 });
}, 180_000);
