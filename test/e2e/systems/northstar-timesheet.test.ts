import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withArchive } from '../archives/stock-tools.ts';
import { databaseFingerprint, databasePart, readRows, takeFingerprint, treeFacts, type Fingerprint } from './fingerprint.ts';
import { releaseCode } from './release-code.ts';
import { proveDrill } from './drills.ts';
import { bringUp, type System } from './system.ts';

/* A whole system comes up, goes away and comes back. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const data = { volumes: ['uploads'], skip: ['.git'] };
let system: System;
let before: Fingerprint;

beforeAll(async () => {
  system = await bringUp({
    name: 'northstar-timesheet',
    application: 'web',
    database: 'db',
    user: 'timesheet',
    rows: 'timesheet_db',
    health: '/health',
    prepare: (folder, remote) => releaseCode(folder, remote, ['.env']),
  });
  before = await takeFingerprint(system, data);
  await system.succeed('backup');
});
afterAll(() => system?.remove());

test('its archive comes back by stock tools alone: a passphrase, and a folder of files', () =>
  withArchive(system, {
    opening: 'passphrase',
    words: [],
    check: async ({ rows, target, readme, files }) => {
      expect(files).toEqual(
        expect.arrayContaining(['README.txt', 'SHA256SUMS', 'database.dump.gpg', 'globals.sql.gpg', 'uploads.tar.gz.gpg']),
      );
      expect(await rows()).toEqual(before.rows);
      expect(treeFacts(join(target, 'uploads'))).toEqual(before.data['uploads']);
      expect(await readFile(join(target, 'config/.env'), 'utf8')).toBe(await readFile(join(system.folder, '.env'), 'utf8'));
      expect(await readFile(join(target, 'code/app/app.py'), 'utf8')).toBe(await readFile(join(system.folder, 'app/app.py'), 'utf8'));
      const template = await readFile(join(target, 'env-template.txt'), 'utf8');
      expect(template).toContain('POSTGRES_PASSWORD=');
      for (const [name, value = ''] of Object.entries(system.settings))
        if (/PASSWORD|SECRET/.test(name)) expect(`${template}${readme}`).not.toContain(value);
    },
  }));

test('its monthly drill is proven: the database, counted', async () => {
  expect(await proveDrill(system, 'monthly')).toMatchObject({ database: { databases: 1 } });
});

test('the whole application comes back on an empty machine', async () => {
  await system.destroy();
  const printed = await system.recover();
  expect(printed).toMatch(/health/i);
  expect(await takeFingerprint(system, data)).toEqual(before);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
  expect((await system.get('/attachments/3')).body).toContain('größer');
});

test('a test database is restored, counted and dropped, and the application sees nothing of it', async () => {
  const started = await system.startedAt('web');
  await system.restore('--component', 'database', '--into', 'timesheet_test');
  expect(await system.startedAt('web')).toBe(started);
  expect(await databaseFingerprint(system, 'timesheet_test')).toEqual(await databaseFingerprint(system, 'timesheet_db'));
  await system.query('DROP DATABASE timesheet_test', 'postgres');
  expect(await readRows(system)).toEqual(before.rows);
});

test('a restore in place takes away what came later, with the web service stopped meanwhile', async () => {
  await system.query("UPDATE users SET full_name = 'nobody'; DELETE FROM entries WHERE id < 100; CREATE TABLE later (x int)");
  const started = await system.startedAt('web');
  await system.restore('--component', 'database', '--clean');
  expect(await system.startedAt('web')).not.toBe(started);
  const { rows } = before;
  const now = await readRows(system);
  expect(Object.fromEntries(Object.entries(now).filter(([name]) => name !== 'public.later'))).toEqual(rows);
  await system.restore('--component', 'database', '--recreate');
  expect(await databaseFingerprint(system, 'timesheet_db')).toEqual(databasePart(before));
  expect(await system.get('/health')).toMatchObject({ status: 200 });
});

test('one table comes back, the others keep what is in them', async () => {
  await system.query("UPDATE users SET full_name = 'changed' WHERE id = 1; DROP TABLE notifications");
  await system.restore('--component', 'database', '--tables', 'notifications');
  const now = await readRows(system);
  expect(now['public.notifications']).toBe(before.rows['public.notifications']);
  expect(now['public.users']).not.toBe(before.rows['public.users']);
  await system.query('TRUNCATE notifications');
  await system.restore('--component', 'database', '--tables', 'notifications', '--data-only');
  expect((await readRows(system))['public.notifications']).toBe(before.rows['public.notifications']);
  await system.restore('--component', 'database', '--recreate');
});

test('a database that is gone is made again', async () => {
  await system.compose('stop', 'web');
  await system.query('DROP DATABASE timesheet_db', 'postgres');
  await system.restore('--component', 'database');
  await system.compose('start', 'web');
  expect(await readRows(system)).toEqual(before.rows);
});

test('attachments come back into the volume, and beside it', async () => {
  const uploads = system.mountpoint('uploads');
  await rm(join(uploads, '2026'), { recursive: true });
  await system.restore('--component', 'uploads');
  expect(treeFacts(uploads)).toEqual(before.data['uploads']);

  await rm(join(uploads, '2026/03/receipt 00002.txt'));
  await writeFile(join(uploads, 'later.txt'), 'stays');
  await system.restore(`latest:${join(uploads, '2026/03')}`, '--component', 'uploads', '--target', join(uploads, '2026/03'));
  expect((await system.get('/attachments/3')).status).toBe(200);

  const beside = join(system.scratch, 'beside');
  await system.restore(`latest:${uploads}`, '--component', 'uploads', '--target', beside);
  const { '.': _, ...files } = treeFacts(beside);
  const { '.': __, ...expected } = before.data['uploads'] ?? {};
  expect(files).toEqual(expected);
});
