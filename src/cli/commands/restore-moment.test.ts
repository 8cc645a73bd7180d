import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSavedServer, type SavedServer } from '../../operations/point-in-time/testing/saved-server.ts';
import { stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { mainFile, runHoldfast, toldBeside } from '../testing/run-holdfast.ts';

let saved: SavedServer;
let moment: Date;
let environment: Record<string, string>;

beforeAll(async () => {
  saved = await startSavedServer();
  const { cluster, room } = saved;
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY, amount int); CREATE TABLE notes (id int)');
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1, 2000) i');
  await saved.takeBase();
  await cluster.query('UPDATE orders SET amount = 7 WHERE id = 1');
  moment = await saved.now();
  await cluster.query('SELECT pg_sleep(0.05)');
  await cluster.query('DROP TABLE orders; INSERT INTO notes VALUES (1)');
  await saved.settle();
  await writeFile(
    join(room, 'holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
components:
  database: { postgres: { url: "${cluster.url('postgres')}", mode: physical } }
`,
  );
  environment = {
    HOLDFAST_PASSWORD: 'secret',
    HOLDFAST_STATE: join(room, 'state'),
    HOLDFAST_SCRATCH: join(room, 'scratch'),
    TZ: 'Asia/Tokyo',
  };
}, 60_000);

afterAll(async () => {
  await saved.stopReceiving();
  await saved.stop();
});

const run = (...args: string[]) => runHoldfast([...args, '-c', join(saved.room, 'holdfast.yaml')], { env: environment });
const sums = 'SELECT count(*)::int AS n, sum(amount)::int AS sum FROM public.orders';

describe('restore --at', () => {
  test('shows a plan in both zones, and does nothing where nothing is to be done', async () => {
    const shown = await run(
      'restore',
      '--component',
      'database',
      '--at',
      moment.toISOString(),
      '--target',
      join(saved.room, 'never'),
      '--dry-run',
    );
    expect(shown.stdout).toContain(`(${moment.toISOString()})`);
    expect(shown.stdout).toMatch(/base backup +[0-9a-f]{8} of .*\(full\)/);
    expect(shown.stdout).toMatch(/timeline +1/);
    expect(shown.status).toBe(0);
    expect(existsSync(join(saved.room, 'never'))).toBe(false);
  }, 60_000);

  test('leaves a server running for looking', async () => {
    const target = join(saved.room, 'looking');
    const port = saved.cluster.port + 1;
    const done = await run(
      'restore',
      '--component',
      'database',
      '--at',
      moment.toISOString(),
      '--target',
      target,
      '--port',
      String(port),
      '--amcheck',
      '--json',
    );
    expect(toldBeside(done.stderr)).toEqual([]);
    const summary: unknown = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '');
    expect(summary).toMatchObject({ message_type: 'summary', state: 'promoted', timeline: 2, port });
    const control = { programs: saved.cluster.toolsFolder, dataDirectory: target, user: await settleOwner(target, []) };
    try {
      const session = await openSession({
        host: '127.0.0.1',
        port,
        user: 'postgres',
        database: 'postgres',
        password: saved.cluster.password,
        ssl: { mode: 'disable' },
        connectTimeout: 20,
      });
      try {
        expect(await session.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
      } finally {
        await session.close();
      }
    } finally {
      await stopDetached(control);
    }
  }, 60_000);

  test('brings a table back', async () => {
    const done = await run('restore', '--component', 'database', '--at', moment.toISOString(), '--tables', 'orders', '--yes');
    expect(toldBeside(done.stderr)).toEqual([]);
    expect(await saved.cluster.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
    await saved.cluster.query('DROP TABLE orders');
  }, 60_000);

  test.each([
    [['--at', 'latest', '--lsn', '0/1'], /exclude each other/],
    [['--at', 'sometime'], /is not a time/],
    [['--at', 'latest', '--pause', '--target', 'x'], /--port says where/],
    [['--at', 'latest', '--into', 'x'], /goes with --tables/],
    [['--port', '5'], /goes with a moment/],
    [['--at', 'latest'], /no terminal/],
  ])(
    '%j is refused',
    async (words, reason) => {
      const refused = await run('restore', '--component', 'database', ...words);
      expect(refused.stderr).toMatch(reason);
      expect(refused.status).toBe(2);
    },
    60_000,
  );

  test('killed in the middle of a recovery in place, it leaves the old directory, and the next run puts it back', async () => {
    const { cluster } = saved;
    const words = ['restore', '--component', 'database', '--at', moment.toISOString(), '--yes', '-c', join(saved.room, 'holdfast.yaml')];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words], {
      env: { PATH: process.env['PATH'], HOME: saved.room, ...environment },
      stdio: 'ignore',
    });
    const aside = async (): Promise<string | undefined> =>
      (await readdir(dirname(cluster.dataFolder))).find((name) => name.startsWith(`${basename(cluster.dataFolder)}.before-`));
    for (let turn = 0; (await aside()) === undefined && turn < 600; turn += 1) await sleep(50);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const kept = await aside();
    expect(existsSync(join(dirname(cluster.dataFolder), kept ?? '', 'PG_VERSION'))).toBe(true);
    const shown = await run('restore', '--component', 'database', '--at', moment.toISOString(), '--dry-run');
    expect(shown.stderr).toContain('did not end');
    const done = await run('restore', '--component', 'database', '--at', moment.toISOString(), '--yes');
    expect(done.stderr).toContain('has been put back');
    expect(done.stdout).toContain('the server runs again');
    try {
      expect(await cluster.query(sums)).toEqual([{ n: 2000, sum: 2_001_006 }]);
    } finally {
      const [dataDirectory, programs] = [cluster.dataFolder, cluster.toolsFolder];
      await saved.stopReceiving();
      await stopDetached({ programs, dataDirectory, user: await settleOwner(dataDirectory, []) });
    }
  }, 60_000);
});
