import { existsSync } from 'node:fs';
import { appendFile, chmod, cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../errors.ts';
import { ignoreEvents, type HoldfastEvent } from '../../../events.ts';
import type { PostgresConnection } from '../connection.ts';
import { openSession } from '../session.ts';
import { checkRelations } from './check-relations.ts';
import { recoverServer, type RecoveredServer, type RecoveryRequest } from './recover-server.ts';
import { settingsOfAim } from './recovery-settings.ts';
import { startDetached, stopDetached } from './server-control.ts';
import { runHere } from './server-runner.ts';
import { settleOwner } from './server-user.ts';
import { putConfiguration, settleAside } from './settle-directory.ts';
import { startArchivedCluster, supplyFromFolder, type ArchivedCluster } from './testing/archived-cluster.ts';

/* Orders 1 to 1000 are in the base, 1001 to 1500 came later, then all were dropped; then another table was made. */
let cluster: ArchivedCluster;
let base: string;
let beforeDrop: Date;
let end: Date;
let dropped: string;

const signal = new AbortController().signal;
const context = { major: 15, events: ignoreEvents, signal };

beforeAll(async () => {
  cluster = await startArchivedCluster({ timezone: 'Asia/Tokyo', log_timezone: 'America/Lima', max_connections: '40' });
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY, amount int)');
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1, 1000) i');
  base = await cluster.takeBase('base');
  await cluster.query('INSERT INTO orders SELECT i, i FROM generate_series(1001, 1500) i');
  await cluster.switchSegment();
  await cluster.query("SELECT pg_create_restore_point('before the release')");
  beforeDrop = await cluster.now();
  await cluster.query('SELECT pg_sleep(0.05)');
  const [row] = await cluster.query<{ xid: string }>('DROP TABLE orders; SELECT pg_current_xact_id()::text AS xid');
  dropped = row?.xid ?? '';
  await cluster.query('CREATE TABLE later (id int)');
  end = await cluster.now();
  await cluster.switchSegment();
}, 60_000);

afterAll(() => cluster.stop());

/** A copy of the base, as a restore by root leaves it. */
async function copyBase(name: string): Promise<string> {
  const folder = join(cluster.room, name);
  await cp(base, folder, { recursive: true });
  await chmod(folder, 0o755);
  return folder;
}

type Asked = Partial<RecoveryRequest> & Pick<RecoveryRequest, 'aim' | 'dataDirectory'>;

async function recover(request: Asked): Promise<RecoveredServer> {
  return recoverServer({
    major: 15,
    runner: runHere(cluster.toolsFolder),
    user: await settleOwner(request.dataDirectory, []),
    supply: await supplyFromFolder(cluster.archive),
    settings: {},
    port: 5432,
    superusers: ['nobody_of_that_name'],
    temporary: true,
    events: ignoreEvents,
    signal,
    ...request,
  });
}

const opener = (connection: PostgresConnection) => (database: string) => openSession({ ...connection, database });

async function ask<Row extends Record<string, unknown>>(connection: PostgresConnection, sql: string): Promise<Row[]> {
  const session = await openSession({ ...connection, database: 'postgres' });
  try {
    return await session.query<Row>(sql);
  } finally {
    await session.close();
  }
}

const orders = 'SELECT count(*)::int AS n, sum(amount)::int AS sum FROM public.orders';
const there = "SELECT to_regclass('public.orders') IS NOT NULL AS orders, to_regclass('public.later') IS NOT NULL AS later";
const toTime = (time: Date, timeline = 1): RecoveryRequest['aim'] => ({ target: { kind: 'time', time }, timeline, action: 'promote' });

