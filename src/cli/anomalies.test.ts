import { createCipheriv } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { exitStatus } from '../errors.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
let cluster: ThrowawayCluster;

const run = (...args: string[]): Promise<RunResult> =>
  runHoldfast([...args, '-c', place.path('holdfast.yaml')], {
    env: { HOLDFAST_STATE: place.path('state'), PGPASSWORD: cluster.password },
  });
const backUp = async (): Promise<void> => expect(await run('backup')).toMatchObject({ status: exitStatus.done });

interface Found {
  readonly name: string;
  readonly shrunk: boolean;
  readonly anomalies: readonly { readonly id: string; readonly metric: string; readonly table?: string; readonly message: string }[];
}

async function components(): Promise<{ exit: number; found: Record<string, Found> }> {
  const { status, stdout } = await run('status', '--json');
  const [record] = parseLines(stdout);
  const list = record?.['components'] as readonly Found[];
  return { exit: status, found: Object.fromEntries(list.map((each) => [each.name, each])) };
}

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop'] });
  const url = `postgresql://postgres@${cluster.host}:${cluster.port}/shop`;
  await cluster.psql(
    `CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, 10482) i;
     CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers SELECT generate_series(1, 300);
     CREATE TABLE events (day int, what text) PARTITION BY LIST (day);
     CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1); CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2);
     INSERT INTO events SELECT 1 + i % 2, 'x' FROM generate_series(1, 4000) i;`,
    'shop',
  );
  await mkdir(place.path('papers'));
  for (let index = 0; index < 20; index += 1)
    await writeFile(place.path(`papers/${index}.txt`), `paper ${index}: ${'the same words again and again, '.repeat(500)}\n`);
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: { url: ./repository, keep: { last: 2 } }, second: { url: ./second, keep: { last: 2 } } }
components:
  database: { postgres: "${url}" }
  papers: { files: ./papers }
