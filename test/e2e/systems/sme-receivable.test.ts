import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withArchive } from '../archives/stock-tools.ts';
import { databaseFingerprint, databasePart, readRedis, readRows, takeFingerprint, treeFacts, type Fingerprint } from './fingerprint.ts';
import { streamWal } from './point-in-time.ts';
import { proveDrill } from './drills.ts';
import { bringUp, type System } from './system.ts';

/* A whole system comes up, goes away and comes back. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const data = { folders: ['uploads'], redis: 'redis' };
let system: System;
let before: Fingerprint;

beforeAll(async () => {
  system = await bringUp({
    name: 'sme-receivable',
    application: 'backend',
    database: 'postgres',
    user: 'postgres',
    rows: 'sme_platform_db',
    health: '/health',
  });
  before = await takeFingerprint(system, data);
  await system.succeed('backup');
});
afterAll(() => system?.remove());

test('its archive comes back by stock tools alone: one file for a GPG key, Redis too', () =>
  withArchive(system, {
    opening: 'gpg',
    words: ['--one-file', '--zstd'],
    check: async ({ rows, target, files, shell }) => {
      expect(files).toEqual(
        expect.arrayContaining(['database.dump', 'globals.sql', 'redis.rdb', 'documents', 'config', 'application', 'database-base']),
      );
      expect(await rows()).toEqual(before.rows);
      expect(treeFacts(join(target, 'documents'))).toEqual(before.data['uploads']);
      expect(await readFile(join(target, 'config/k8s/secrets.yaml'), 'utf8')).toContain('JWT_SECRET');
      const server =
        'redis-server --port 0 --unixsocket "$TARGET/r.sock" --dir "$TARGET/redis" --appendonly no --daemonize yes --pidfile "$TARGET/r.pid"';
      const ask = 'redis-cli -s "$TARGET/r.sock"';
      const wait = `for i in $(seq 600); do ${ask} ping 2> /dev/null | grep -q PONG && break; sleep 0.1; done`;
      const count = await shell(`${server} > /dev/null; ${wait}; ${ask} info keyspace | grep -o 'keys=[0-9]*'; ${ask} shutdown nosave`);
      const keys = [...count.matchAll(/keys=(\d+)/g)].reduce((sum, [, found]) => sum + Number(found), 0);
      expect(keys).toBe(before.redis.length);
    },
  }));

test('its monthly drill is proven: the database, the sessions and the documents', async () => {
  expect(await proveDrill(system, 'monthly')).toMatchObject({ database: { databases: 1 }, sessions: { streams: 2 }, documents: {} });
});

test('the whole application comes up beside itself, on other ports', { timeout: 300_000 }, async () => {
  const started = await system.startedAt('backend');
  expect(Object.keys(await proveDrill(system, 'yearly'))).toEqual(expect.arrayContaining(['database', 'sessions', 'documents', 'config']));
  expect(await system.startedAt('backend')).toBe(started);
});

test('the whole application comes back on an empty machine, sessions too', async () => {
  expect(before.redis.length).toBeGreaterThan(40);
  await system.destroy();
  await system.recover();
  expect(await takeFingerprint(system, data)).toEqual(before);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
  expect(await system.get('/documents/1')).toMatchObject({ status: 200 });
});

test('it comes back from the second repository as well', async () => {
  await system.destroy();
  await rm(system.repository, { recursive: true });
  await system.succeedIn(system.scratch, 'recover', '-r', system.repository.replace('/backups/', '/offsite/'), '--yes');
  expect(await takeFingerprint(system, data)).toEqual(before);
});

test('the database is dropped, made again and filled while the backend is stopped', async () => {
  await system.compose('stop', 'backend');
  await system.query('DROP DATABASE sme_platform_db', 'postgres');
  await system.restore('-r', 'offsite', '--component', 'database');
  await system.compose('start', 'backend');
  expect(await databaseFingerprint(system, 'sme_platform_db')).toEqual(databasePart(before));
});

test('two tables come back', async () => {
  await system.query('TRUNCATE payments, documents');
  await system.restore('-r', 'offsite', '--component', 'database', '--tables', 'documents', '--data-only');
  const now = await readRows(system);
  expect(now['public.documents']).toBe(before.rows['public.documents']);
  expect(now['public.payments']).toMatch(/^0 rows/);
  await system.restore('-r', 'offsite', '--component', 'database', '--recreate');
  expect(await readRows(system)).toEqual(before.rows);
});

test('a backup for a test is restored beside the live one, and counted', async () => {
  await system.restore('-r', 'offsite', '--component', 'database', '--into', 'test_db');
  expect(await readRows(system, 'test_db')).toEqual(before.rows);
  await system.query('DROP DATABASE test_db', 'postgres');
});

test('Redis comes back with its service stopped meanwhile, and forgets what came later', async () => {
  const login = `redis-cli -a ${system.settings['REDIS_PASSWORD'] ?? ''} --no-auth-warning`;
  await system.compose('exec', '-T', 'redis', 'sh', '-c', `${login} FLUSHALL && ${login} SET later 1`);
  await system.restore('-r', 'offsite', '--component', 'sessions');
  expect(await readRedis(system, 'redis')).toEqual(before.redis);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
});

test('documents come back: all, one folder, one file', async () => {
  const uploads = join(system.folder, 'uploads');
  await rm(uploads, { recursive: true });
  await system.restore('-r', 'offsite', '--component', 'documents');
  expect(treeFacts(uploads)).toEqual(before.data['uploads']);
  await rm(join(uploads, '02'), { recursive: true });
  await system.restore(`latest:${uploads}/02`, '-r', 'offsite', '--component', 'documents', '--target', join(uploads, '02'));
  const [name = ''] = Object.keys(before.data['uploads'] ?? {}).filter((path) => path.startsWith('02/'));
  expect(treeFacts(uploads)[name]).toBe(before.data['uploads']?.[name]);
});

test('the configuration comes back, Kubernetes and Prometheus files among it', async () => {
  await writeFile(join(system.folder, 'k8s/secrets.yaml'), 'lost');
  await rm(join(system.folder, 'monitoring'), { recursive: true });
  await system.restore('-r', 'offsite', '--component', 'config');
  expect((await takeFingerprint(system)).folder).toMatchObject(before.folder);
  expect(await readFile(join(system.folder, 'k8s/secrets.yaml'), 'utf8')).toContain('JWT_SECRET');
});

test('a table that was dropped is there again, with what came after the last backup: the server goes back to the moment before', async () => {
  await system.succeed('backup', 'database');
  const stream = await streamWal(system);
  try {
    await system.query("INSERT INTO payments (invoice_id, amount, paid_at, reference) SELECT id, 1, now(), 'later' FROM invoices LIMIT 20");
    const moment = await stream.settle();
    const then = await readRows(system);
    await system.query('DROP TABLE payments CASCADE');
    await stream.settle();
    await system.restore('--component', 'database', '--at', moment.toISOString());
    expect(await readRows(system)).toEqual(then);
    expect(await system.get('/health')).toMatchObject({ status: 200 });
  } finally {
    await stream.stop();
  }
});
