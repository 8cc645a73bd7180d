import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import type { Configuration } from '../../config/configuration.ts';
import { plainDrill } from '../../config/understand-drills.ts';
import type { Repository } from '../../engine/repository.ts';
import { ignoreEvents } from '../../events.ts';
import { createFilesSource } from '../../sources/files/files-source.ts';
import { createPostgresSource } from '../../sources/postgres/postgres-source.ts';
import { systemClock } from '../../util/clock.ts';
import { createRecordSource } from '../application/point-source.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { backUp } from '../back-up.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { createSession } from '../open-session.ts';
import { loadPoints } from '../points.ts';
import type { DrillReport } from './drill-report.ts';
import { runDrill } from './run-drill.ts';

/* What comes back must be what was saved: a point in which one thing is another is disproved, and the report names it. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: ThrowawayCluster;
let folder: string;
let repository: Repository;
let configuration: Configuration;
let context: ApplicationContext;

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop'] });
  await cluster.psql(
    'CREATE TABLE orders (id serial PRIMARY KEY, amount int); INSERT INTO orders (amount) SELECT i FROM generate_series(1, 50) i',
    'shop',
  );
  folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'));
  repository = await createSession({ url: join(folder, 'repository'), password: () => Promise.resolve('secret') });
  await writeFile(join(folder, 'a.txt'), Buffer.alloc(200_000, 'abc'));
  const text = `application: shop\nrepositories: { here: ${folder} }\ncomponents: { database: { postgres: { url: '${cluster.url('shop')}' } } }\n`;
  const parsed = parseConfiguration(text, { file: join(folder, 'holdfast.yaml'), environment: {} });
  if (!('configuration' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  ({ configuration } = parsed);
  context = {
    events: ignoreEvents,
    signal: new AbortController().signal,
    clock: systemClock,
    environment: { PATH: process.env['PATH'], HOME: folder },
    stateFolder: join(folder, 'state'),
  };
});
afterAll(async () => {
  await repository?.close();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function drill(): Promise<Omit<DrillReport, 'previous'>> {
  const order = { repository, drill: plainDrill('restore', []), lock: {}, dryRun: false, trigger: 'person', onPlan: () => {} };
  const { report, left } = await runDrill(configuration, order, context);
  expect(left).toEqual([]);
  expect(await cluster.query("SELECT FROM pg_database WHERE datname LIKE 'holdfast%'")).toEqual([]);
  if (report === undefined) throw new Error('no report');
  return report;
}

function saveDatabase(): Promise<unknown> {
  const source = createPostgresSource({ component: 'database', at: { url: cluster.url('shop') }, environment: context.environment });
  return backUp(repository, { components: [{ source }] }, context);
}

/** A point like the newest one, but for one of its records. */
async function forge(alter: (path: string, text: string) => string): Promise<void> {
  const snapshot = (await loadPoints(repository)).at(-1)?.components.find(({ tags }) => tags.component === 'database');
  if (snapshot === undefined) throw new Error('no database was saved');
  const tree = openCapturedTree(repository, snapshot, context.signal);
  const records: { path: string; modified: Date; open: () => AsyncGenerator<Uint8Array> }[] = [];
  for await (const { path } of tree.list()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of tree.read(path)) chunks.push(chunk);
    const bytes = path.endsWith('.json') ? Buffer.from(alter(path, Buffer.concat(chunks).toString())) : Buffer.concat(chunks);
    records.push({ path, modified: systemClock.now(), open: () => once(bytes) });
  }
  const source = createRecordSource('database', 'postgres', records);
  await backUp(repository, { components: [{ source, paths: ['/postgres'] }] }, context);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test('one row', async () => {
  await saveDatabase();
  expect(await drill()).toMatchObject({ verdict: 'proven', components: [{ compared: { rows: 50, sequences: 1 } }] });
  await forge((_, text) => text.replace('"rows": 50', '"rows": 51'));
  const report = await drill();
  expect(report).toMatchObject({ verdict: 'disproved', components: [{ error: { code: 'postgres-restore-mismatch' } }] });
  expect(report.components[0]?.error?.message).toContain('"public"."orders" has 50 rows of 51');
});

test('one sequence', async () => {
  await saveDatabase();
  await forge((_, text) => text.replace('"from": "50"', '"from": "51"').replace('"to": "50"', '"to": "51"'));
  expect(await drill()).toMatchObject({
    verdict: 'disproved',
    components: [{ mismatches: ['sequence "public"."orders_id_seq" is at 50, and was at 51'] }],
  });
});

test('a sequence that moves while it is dumped is no difference', async () => {
  await saveDatabase();
  await forge((_, text) => text.replace('"to": "50"', '"to": "60"'));
  expect(await drill()).toMatchObject({ verdict: 'proven' });
});

test('one file', async () => {
  await backUp(
    repository,
    { components: [{ source: createFilesSource({ component: 'files', roots: [join(folder, 'a.txt')] }) }] },
    context,
  );
  expect(await drill()).toMatchObject({ verdict: 'proven', components: [{}, { name: 'files', compared: { files: 1, verified: 1 } }] });
  const file = await newestPack();
  const bytes = await readFile(file);
  await writeFile(file, Buffer.from(bytes).fill(0, 10, 20), { mode: 0o600 });
  const report = await drill();
  await writeFile(file, bytes);
  expect(report.verdict).toBe('disproved');
  expect(JSON.stringify(report.components[1])).toContain('a.txt');
});

/** Of those that hold content the one that was written last, which is that of the file. */
async function newestPack(): Promise<string> {
  const index = await repository.loadIndex();
  const [point] = (await loadPoints(repository)).slice(-1);
  const snapshot = point?.components[0];
  if (snapshot === undefined) throw new Error('no point');
  const { findNode } = await import('../../engine/browse/list-nodes.ts');
  const found = await findNode(repository, snapshot, join(folder, 'a.txt'));
  const [blob = ''] = 'node' in found ? (found.node.content ?? []) : [];
  const pack = index.packs[index.packOf(index.find(blob, 'data'))] ?? '';
  const names = await readdir(join(folder, 'repository', 'data', pack.slice(0, 2)));
  expect(names).toContain(pack);
  return join(folder, 'repository', 'data', pack.slice(0, 2), pack);
}
