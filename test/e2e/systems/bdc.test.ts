import { chmod, chown, cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { withArchive } from '../archives/stock-tools.ts';
import { databaseFingerprint, databasePart, readRows, takeFingerprint, treeFacts, type Fingerprint } from './fingerprint.ts';
import { describeCode, releaseCode } from './release-code.ts';
import { proveDrill } from './drills.ts';
import { bringUp, type System } from './system.ts';

/* A whole system comes up, goes away and comes back. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const data = { folders: ['uploads'], skip: ['.git'] };
let system: System;
let before: Fingerprint;
let code: string;

beforeAll(async () => {
  system = await bringUp({
    name: 'bdc',
    application: 'server',
    database: 'db',
    user: 'postgres',
    rows: 'bdc_db',
    health: '/health',
    prepare: (folder, remote) => releaseCode(folder, remote, ['.env', 'config/', 'uploads/']),
  });
  before = await takeFingerprint(system, data);
  code = await describeCode(system.folder);
  await system.succeed('backup');
});
afterAll(() => system?.remove());

test('its archive comes back by stock tools alone: a GPG key, a whole server among the files', () =>
  withArchive(system, {
    opening: 'gpg',
    words: ['--zstd'],
    check: async ({ rows, target, files, cluster }) => {
      expect(files).toEqual(
        expect.arrayContaining(['database.dump.gpg', 'database-base.tar.zst.gpg', 'uploads.tar.zst.gpg', 'config.tar.zst.gpg']),
      );
      expect(await rows()).toEqual(before.rows);
      expect(treeFacts(join(target, 'uploads'))).toEqual(before.data['uploads']);
      expect(await describeCode(join(target, 'code'))).toBe(code);
      expect(await readFile(join(target, 'config/config/nginx.conf'), 'utf8')).toContain('proxy_pass');
      const password = system.settings['POSTGRES_PASSWORD'] ?? '';
      const fill = (folder: string): Promise<void> => cp(join(target, 'database-base'), folder, { recursive: true });
      const whole = await startCluster({ version: cluster.version, from: { password, fill } });
      try {
        const query: System['query'] = (sql, database = 'bdc_db') => whole.query(sql, database);
        expect(await readRows({ ...system, query })).toEqual(before.rows);
      } finally {
        await whole.stop();
      }
    },
  }));

test('its drills are proven: the dump, and the base backup with its log', async () => {
  expect(await proveDrill(system, 'monthly')).toMatchObject({ database: { databases: 1 }, uploads: {} });
  expect(await proveDrill(system, 'quarterly')).toMatchObject({ 'database-base': { bases: 1 } });
});

test('the whole application comes up beside itself, on other ports', { timeout: 300_000 }, async () => {
  const started = await system.startedAt('server');
  expect(Object.keys(await proveDrill(system, 'yearly'))).toEqual(expect.arrayContaining(['database', 'uploads', 'config', 'code']));
  expect(await system.startedAt('server')).toBe(started);
});

test('the whole application comes back on an empty machine: code at its version, data, configuration', async () => {
  await system.destroy();
  await system.recover();
  expect(await takeFingerprint(system, data)).toEqual(before);
  expect(await describeCode(system.folder)).toBe(code);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
  expect(await system.get('/documents/1')).toMatchObject({ status: 200 });
});

test('uploads come back with owners and modes, and without what came later', async () => {
  const uploads = join(system.folder, 'uploads');
  await chmod(join(uploads, 'private'), 0o777);
  await chown(join(uploads, 'public/2021/paper-00001.jpg'), 0, 0);
  await rm(join(uploads, 'public/2022'), { recursive: true });
  await writeFile(join(uploads, 'later.txt'), 'goes');
  await system.restore('--component', 'uploads', '--delete');
  expect(treeFacts(uploads)).toEqual(before.data['uploads']);
});

test('a verification restores into a database of its own, counts the tables and drops it', async () => {
  await system.restore('--component', 'database', '--into', 'bdc_test');
  expect(await databaseFingerprint(system, 'bdc_test')).toEqual(databasePart(before));
  await system.query('DROP DATABASE bdc_test', 'postgres');
  await system.succeed('check', '--read-data');
});

test('chosen tables come back', async () => {
  await system.query("UPDATE programs SET name = 'lost ' || id; TRUNCATE enrolments");
  await system.restore('--component', 'database', '--tables', 'enrolments', '--data-only');
  const now = await readRows(system);
  expect(now['public.enrolments']).toBe(before.rows['public.enrolments']);
  expect(now['public.programs']).not.toBe(before.rows['public.programs']);
  await system.restore('--component', 'database', '--recreate');
  expect(await readRows(system)).toEqual(before.rows);
});

test('configuration comes back with safe modes', async () => {
  const config = join(system.folder, 'config');
  await chmod(join(system.folder, '.env'), 0o666);
  await rm(config, { recursive: true });
  await system.restore('--component', 'config');
  expect((await stat(join(system.folder, '.env'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(config, 'nginx.conf'))).mode & 0o777).toBe(0o644);
  expect(await readFile(join(config, 'nginx.conf'), 'utf8')).toContain('proxy_pass');
  expect((await takeFingerprint(system, data)).folder).toEqual(before.folder);
});

test('the code is checked out again at the version of the point, and what is no code stays', async () => {
  await rm(join(system.folder, 'server'), { recursive: true });
  await rm(join(system.folder, '.git'), { recursive: true });
  await system.restore('--component', 'code');
  expect(await describeCode(system.folder)).toBe(code);
  expect(await takeFingerprint(system, data)).toEqual(before);
});