`,
  );
  await backUp();
  await backUp();
}, 180_000);

afterAll(async () => {
  await cluster.stop();
  await place.remove();
});

describe('a table that was emptied', { timeout: 180_000 }, () => {
  test('is told by its name, as long as it is empty, with exit status 4', async () => {
    expect(await components()).toMatchObject({ exit: exitStatus.done, found: { database: { shrunk: false, anomalies: [] } } });
    await cluster.psql('DELETE FROM orders', 'shop');
    await backUp();
    await backUp();
    const { exit, found } = await components();
    expect(exit).toBe(exitStatus.disproved);
    expect(found['database']).toMatchObject({ shrunk: true });
    expect(found['database']?.anomalies).toContainEqual(
      expect.objectContaining({ metric: 'rows', table: 'orders', message: 'orders had 10,482 rows, now 0' }),
    );
    expect((await run('status')).stdout).toMatch(/newest backup of database is SUSPECT[^]*CRITICAL: orders had 10,482 rows, now 0/);
  });

  test('does not displace what was saved before it, in any repository', async () => {
    for (const repository of ['repository', 'second']) {
      const { stdout } = await run('forget', '-r', place.path(repository), '--keep-last', '1', '--dry-run');
      expect(stdout).toContain('database may have lost something: stays until that is accepted');
    }
    const { status, stdout } = await run('prune', '--yes', '--json');
    expect(status).toBe(exitStatus.done);
    expect(stdout).not.toBe('');
    const points = parseLines((await run('list', '--json')).stdout);
    expect(points).toHaveLength(4);
  });

  test('accepted, it is silent at once, and the rules go on', async () => {
    expect(await run('status', '--accept', 'orders')).toMatchObject({ status: exitStatus.usage, stderr: containing('orders') });
    const accepted = await run('status', '--accept', 'database', '--reason', 'archived', '--json');
    expect(accepted.status).toBe(exitStatus.done);
    expect(parseLines(accepted.stdout)).toMatchObject([{ message_type: 'accepted', component: 'database', reason: 'archived' }]);
    expect(await components()).toMatchObject({ exit: exitStatus.done, found: { database: { shrunk: false, anomalies: [] } } });
    expect((await run('audit', '--event', 'accept', '--json')).stdout).toContain('"accept":"database"');
    await run('prune', '--yes');
    expect(parseLines((await run('list', '--json')).stdout)).toHaveLength(2);
  });

  test('whoever knows only the other repository knows it too', async () => {
    const text = await readFile(place.path('holdfast.yaml'), 'utf8');
    await writeFile(place.path('other.yaml'), text.replace(/repositories: .*/, 'repositories: { second: ./second }'));
    const { status } = await runHoldfast(['status', '-c', place.path('other.yaml')], {
      env: { HOLDFAST_STATE: place.path('other'), PGPASSWORD: cluster.password },
    });
    expect(status).toBe(exitStatus.done);
  });

  test('partitions that come and go are one table', async () => {
    await cluster.psql(
      'CREATE TABLE events_3 PARTITION OF events FOR VALUES IN (3); UPDATE events SET day = 3 WHERE day = 1; DROP TABLE events_1',
      'shop',
    );
    await backUp();
    expect((await components()).found['database']?.anomalies).toEqual([]);
    await cluster.psql('DROP TABLE customers', 'shop');
    await backUp();
    expect((await components()).found['database']?.anomalies).toMatchObject([
      { table: 'customers', message: 'customers had 300 rows, now it is gone' },
    ]);
  });
});

test('files that were encrypted in place are told, also the day after', { timeout: 120_000 }, async () => {
  for (const name of await readdir(place.path('papers'))) {
    const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, 7), Buffer.alloc(16, name.length));
    const bytes = await readFile(place.path('papers', name));
    await writeFile(place.path('papers', `${name}.locked`), Buffer.concat([cipher.update(bytes), cipher.update(Buffer.from(name))]));
    await rm(place.path('papers', name));
  }
  await backUp();
  const { exit, found } = await components();
  expect(exit).toBe(exitStatus.disproved);
  expect(found['papers']).toMatchObject({
    shrunk: true,
    anomalies: [{ metric: 'entropy', message: containing('as if files had been encrypted') }],
  });
  await backUp();
  const later = await components();
  expect(later.found['papers']?.anomalies).toMatchObject([{ metric: 'entropy' }]);
  const [anomaly] = later.found['papers']?.anomalies ?? [];
  expect((await run('status', '--accept', anomaly?.id ?? '')).status).toBe(exitStatus.done);
  expect((await components()).found['papers']?.anomalies).toEqual([]);
});

describe('what is not as this host knew it', { timeout: 120_000 }, () => {
  interface Told {
    readonly id: string;
    readonly kind: string;
    readonly message: string;
  }
  const told = async (): Promise<readonly Told[]> => {
    const [record] = parseLines((await run('status', '--json')).stdout);
    return (record?.['changes'] ?? []) as readonly Told[];
  };
  const forgetOldest = async (): Promise<void> => {
    const repository = place.path('repository');
    const listed = await runRestic(repository, ['snapshots', '--json']);
    const snapshots = JSON.parse(listed.stdout) as { id: string; time: string }[];
    const [oldest] = snapshots.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
    await runRestic(repository, ['forget', oldest?.id ?? '']);
  };

  test('points that another program deleted: accepted by the name of the repository, and told anew when there are more', async () => {
    expect(await told()).toEqual([]);
    await forgetOldest();
    expect(await told()).toMatchObject([{ kind: 'points-gone', repository: 'local', message: containing('holdfast did not delete them') }]);
    const accepted = await run('status', '--accept', 'local', '--json');
    expect(parseLines(accepted.stdout)).toMatchObject([
      { message_type: 'accepted', changes: [{ kind: 'points-gone', repository: 'local' }] },
    ]);
    expect(await told()).toEqual([]);
    await forgetOldest();
    expect(await told()).toMatchObject([{ kind: 'points-gone' }]);
  });

  test('a component that was taken out: accepted by the id that the page shows', async () => {
    const file = place.path('holdfast.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/ {2}papers: .*\n/, ''));
    const { stdout } = await run('status');
    const id = /papers was last saved at .*\[([0-9a-f]{8})\]/.exec(stdout)?.[1] ?? '';
    expect(await run('status', '--accept', id, '--reason', 'moved elsewhere')).toMatchObject({
      status: exitStatus.done,
      stdout: containing('accepted: papers: papers was last saved at'),
    });
    expect((await told()).map(({ kind }) => kind)).toEqual(['points-gone']);
  });
});
