/** A copy of base backups brings the log along: the copy can be restored to a moment as well. On a server with large segments (64 MiB). */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createSession } from '../open-session.ts';
import { copyPoints } from '../maintain.ts';
import { planMoment } from './plan-moment.ts';
import { recoverBeside } from './recover-beside.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';
import { startDetached, stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { openSession } from '../../sources/postgres/session.ts';

let saved: SavedServer | undefined;
afterAll(() => saved?.stop());

test('a copy is restored to a moment, also between two copies', async () => {
  saved = await startSavedServer({ segmentMegabytes: 64, settings: { wal_keep_size: '1GB' } });
  const { cluster, repository, context, room } = saved;
  const copy = await createSession({
    url: join(room, 'copy'),
    password: () => Promise.resolve('another secret'),
    polynomialOf: repository,
  });
  const copyAll = () => copyPoints({ from: repository, to: copy, points: [], lock: {} }, context);
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY, amount int)');
  await saved.takeBase();
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1, 200000) i');
  await saved.settle();
  expect((await copyAll()).wal.objects).toBeGreaterThan(0);
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(200001, 700000) i');
  await cluster.query('SELECT pg_switch_wal()');
  const moment = await saved.settle();
  await cluster.query('SELECT pg_sleep(0.1)');
  await cluster.query('DROP TABLE orders');
  await saved.settle();
  const second = await copyAll();
  expect(second.copied).toEqual([]);
  expect(second.wal.bytes).toBeGreaterThan(20 * 2 ** 20);

  const plan = await planMoment(copy, { target: { kind: 'time', time: moment }, point: { name: 'latest' } }, context);
  const target = join(room, 'from-copy');
  const request = { target, pause: false, amcheck: false, tablespaces: new Map(), superusers: ['postgres'] };
  await recoverBeside(copy, plan, request, context);
  const control = { programs: cluster.toolsFolder, dataDirectory: target, user: await settleOwner(target, []) };
  await startDetached(control);
  try {
    const connection = { host: target, port: 5432, user: 'postgres', database: 'postgres', password: cluster.password };
    const session = await openSession({ ...connection, ssl: { mode: 'disable' }, connectTimeout: 20 });
    expect(await session.query('SELECT count(*)::int AS n FROM public.orders')).toEqual([{ n: 700_000 }]);
    await session.close();
  } finally {
    await stopDetached(control);
  }
  await copy.close();
}, 180_000);
