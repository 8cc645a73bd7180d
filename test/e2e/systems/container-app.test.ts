import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withArchive } from '../archives/stock-tools.ts';
import { databaseFingerprint, databasePart, readRows, takeFingerprint, treeFacts, type Fingerprint } from './fingerprint.ts';
import { proveDrill } from './drills.ts';
import { bringUp, type System } from './system.ts';

/* A whole system comes up, goes away and comes back. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const users = ['user-ada', 'user-brook', 'user-chen'];
const data = { volumes: ['app-data', ...users] };
let system: System;
let before: Fingerprint;

beforeAll(async () => {
  const services = { application: 'web', database: 'db' };
  system = await bringUp({ name: 'container-app', ...services, user: 'postgres', rows: 'container_app', health: '/api/health' });
  /* A volume counts whether its container runs or not. */
  await system.compose('stop', 'workspace-chen');
  before = await takeFingerprint(system, data);
  await system.succeed('backup');
});
afterAll(() => system?.remove());

test('its archive comes back by stock tools alone: not encrypted, with a tar for each volume, and no secret in it', () =>
  withArchive(system, {
    opening: 'plain',
    words: ['--gzip'],
    check: async ({ rows, target, files, shell }) => {
      expect(files.filter((name) => /^users-.*\.tar\.gz$/.test(name))).toHaveLength(3);
      expect(files).toEqual(expect.arrayContaining(['database.dump', 'manifest.json', 'env-template.txt', 'app-data.tar.gz']));
      expect(await rows()).toEqual(before.rows);
      for (const user of users) expect(treeFacts(join(target, `users-${system.project}_${user}`))).toEqual(before.data[user]);
      expect(treeFacts(join(target, 'app-data'))).toEqual(before.data['app-data']);
      for (const [name, value = ''] of Object.entries(system.settings))
        if (/PASSWORD|SECRET/.test(name))
          expect(await shell(`grep -rlF '${value}' "$TARGET/config" ./*.txt ./*.json holdfast.yaml || true`)).toBe('');
      expect(JSON.parse(await shell('cat manifest.json'))).toMatchObject({ application: 'container-app', encryption: null });
    },
  }));

test('its drills are proven: the volumes of all users, and the whole application beside itself', { timeout: 300_000 }, async () => {
  expect(await proveDrill(system, 'quarterly')).toMatchObject({ database: { databases: 1 }, users: {} });
  const started = await system.startedAt('web');
  expect(await proveDrill(system, 'yearly')).toMatchObject({ database: {}, users: {} });
  expect(await system.startedAt('web')).toBe(started);
  expect(await takeFingerprint(system, data)).toEqual(before);
});

test('the list of backups names the point and its components', async () => {
  expect(await system.points()).toHaveLength(1);
  const printed = await system.succeed('list');
  for (const component of ['database', 'users', 'app-data', 'config']) expect(printed).toContain(component);
});

test('the whole application comes back on an empty machine, with the volume of every user', async () => {
  await system.destroy();
  await system.recover();
  expect(await takeFingerprint(system, data)).toEqual(before);
  expect(await system.get('/api/health')).toMatchObject({ status: 200 });
  expect((await system.get('/api/files/2')).body).toContain('naïve façade');
  const running = await system.docker.docker([
    'ps',
    '--filter',
    `label=com.docker.compose.project=${system.project}`,
    '--format',
    '{{.Names}}',
  ]);
  expect(running.split('\n').filter((line) => line.includes('workspace')).length).toBeGreaterThanOrEqual(2);
});

test('one volume of many comes back, the others keep what came later', async () => {
  const [ada, brook] = [system.mountpoint('user-ada'), system.mountpoint('user-brook')];
  await rm(join(brook, 'projects'), { recursive: true });
  await writeFile(join(brook, 'later.txt'), 'goes');
  await writeFile(join(ada, 'later.txt'), 'stays');
  await system.restore('--component', 'users', '--volume', 'user-brook', '--delete');
  expect(treeFacts(brook)).toEqual(before.data['user-brook']);
  expect(treeFacts(ada)['later.txt']).toContain('type file');
  await rm(join(ada, 'later.txt'));
});

test('the database comes back from the point that a list names', async () => {
  const [id = ''] = await system.points();
  await system.query('DELETE FROM files; UPDATE users SET balance = balance + 1');
  await system.restore(id, '--component', 'database', '--recreate');
  expect(await databaseFingerprint(system, 'container_app')).toEqual(databasePart(before));
});

test('the database alone is backed up day by day, the volumes only with the whole', async () => {
  await system.query("UPDATE users SET balance = 99 WHERE name = 'ada'");
  const changed = await readRows(system);
  await system.succeed('backup', 'database');
  await system.query('UPDATE users SET balance = 0');
  await system.restore('--component', 'database', '--recreate');
  expect(await readRows(system)).toEqual(changed);
  await rm(join(system.mountpoint('user-ada'), 'projects'), { recursive: true });
  await system.restore('--component', 'users', '--volume', 'user-ada', '--delete');
  expect(treeFacts(system.mountpoint('user-ada'))).toEqual(before.data['user-ada']);
});

test('a volume that is gone is made again', async () => {
  await system.compose('rm', '-s', '-f', '-v', 'workspace-chen', 'web');
  await system.docker.docker(['volume', 'rm', `${system.project}_user-chen`]);
  await system.restore('--component', 'users', '--volume', 'user-chen');
  await system.compose('up', '-d');
  expect(treeFacts(system.mountpoint('user-chen'))).toEqual(before.data['user-chen']);
  expect(await system.get('/api/health')).toMatchObject({ status: 200 });
});
