import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { exitStatus } from '../errors.ts';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
let cluster: ThrowawayCluster;
let url: string;

const run = (...args: string[]): Promise<RunResult> => runHoldfast([...args, '-r', repository], { env: { PGPASSWORD: cluster.password } });

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop'] });
  url = `postgresql://postgres@${cluster.host}:${cluster.port}/shop`;
  await cluster.psql(
    "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 1000) i; CREATE TABLE empty (x int);",
    'shop',
  );
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads/photo'), 'photo');
});

afterAll(async () => {
  await cluster.stop();
  await place.remove();
});

describe('a point of a database and files', () => {
  let point = '';

  test('is two snapshots that belong together, the database first', async () => {
    const { status, stdout } = await run('backup', '--files', place.path('uploads'), '--postgres', url, '--json');
    expect(status).toBe(exitStatus.done);
    expect(parseLines(stdout).at(-1)).toMatchObject({
      components: [
        { component: 'database', kind: 'postgres', status: 'saved' },
        { component: 'files', kind: 'files', status: 'saved' },
      ],
    });
    const points = parseLines((await run('list', '--json')).stdout);
    point = String(points[0]?.['id']);
    expect(points).toMatchObject([
      { components: ['database', 'files'], status: 'complete', paths: ['/postgres/shop', place.path('uploads')], tags: [] },
    ]);
    const snapshots = JSON.parse((await runRestic(repository, ['snapshots', '--json'])).stdout) as { id: string; tags: string[] }[];
    expect(snapshots.find(({ id }) => id === point)?.tags).toEqual(['component:database', 'kind:postgres', 'parts:2']);
    expect(snapshots.find(({ id }) => id !== point)?.tags).toEqual([
      'component:files',
      'kind:files',
      'parts:2',
      `point:${point.slice(0, 16)}`,
    ]);
    expect((await run('ls', 'latest')).stdout).toContain('/postgres/shop/database.dump');
  });

  test('gives the database back, whole and compared', async () => {
    const { status, stdout } = await run('restore', '--component', 'database', '--postgres', url, '--into', 'shop_copy', '--json');
    expect(status).toBe(exitStatus.done);
    expect(parseLines(stdout).at(-1)).toMatchObject({
      message_type: 'summary',
      point,
      component: 'database',
      database: 'shop_copy',
      rows: 1000,
      mismatches: 0,
    });
    expect(await cluster.query('SELECT count(*)::int AS rows FROM item', 'shop_copy')).toEqual([{ rows: 1000 }]);
  });

  test('gives one table back, and leaves a database that is there alone', async () => {
    expect((await run('restore', 'latest', '--postgres', url, '--into', 'one', '--tables', 'item', '--schema-only')).status).toBe(
      exitStatus.done,
    );
    expect(await cluster.query('SELECT count(*)::int AS rows FROM item', 'one')).toEqual([{ rows: 0 }]);
    await cluster.query("UPDATE item SET name = 'changed' WHERE id = 1", 'shop');
    expect((await run('restore', 'latest', '--postgres', url)).status).toBe(exitStatus.failed);
    expect(await cluster.query('SELECT name FROM item WHERE id = 1', 'shop')).toEqual([{ name: 'changed' }]);
    expect((await run('restore', 'latest', '--postgres', url, '--clean')).status).toBe(exitStatus.done);
    expect(await cluster.query('SELECT name FROM item WHERE id = 1', 'shop')).toEqual([{ name: 'item 1' }]);
  });

  test('also gives its files back', async () => {
    const { status, stdout } = await run('restore', 'latest', '--target', place.path('back'));
    expect({ status, stdout }).toEqual({ status: exitStatus.done, stdout: matching(/^point [0-9a-f]{8} \(files\) restored/) });
    expect(await readdir(place.path('back'), { recursive: true })).not.toContain('postgres');
    expect((await run('restore', 'latest', '--component', 'database', '--target', place.path('dump'))).status).toBe(exitStatus.done);
    expect(await readdir(place.path('dump/postgres/shop'))).toContain('database.dump');
  });

  test('finds its file in the point, whichever snapshot that is in', async () => {
    const found = parseLines((await run('find', 'photo', '--json')).stdout);
    expect(found).toMatchObject([{ point, short_id: point.slice(0, 8), path: place.path('uploads/photo') }]);
    expect(found[0]?.['snapshot']).not.toBe(point);
  });

  test('stays whole when a policy is applied after a backup of files only', async () => {
    await run('backup', '--files', place.path('uploads'), '--json');
    const dry = await run('prune', '--keep-last', '1', '--dry-run');
    expect(dry.stdout).toContain('2 points to keep, 0 points to remove');
    expect((await run('prune', '--keep-last', '1')).status).toBe(exitStatus.done);
    const points = parseLines((await run('list', '--json')).stdout);
    expect(points).toMatchObject([
      { id: point, components: ['database', 'files'], status: 'complete' },
      { components: ['files'], status: 'complete' },
    ]);
    await run('forget', String(points[1]?.['id']));
  });
});

describe('where one component fails', () => {
  test('the others are saved, the point is partial, and the exit status is 3', async () => {
    const missing = url.replace(/shop$/, 'nowhere');
    const { status, stdout, stderr } = await run('backup', '--files', place.path('uploads'), '--postgres', missing, '--host', 'partial');
    expect(status).toBe(exitStatus.incomplete);
    expect(stdout).toContain('database was NOT saved: Cannot open database nowhere');
    expect(stderr).toContain('problem: database: ');
    expect(parseLines((await run('list', '--json', '--host', 'partial')).stdout)).toMatchObject([
      { components: ['files'], status: 'partial' },
    ]);
  });

  test('and there is no other, nothing is saved: exit status 1', async () => {
    const { status, stderr } = await run('backup', '--postgres', url.replace(/shop$/, 'nowhere'));
    expect({ status, stderr }).toEqual({
      status: exitStatus.failed,
      stderr: matching(/^Error: Cannot open database nowhere on .*: there is no such database on that server\.\n/),
    });
  });

  test('a wrong password of the server is told, and never printed', async () => {
    const { status, stderr, stdout } = await runHoldfast(['backup', '-r', repository, '--postgres', url], {
      env: { PGPASSWORD: 'guess-again' },
    });
    expect(status).toBe(exitStatus.failed);
    expect(stderr).toContain('Cannot log in to');
    expect(stdout + stderr).not.toContain('guess-again');
  });
});

test('files of such a point are not mistaken for a database', async () => {
  await run('backup', '--files', place.path('uploads'), '--host', 'files-only');
  const files = parseLines((await run('list', '--host', 'files-only', '--json')).stdout)[0]?.['short_id'];
  expect(await run('restore', String(files), '--postgres', url)).toMatchObject({
    status: exitStatus.failed,
    stderr: containing('and no database'),
  });
});