describe('a dropped table is there again', () => {
  test('at the moment before, whatever zone the server is set to', async () => {
    const dataDirectory = await copyBase('time');
    const server = await recover({ dataDirectory, aim: toTime(beforeDrop), temporary: false });
    try {
      expect(await ask(server.connection, orders)).toEqual([{ n: 1500, sum: 1_125_750 }]);
      expect(server.outcome).toMatchObject({
        state: 'promoted',
        timeline: 2,
        stop: expect.stringMatching(/^before commit of transaction/) as unknown,
      });
      expect(server.outcome.reached?.getTime()).toBeLessThanOrEqual(beforeDrop.getTime());
      expect(server.outcome.reached?.getTime()).toBeGreaterThan(beforeDrop.getTime() - 60_000);
      const settings = await ask(
        server.connection,
        "SELECT current_setting('archive_mode') AS archive, current_setting('listen_addresses') AS listen",
      );
      expect(settings).toEqual([{ archive: 'off', listen: '' }]);
      expect(await checkRelations(opener(server.connection), dataDirectory, context)).toMatchObject({ databases: 2, faults: [] });
    } finally {
      await server.stop();
    }
    const { mode, uid } = await stat(dataDirectory);
    expect(mode & 0o777).toBe(0o700);
    expect(uid).not.toBe(0);
    for (const name of ['holdfast-recovery', 'postmaster.pid', 'recovery.signal'])
      expect(existsSync(join(dataDirectory, name))).toBe(false);
    // The copy has not written into the archive of the cluster it was made of.
    expect((await readdir(cluster.archive)).filter((name) => name.startsWith('00000002'))).toEqual([]);
  }, 60_000);

  test.each([
    ['a restore point', { kind: 'name', name: 'before the release' }],
    ['a transaction', { kind: 'xid', xid: '' }],
  ] as const)(
    'at %s',
    async (name, target) => {
      const dataDirectory = await copyBase(target.kind);
      const asked = target.kind === 'xid' ? { ...target, xid: dropped } : target;
      const server = await recover({ dataDirectory, aim: { target: asked, timeline: 1, action: 'promote' } });
      try {
        expect(await ask(server.connection, there)).toEqual([{ orders: name === 'a restore point', later: false }]);
      } finally {
        await server.stop();
      }
    },
    60_000,
  );

  test('with the base as it is, which needs nothing of the archive', async () => {
    const dataDirectory = await copyBase('immediate');
    const supply = {
      segmentSize: 2 ** 24,
      segments: [],
      histories: [],
      readSegment: () => Promise.reject(new Error('nothing is to be read')),
    };
    const server = await recover({ dataDirectory, supply, aim: { target: { kind: 'immediate' }, timeline: 1, action: 'promote' } });
    try {
      expect(await ask(server.connection, orders)).toEqual([{ n: 1000, sum: 500_500 }]);
    } finally {
      await server.stop();
    }
  }, 60_000);

  test('for reading only, while the recovery stands still; and the server goes on without holdfast', async () => {
    const dataDirectory = await copyBase('pause');
    const user = await settleOwner(dataDirectory, []);
    // Less than the primary had, for which a hot standby would not start.
    await appendFile(join(dataDirectory, 'postgresql.conf'), 'max_connections = 10\n');
    const notices: HoldfastEvent[] = [];
    const aim: RecoveryRequest['aim'] = { ...toTime(beforeDrop), action: 'pause' };
    const server = await recover({ dataDirectory, user, aim, events: (event) => notices.push(event), temporary: false });
    expect(server.outcome).toMatchObject({ state: 'paused', timeline: 1 });
    expect(server.adjusted).toEqual({ max_connections: '40' });
    expect(notices.some((event) => event.type === 'notice' && event.message.includes('max_connections = 40'))).toBe(true);
    // Its own table is locked by the transaction that is about to drop it.
    expect(await ask(server.connection, there)).toEqual([{ orders: true, later: false }]);
    await expect(ask(server.connection, 'CREATE TABLE public.more (id int)')).rejects.toThrow(/read-only|during recovery/);
    await server.stop({ keepSpool: true });
    const control = { programs: cluster.toolsFolder, dataDirectory, user };
    await settleAside({ dataDirectory, user, major: 15, settings: {} }, { ...server.adjusted, ...settingsOfAim(aim) });
    await startDetached(control);
    try {
      const connection = { ...server.connection, host: dataDirectory };
      expect(await ask(connection, 'SELECT pg_is_in_recovery() AS r')).toEqual([{ r: true }]);
      expect(await ask(connection, there)).toEqual([{ orders: true, later: false }]);
      await ask(connection, 'SELECT pg_wal_replay_resume()');
      await ask(connection, 'SELECT pg_promote()').catch(() => {});
      expect(await ask(connection, orders)).toEqual([{ n: 1500, sum: 1_125_750 }]);
    } finally {
      await stopDetached(control);
    }
  }, 60_000);
});

