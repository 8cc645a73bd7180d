import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readRows } from './fingerprint.ts';
import { keptVolumes, streamWal } from './point-in-time.ts';
import { releaseCode } from './release-code.ts';
import { bringUp, type System } from './system.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let system: System;

/** Rows that no backup has. */
function addPrograms(count: number): string {
  return `INSERT INTO programs (name, budget, places, runs)
    SELECT 'Programme ' || gen_random_uuid(), i, i, daterange('2026-01-01', '2026-12-31') FROM generate_series(1, ${count}) i`;
}

/* The example's own configuration, but for the dumps: this server comes back from its base backups and its log alone. */
beforeAll(async () => {
  system = await bringUp({
    name: 'bdc',
    application: 'server',
    database: 'db',
    user: 'postgres',
    rows: 'bdc_db',
    health: '/health',
    prepare: async (folder, remote) => {
      const file = join(folder, 'holdfast.yaml');
      const text = (await readFile(file, 'utf8')).replace('      roles: true\n', '').replace('mode: both', 'mode: physical');
      await writeFile(file, text);
      await releaseCode(folder, remote, ['.env', 'config/', 'uploads/']);
    },
  });
});
afterAll(() => system?.remove());

test('a table that was dropped is there again, as of the moment before, in place and on an empty machine', async () => {
  await system.succeed('backup');
  const stream = await streamWal(system);
  await system.query(addPrograms(50));
  const moment = await stream.settle();
  const before = await readRows(system);
  await system.query('DROP TABLE enrolments CASCADE');
  await system.query("UPDATE programs SET name = 'lost ' || id");
  await stream.settle();

  const shown = await system.succeed('restore', '--component', 'database', '--at', moment.toISOString(), '--dry-run');
  expect(shown).toContain(`the volume ${system.project}_db-data, /var/lib/postgresql/data in the service db`);
  expect(shown).toContain(`as the new volume ${system.project}_db-data-before-`);
  expect(shown).toContain('server, and started again at the end');
  const done = await system.restore('--component', 'database', '--at', moment.toISOString());
  expect(done).toContain('the server runs again');
  expect(await readRows(system)).toEqual(before);
  expect(await system.get('/health')).toMatchObject({ status: 200 });
  const [kept = ''] = await keptVolumes(system, 'db-data');
  expect(await readdir(kept)).toContain('PG_VERSION');
  expect(await readdir(system.mountpoint('db-data'))).not.toContain('holdfast-recovery');

  /* On its new branch the server goes on, and its log is stored. */
  await system.query(addPrograms(3));
  await stream.settle();
  await stream.stop();
  const last = await readRows(system);

  /* Without a moment the newest is meant. */
  await system.query('DROP TABLE enrolments CASCADE');
  expect(await system.restore('--component', 'database')).toContain(`${system.project}_db-data-before-`);
  expect(await readRows(system)).toEqual(last);
  await system.destroy();
  const recovered = await system.recover();
  expect(recovered).toContain('database');
  expect(await readRows(system)).toEqual(last);
  expect(await system.get('/programs')).toMatchObject({ status: 200 });
});
