import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withArchive } from '../archives/stock-tools.ts';
import { databaseFingerprint, databasePart, readRows, takeFingerprint, type Fingerprint } from './fingerprint.ts';
import { releaseCode } from './release-code.ts';
import { proveDrill } from './drills.ts';
import { bringUp, type System } from './system.ts';

/* A whole system comes up, goes away and comes back. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const data = { skip: ['.git'] };
let system: System;
let before: Fingerprint;

beforeAll(async () => {
  system = await bringUp({
    name: 'invoice-processor',
    application: 'web',
    database: 'db',
    user: 'invoice_user',
    rows: 'invoice_app',
    health: '/health',
    prepare: (folder, remote) => releaseCode(folder, remote, ['.env']),
  });
  before = await takeFingerprint(system, data);
  await system.succeed('backup', '--profile', 'production');
});
afterAll(() => system?.remove());

test('its archive comes back by stock tools alone: one file for an age key', () =>
  withArchive(system, {
    opening: 'age',
    words: ['--one-file'],
    check: async ({ rows, target, files }) => {
      expect(files).toEqual(expect.arrayContaining(['README.txt', 'manifest.json', 'database.dump', 'code.json', 'config', 'logs']));
      expect(await rows()).toEqual(before.rows);
      expect(await readFile(join(target, 'config/.env'), 'utf8')).toBe(await readFile(join(system.folder, '.env'), 'utf8'));
      expect(await readFile(join(target, 'logs/web.log'), 'utf8')).toContain('invoice-processor listens on');
    },
  }));

test(
  'its drills are proven: the database and the configuration; in production the whole application beside itself',
  { timeout: 300_000 },
  async () => {
    expect(await proveDrill(system, 'weekly')).toMatchObject({ database: { databases: 1 } });
    const started = await system.startedAt('web');
    expect(Object.keys(await proveDrill(system, 'monthly', '--profile', 'production'))).toEqual(
      expect.arrayContaining(['database', 'config']),
    );
    expect(await system.startedAt('web')).toBe(started);
  },
);

test('the whole application comes back on an empty machine', async () => {
  await system.destroy();
  await system.recover();
  expect(await takeFingerprint(system, data)).toEqual(before);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
  expect((await system.get('/')).body).toContain('Batch 30');
});

test('the point tells when, of what, at which version, how large', async () => {
  const manifest = await system.succeed('cat', 'latest:/holdfast/manifest.json', '--component', 'point');
  expect(JSON.parse(manifest)).toMatchObject({
    application: 'invoice-processor',
    version: '1.4.2',
    profile: 'production',
    status: 'complete',
  });
  for (const name of ['database', 'config', 'logs', 'code']) expect(manifest).toContain(`"${name}"`);
});

test('logs of the services are in the point, the cache is not', async () => {
  const listed = await system.succeed('ls', 'latest', '--component', 'logs');
  expect(listed).toMatch(/web/);
  const target = join(system.scratch, 'logs');
  await system.restore('latest', '--component', 'logs', '--target', target);
  const name = /\S*web\S*/.exec(listed)?.[0] ?? '';
  expect(await readFile(join(target, name), 'utf8')).toContain('invoice-processor listens on');
  expect(await system.succeed('ls', 'latest')).not.toContain('cache');
});

test('a template keeps keys, comments and order, and no secret', async () => {
  await system.succeed('backup', 'config');
  const template = await system.succeed('cat', 'latest:/config/.env');
  const real = await readFile(join(system.folder, '.env'), 'utf8');
  for (const secret of ['test-only', 'google-key', 'session-key']) expect(template).not.toContain(secret);
  const keys = (text: string): string[] => text.split('\n').map((line) => /^(#.*|(export )?\w+=|)/.exec(line)?.[0] ?? line);
  expect(keys(template).filter((line) => !line.startsWith('# A template'))).toEqual(keys(real));
});

test('tables come back, with their definitions or by rows alone', async () => {
  await system.query("DROP TABLE reviews; UPDATE users SET email = 'x' || id");
  await system.restore('--component', 'database', '--tables', 'reviews');
  const now = await readRows(system);
  expect(now['public.reviews']).toBe(before.rows['public.reviews']);
  expect(now['public.users']).not.toBe(before.rows['public.users']);
  await system.restore('--component', 'database', '--recreate');

  await system.query('TRUNCATE users CASCADE');
  await system.restore('--component', 'database', '--tables', 'users,batches,invoices,reviews', '--data-only');
  expect(await databaseFingerprint(system, 'invoice_app')).toEqual(databasePart(before));
});

test('the schema alone, and then the rows alone', async () => {
  await system.restore('--component', 'database', '--into', 'invoice_copy', '--schema-only');
  const empty = await databaseFingerprint(system, 'invoice_copy');
  expect(empty.schema).toBe(before.schema);
  expect(empty.rows['public.invoices']).toMatch(/^0 rows/);
  await system.restore('--component', 'database', '--into', 'invoice_copy', '--data-only');
  expect(await databaseFingerprint(system, 'invoice_copy')).toEqual(databasePart(before));
  await system.query('DROP DATABASE invoice_copy', 'postgres');
});

test('clean restores over what is there', async () => {
  await system.query("UPDATE batches SET state = 'open'; DELETE FROM reviews");
  await system.restore('--component', 'database', '--clean');
  expect(await databaseFingerprint(system, 'invoice_app')).toEqual(databasePart(before));
});

test('configuration comes back whole, with its modes', async () => {
  const kept = join(system.scratch, 'env');
  await copyFile(join(system.folder, '.env'), kept);
  for (const name of ['.env', 'docker-compose.yml', 'VERSION']) await rm(join(system.folder, name));
  const [whole = ''] = await system.points();
  await system.restore(whole, '--component', 'config');
  expect(await readFile(join(system.folder, '.env'), 'utf8')).toBe(await readFile(kept, 'utf8'));
  expect((await stat(join(system.folder, '.env'))).mode & 0o777).toBe(0o600);
  expect((await takeFingerprint(system, data)).folder).toEqual(before.folder);
});

test('a recovery from a template stops for its values, and goes on where they are filled in', async () => {
  const settings = await readFile(join(system.folder, '.env'), 'utf8');
  await system.succeed('backup');
  await system.destroy();
  const { status, stderr } = await system.tryToRecover();
  expect(status).toBe(1);
  expect(stderr).toMatch(/needs values for: .*POSTGRES_PASSWORD.*GOOGLE_API_KEY/);
  await writeFile(join(system.folder, '.env'), settings);
  await system.recover('--resume');
  expect(await takeFingerprint(system, data)).toEqual(before);
});
