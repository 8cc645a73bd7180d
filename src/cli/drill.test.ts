import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { z } from 'zod';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const reportSchema = z.looseObject({
  id: z.string(),
  verdict: z.string(),
  object: z.string().nullable(),
  point: z.object({ id: z.string() }),
  components: z.array(
    z.looseObject({
      name: z.string(),
      verdict: z.string(),
      compared: z.record(z.string(), z.number()),
      mismatches: z.array(z.string()),
      remarks: z.array(z.string()),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
  assertions: z.array(z.looseObject({ passed: z.boolean() })),
  findings: z.array(z.string()),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

const place = await makeWorkplace();
let cluster: ThrowawayCluster;
let env: Record<string, string>;

beforeAll(async () => {
  await chmod(place.folder, 0o755);
  cluster = await startCluster({ databases: ['shop'] });
  await cluster.psql(
    `CREATE TABLE orders (id serial PRIMARY KEY, amount int NOT NULL);
     INSERT INTO orders (amount) SELECT i FROM generate_series(1, 500) i;
     CREATE SEQUENCE countdown INCREMENT -1 MINVALUE 1 MAXVALUE 100 START 100; SELECT nextval('countdown'), nextval('countdown');
     CREATE SEQUENCE unused;
     CREATE TABLE empty_one (x int);`,
    'shop',
  );
  await mkdir(place.path('app', 'uploads', 'deep'), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'a.txt'), 'a'.repeat(3_000_000));
  await writeFile(place.path('app', 'uploads', 'deep', 'b.txt'), 'b', { mode: 0o640 });
  await symlink('a.txt', place.path('app', 'uploads', 'link'));
  await writeFile(place.path('app', '.env'), 'SECRET_KEY=not-to-be-seen-anywhere\nPORT=80\n');
  await writeFile(
    place.path('app', 'holdfast.yaml'),
    `application: shop
repositories: { local: ${place.path('repository')} }
components:
  database: { postgres: { url: '${cluster.url('shop').replace(cluster.password, '${PGPASSWORD}')}' } }
  uploads: { files: uploads }
  config: { config: { files: [.env], secrets: template } }
drills:
  monthly: { schedule: monthly, restore: [database] }
  server: { restore: database, into: cluster, assert: [{ sql: select count(*) = 500 from orders }] }
  asserted:
    restore: [database, uploads]
    assert:
      - sql: select sum(amount) = 125250 from orders
      - run: psql "$HOLDFAST_DRILL_DATABASE_URL" -Atc 'select count(*) from orders' | grep -qx 500 && test -f "$HOLDFAST_DRILL_FOLDER_UPLOADS${place.path('app')}/uploads/a.txt"
  wrong: { restore: database, assert: { sql: select count(*) > 1000 from orders } }
  small: { restore: uploads, space: 1M }
`,
  );
  env = { PGPASSWORD: cluster.password, HOLDFAST_STATE: place.path('state'), TMPDIR: place.path('tmp') };
  await mkdir(place.path('tmp'));
  const { status, stderr } = await runHoldfast(['backup'], { cwd: place.path('app'), env });
  if (status !== 0) throw new Error(stderr);
});
afterAll(async () => {
  await cluster?.stop();
  await place.remove();
});

async function holdfast(...words: string[]): Promise<RunResult> {
  const end = await runHoldfast(words, { cwd: place.path('app'), env });
  expect(`${end.stdout}${end.stderr}`).not.toContain(cluster.password);
  expect(`${end.stdout}${end.stderr}`).not.toContain('not-to-be-seen-anywhere');
  return end;
}

async function drill(status: number, ...words: string[]): Promise<z.infer<typeof reportSchema>> {
  const end = await holdfast('drill', ...words, '--json');
  expect(end.status, `${end.stdout}${end.stderr}`).toBe(status);
  const report = parseLines(end.stdout).find((line) => line['message_type'] === 'drill_report');
  expect(await whatIsLeft()).toEqual([]);
  return reportSchema.parse(report);
}

/** Databases, folders, notes. */
async function whatIsLeft(): Promise<string[]> {
  const databases = await cluster.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%'");
  const folders = await Promise.all(
    [`${place.path('state')}-scratch`, place.path('tmp', 'holdfast-scratch'), place.path('state', 'drills')].map(async (folder) =>
      existsSync(folder) ? readdir(folder) : [],
    ),
  );
  const sockets = (await readdir(place.path('tmp'))).filter((name) => name.startsWith('holdfast-pg'));
  return [...databases.map(({ datname }) => datname), ...folders.flat(), ...sockets];
}

describe('a sound point', () => {
  test('is proven, and everything says so', async () => {
    expect((await holdfast('list')).stdout).toContain('unproven');
    const report = await drill(0);
    expect(report).toMatchObject({ verdict: 'proven', object: expect.stringMatching(/^drills\/\d{8}T\d{6}Z-/) as unknown });
    const compared = Object.fromEntries(report.components.map((component) => [component.name, component.compared]));
    expect(compared).toMatchObject({
      database: { databases: 1, tables: 2, rows: 500, sequences: 3, streams: 3 },
      uploads: { files: 2, links: 1, verified: 2 },
      config: { files: 1 },
    });
    const [point] = parseLines((await holdfast('list', '--json')).stdout);
    expect(point).toMatchObject({ proven: true, proven_components: expect.arrayContaining(['database', 'config', 'uploads']) as unknown });
    expect((await holdfast('show', 'latest')).stdout).toMatch(/status +complete, proven/);
    expect(parseLines((await holdfast('drill', '--report', '--json')).stdout)).toMatchObject([{ id: report.id, previous: [] }]);
    expect((await holdfast('drill', '--report', '--all')).stdout).toContain(report.id);
  });

  test('a page can be signed', async () => {
    const file = place.path('report.html');
    expect((await holdfast('drill', '--report', '--html', file)).status).toBe(0);
    const page = await readFile(file, 'utf8');
    expect(page).toContain('Proven: everything came back as it was saved');
    expect(page).toMatch(/Signature/);
    expect(page).not.toMatch(/<script|http:|https:/);
  });

  test('a drill of the configuration, on a server of its own, with assertions', async () => {
    const report = await drill(0, 'server');
    expect(report).toMatchObject({ verdict: 'proven', assertions: [{ passed: true }] });
    expect(await drill(0, 'asserted')).toMatchObject({ verdict: 'proven', assertions: [{ passed: true }, { passed: true }] });
  });

  test('an assertion that does not hold disproves', async () => {
    expect(await drill(4, 'wrong')).toMatchObject({
      verdict: 'disproved',
      assertions: [{ passed: false }],
      components: [{ verdict: 'proven' }],
    });
  });

  test('what needs more room than it may take is not begun', async () => {
    expect(await drill(1, 'small')).toMatchObject({ verdict: 'failed', error: { code: 'drill-space' } });
  });

  test('only reading proves nothing, but finds what is damaged', async () => {
    expect(await drill(0, '--kind', 'check')).toMatchObject({ verdict: 'proven' });
  });

  test('the plan alone makes nothing', async () => {
    const end = await holdfast('drill', 'monthly', '--dry-run', '--json');
    expect(parseLines(end.stdout)).toMatchObject([{ message_type: 'drill_plan', drill: 'monthly', components: [{ name: 'database' }] }]);
  });

  test('without a configuration here, that of the point serves, and no live server is touched', async () => {
    const words = ['drill', '-r', place.path('repository'), '--json'];
    const end = await runHoldfast(words, { cwd: place.path('tmp'), env: { ...env, PGPASSWORD: 'wrong' } });
    expect(end.status, `${end.stdout}${end.stderr}`).toBe(0);
    expect(await whatIsLeft()).toEqual([]);
  });
});

test('a live database with a similar name survives; what was left is swept, and only that', async () => {
  for (const name of ['holdfast_drill', 'holdfast_drill_orders', 'holdfast_drill_00000000_1_1_000000_00000000'])
    await cluster.query(`CREATE DATABASE "${name}"`);
  const words = ['drill', 'monthly', '--json'];
  const end = await runHoldfast(words, { cwd: place.path('app'), env });
  expect(end.status).toBe(0);
  const left = await cluster.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%' ORDER BY 1");
  expect(left.map(({ datname }) => datname)).toHaveLength(3);
  for (const { datname } of left) await cluster.query(`DROP DATABASE "${datname}"`);
});

test('a report that is taken away shows', async () => {
  const folder = place.path('repository', 'holdfast', 'drills');
  const names = (await readdir(folder)).sort();
  const middle = names[1] ?? '';
  const bytes = await readFile(`${folder}/${middle}`);
  await rm(`${folder}/${middle}`);
  const end = await holdfast('drill', '--report');
  expect(end.status).toBe(1);
  expect(end.stdout).toContain(`drills/${middle} is missing`);
  await writeFile(`${folder}/${middle}`, bytes.fill(0, 200, 220));
  expect((await holdfast('drill', '--report')).status).toBe(1);
});