describe('branches', () => {
  test('the one that is named is followed, and no number of another is taken again', async () => {
    const dataDirectory = await copyBase('branch');
    const supply = await supplyFromFolder(cluster.archive);
    const history = { name: '00000002.history', content: Buffer.from('1\t0/2000000\tsomebody tried something out\n') };
    const server = await recover({ dataDirectory, supply: { ...supply, histories: [history] }, aim: toTime(beforeDrop) });
    try {
      expect(server.outcome.timeline).toBe(3);
      expect(await ask(server.connection, orders)).toEqual([{ n: 1500, sum: 1_125_750 }]);
    } finally {
      await server.stop();
    }
  }, 60_000);
});

describe('what goes wrong', () => {
  test('a moment after the last commit is refused with the newest there is', async () => {
    const dataDirectory = await copyBase('beyond');
    const error = await failure(recover({ dataDirectory, aim: toTime(new Date(end.getTime() + 3_600_000)) }));
    expect(error.code).toBe('recovery-unreached');
    expect(error.message).toMatch(/a transaction of \d{4}-/);
    // The same directory, to the end.
    const server = await recover({ dataDirectory, aim: { target: { kind: 'latest' }, timeline: 1, action: 'promote' } });
    const found = await ask(server.connection, there);
    await server.stop();
    expect(found).toEqual([{ orders: false, later: true }]);
  }, 60_000);

  test('a segment that cannot be read ends the recovery with the reason, and another attempt does it', async () => {
    const dataDirectory = await copyBase('unreadable');
    const supply = await supplyFromFolder(cluster.archive);
    const broken = supply.segments.at(-2);
    const readSegment: typeof supply.readSegment = (name, abort) =>
      name === broken
        ? Promise.reject(new HoldfastError('damaged', { object: name, reason: 'its seal is broken' }))
        : supply.readSegment(name, abort);
    const error = await failure(recover({ dataDirectory, supply: { ...supply, readSegment }, aim: toTime(beforeDrop) }));
    expect(error.code).toBe('damaged');
    expect(existsSync(join(dataDirectory, 'postmaster.pid'))).toBe(false);
    expect(existsSync(join(dataDirectory, 'recovery.signal'))).toBe(true);
    const server = await recover({ dataDirectory, aim: toTime(beforeDrop) });
    expect(await ask(server.connection, orders)).toEqual([{ n: 1500, sum: 1_125_750 }]);
    await server.stop();
  }, 60_000);

  test('an interruption leaves no server', async () => {
    const dataDirectory = await copyBase('interrupted');
    const supply = await supplyFromFolder(cluster.archive);
    const interruption = new AbortController();
    const readSegment: typeof supply.readSegment = (_, abort) => {
      interruption.abort();
      return abort.aborted
        ? Promise.reject(new HoldfastError('interrupted'))
        : new Promise((_resolve, reject) =>
            abort.addEventListener('abort', () => reject(new HoldfastError('interrupted')), { once: true }),
          );
    };
    const error = await failure(
      recover({ dataDirectory, supply: { ...supply, readSegment }, aim: toTime(beforeDrop), signal: interruption.signal }),
    );
    expect(error.code).toBe('interrupted');
    expect(existsSync(join(dataDirectory, 'postmaster.pid'))).toBe(false);
  }, 60_000);

  test('a library that is not installed is left out; another complaint is told with what to do', async () => {
    const dataDirectory = await copyBase('library');
    const notices: string[] = [];
    const events = (event: HoldfastEvent): void => void (event.type === 'notice' && notices.push(event.message));
    const settings = { shared_preload_libraries: 'no_such_library' };
    const server = await recover({ dataDirectory, settings, events, aim: toTime(beforeDrop) });
    await server.stop();
    expect(notices.join()).toContain('"no_such_library" is not installed');
    const other = await copyBase('conf');
    await appendFile(join(other, 'postgresql.conf'), "include 'not-there.conf'\n");
    const error = await failure(recover({ dataDirectory: other, aim: toTime(beforeDrop) }));
    expect(error.code).toBe('recovery-failed');
    expect(error.message).toContain('not-there.conf');
    expect(error.hint).toMatch(/take the line that names it out/);
  }, 60_000);

  test('amcheck finds a damaged index', async () => {
    const dataDirectory = await copyBase('amcheck');
    const server = await recover({ dataDirectory, aim: toTime(beforeDrop) });
    try {
      const [row] = await ask<{ path: string }>(server.connection, "SELECT pg_relation_filepath('public.orders_pkey') AS path");
      await ask(server.connection, 'CHECKPOINT');
      const file = await open(join(dataDirectory, row?.path ?? ''), 'r+');
      // The key of an item in the middle of the first leaf page.
      await file.write(Buffer.alloc(4, 0x7f), 0, 4, 8192 + 4096 + 8);
      await file.close();
      await server.stop();
      const again = await startPlain(dataDirectory);
      const found = await checkRelations(opener(again), dataDirectory, context);
      expect(found.faults.join()).toMatch(/^index public.orders_pkey in postgres: high key/);
    } finally {
      await stopDetached({ programs: cluster.toolsFolder, dataDirectory, user: await settleOwner(dataDirectory, []) }).catch(() => {});
    }
  }, 60_000);
});

