import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { plainDrill } from '../../config/understand-drills.ts';
import { startSavedServer, type SavedServer } from '../point-in-time/testing/saved-server.ts';
import type { DrillReport } from './drill-report.ts';
import { runDrill } from './run-drill.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let saved: SavedServer;

beforeAll(async () => {
  saved = await startSavedServer();
  const { cluster } = saved;
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await saved.takeBase();
  for (let round = 0; round < 4; round += 1) {
    await cluster.query('INSERT INTO orders SELECT i FROM generate_series($1::int, $1::int + 99) i', undefined, [round * 100]);
    await cluster.query('SELECT pg_switch_wal()');
  }
  await saved.settle();
  await saved.stopReceiving();
});
afterAll(() => saved?.stop());

async function drill(kind: 'restore' | 'check' = 'restore'): Promise<Omit<DrillReport, 'previous'>> {
  const text = `application: shop\nrepositories: { here: ${saved.room} }\ncomponents: { database: { postgres: { url: '${saved.cluster.url('postgres')}', mode: physical } } }\n`;
  const parsed = parseConfiguration(text, { file: join(saved.room, 'holdfast.yaml'), environment: {} });
  if (!('configuration' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  const assertions = kind === 'restore' ? [{ sql: 'SELECT count(*) = 400 FROM orders' }] : [];
  const order = {
    repository: saved.repository,
    drill: { ...plainDrill(kind, []), assertions },
    lock: {},
    dryRun: false,
    trigger: 'person',
    onPlan: () => {},
  };
  const { report, left } = await runDrill(parsed.configuration, order, saved.context);
  expect(left).toEqual([]);
  const scratch = join(saved.room, 'scratch');
  expect(existsSync(scratch) ? await readdir(scratch) : []).toEqual([]);
  if (report === undefined) throw new Error('no report');
  return report;
}

test('a base backup is replayed to the end of its log, and every index and table checked', async () => {
  const report = await drill();
  expect(report).toMatchObject({ verdict: 'proven', assertions: [{ passed: true }] });
  const { compared } = report.components[0] ?? {};
  expect(compared?.['segments']).toBeGreaterThanOrEqual(4);
  expect(compared?.['indexes']).toBeGreaterThan(50);
});

test('one segment of the log that is missing disproves, by name', async () => {
  const folder = join(saved.room, 'repository', 'holdfast', 'wal');
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\/[0-9A-F]{24}[^/]*$/.test(name)).sort();
  const middle = join(folder, names[Math.floor(names.length / 2)] ?? '');
  await rename(middle, `${saved.room}/aside`);
  const [restored, read] = [await drill(), await drill('check')];
  await rename(`${saved.room}/aside`, middle);
  for (const report of [restored, read]) {
    expect(report).toMatchObject({ verdict: 'disproved', components: [{ error: { code: 'wal-gap' } }] });
    expect(report.components[0]?.error?.message).toMatch(/WAL from .* to .* is missing/);
  }
});