async function startPlain(dataDirectory: string): Promise<PostgresConnection> {
  const user = await settleOwner(dataDirectory, []);
  await settleAside({ dataDirectory, user, major: 15, settings: {} });
  await startDetached({ programs: cluster.toolsFolder, dataDirectory, user });
  return {
    host: dataDirectory,
    port: 5432,
    user: 'postgres',
    database: 'template1',
    password: undefined,
    ssl: { mode: 'disable' },
    connectTimeout: 20,
  };
}

test('configuration that lay outside the data directory is put into it, without its places', async () => {
  const dataDirectory = await copyBase('debian');
  const outside = join(cluster.room, 'etc');
  await mkdir(outside);
  const text = `${await readFile(join(dataDirectory, 'postgresql.conf'), 'utf8')}
data_directory = '/var/lib/postgresql/15/main'
hba_file = '/etc/postgresql/15/main/pg_hba.conf'
ident_file = '/etc/postgresql/15/main/pg_ident.conf'
external_pid_file = '/var/run/postgresql/15-main.pid'
include_dir = 'conf.d'
`;
  const files = [
    { stored: 'postgresql.conf', content: Buffer.from(text) },
    { stored: 'pg_hba.conf', content: await readFile(join(dataDirectory, 'pg_hba.conf')) },
    { stored: 'conf.d/work.conf', content: Buffer.from("work_mem = '7MB'\n") },
  ];
  for (const name of ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']) await rm(join(dataDirectory, name));
  const user = await settleOwner(dataDirectory, []);
  await putConfiguration(dataDirectory, files, user);
  await settleAside({ dataDirectory, user, major: 15, settings: {} });
  const server = await recover({ dataDirectory, user, aim: toTime(beforeDrop) });
  await server.stop();
  const connection = await startPlain(dataDirectory);
  try {
    expect(
      await ask(
        connection,
        "SELECT current_setting('data_directory') AS d, current_setting('work_mem') AS w, current_setting('archive_mode') AS a",
      ),
    ).toEqual([{ d: dataDirectory, w: '7MB', a: 'off' }]);
  } finally {
    await stopDetached({ programs: cluster.toolsFolder, dataDirectory, user });
  }
}, 60_000);

async function failure(work: Promise<RecoveredServer>): Promise<HoldfastError> {
  const result = await work.catch((error: unknown) => error);
  if (result instanceof HoldfastError) return result;
  if (!(result instanceof Error)) await (result as RecoveredServer).stop();
  throw new Error(`it did not fail as expected: ${String(result)}`);
}

test('a folder of another user is refused', async () => {
  if (process.getuid?.() !== 0) return;
  const folder = join(cluster.room, 'spare');
  await mkdir(folder);
  await writeFile(join(folder, 'PG_VERSION'), '15\n');
  await settleOwner(folder, []);
  expect((await stat(join(folder, 'PG_VERSION'))).uid).not.toBe(0);
});
