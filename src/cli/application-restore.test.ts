import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { createQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { exitStatus } from '../errors.ts';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const application = place.path('app');
let cluster: ThrowawayCluster;

const run = (...args: string[]): Promise<RunResult> =>
  runHoldfast(args, {
    cwd: application,
    env: { HOLDFAST_PASSWORD: password, DATABASE_URL: cluster.url('shop'), HOLDFAST_STATE: place.path('state') },
  });

const names = (): Promise<unknown[]> => cluster.query('SELECT name FROM item WHERE id = 1', 'shop');

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop'] });
  await cluster.psql(
    "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 100) i;",
    'shop',
  );
  await mkdir(place.path('app', 'uploads', 'deep'), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'deep', 'photo'), 'photo');
  await chmod(place.path('app', 'uploads'), 0o750);
  await writeFile(
    place.path('app', 'holdfast.yaml'),
    'application: shop\nrepositories: { local: ../backups }\ncomponents:\n  database: { postgres: "${DATABASE_URL}" }\n  uploads: { files: ./uploads }\n',
  );
  await createQuickRepository(place.path('backups'));
  await run('backup');
});

afterAll(async () => {
  await cluster.stop();
  await place.remove();
});

describe('a component', () => {
  test('is not touched before the plan was seen: without a terminal --yes is needed', async () => {
    const { status, stdout, stderr } = await run('restore', '--component', 'uploads');
    expect({ status, stderr }).toEqual({ status: exitStatus.usage, stderr: containing('there is no terminal') });
    expect(stdout).toContain(`${place.path('app', 'uploads')}: made as it was in the point`);
    expect(stdout).toContain('how long it takes is not known yet');
    expect((await run('restore', '--component', 'uploads', '--dry-run')).status).toBe(exitStatus.done);
    expect((await run('restore', '--yes')).stderr).toContain('--component says which of database, uploads is meant');
    expect((await run('restore', '--component', 'uploads', '--tables', 'x', '--yes')).status).toBe(exitStatus.usage);
  });

  test('of files comes back in place, with modes; what was there is a point of its own that latest never means', async () => {
    await rm(place.path('app', 'uploads', 'deep'), { recursive: true });
    await writeFile(place.path('app', 'uploads', 'later'), 'later');
    await chmod(place.path('app', 'uploads'), 0o700);
    const { status, stdout } = await run('restore', '--component', 'uploads', '--yes', '--delete', '--json');
    expect(status).toBe(exitStatus.done);
    const summary = parseLines(stdout).at(-1) ?? {};
    expect(summary).toMatchObject({ component: 'uploads', files: 1, removed: 1, safety_copy: matching(/^[0-9a-f]{64}$/) });
    expect(await readFile(place.path('app', 'uploads', 'deep', 'photo'), 'utf8')).toBe('photo');
    expect((await stat(place.path('app', 'uploads'))).mode & 0o777).toBe(0o750);
    expect(await readdir(place.path('app', 'uploads'))).toEqual(['deep']);
    expect(parseLines((await run('show', 'latest', '--json')).stdout)[0]).toMatchObject({ components: ['database', 'uploads', 'point'] });
    const back = await run('restore', String(summary['safety_copy']), '--component', 'uploads', '--yes');
    expect(back.status).toBe(exitStatus.done);
    expect(await readFile(place.path('app', 'uploads', 'later'), 'utf8')).toBe('later');
    expect((await run('restore', '--component', 'uploads', '--dry-run')).stdout).toContain('the last time it took');
  });

  test('of files whose folder is gone comes back too, through a link above it, and nothing is said to have been saved', async () => {
    await mkdir(place.path('elsewhere'));
    await rm(place.path('app', 'uploads'), { recursive: true });
    const { status, stdout } = await run('restore', '--component', 'uploads', '--yes');
    expect({ status, stdout }).toEqual({ status: exitStatus.done, stdout: containing('no copy was taken: there is nothing') });
    await rm(place.path('app', 'uploads'), { recursive: true });
    await symlink(application, place.path('link'));
    await writeFile(
      place.path('linked.yaml'),
      `application: shop\nrepositories: { local: ./backups }\ncomponents:\n  linked: { files: ./link/linked }\n`,
    );
    await mkdir(place.path('app', 'linked'));
    await writeFile(place.path('app', 'linked', 'file'), 'x');
    const linked = (...args: string[]): Promise<RunResult> =>
      runHoldfast([...args, '-c', place.path('linked.yaml')], {
        env: { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state') },
      });
    expect((await linked('backup')).status).toBe(exitStatus.done);
    await rm(place.path('app', 'linked'), { recursive: true });
    expect((await linked('restore', '--yes')).status).toBe(exitStatus.done);
    expect(await readFile(place.path('app', 'linked', 'file'), 'utf8')).toBe('x');
    await run('restore', '--component', 'uploads', '--yes');
  });

  test('of a database comes back as asked, and the safety copy restores what was overwritten', async () => {
    await cluster.query("UPDATE item SET name = 'changed' WHERE id = 1", 'shop');
    const refused = await run('restore', '--component', 'database', '--yes');
    expect(refused.status).toBe(exitStatus.failed);
    expect(await names()).toEqual([{ name: 'changed' }]);
    const { status, stdout } = await run('restore', '--component', 'database', '--recreate', '--yes', '--json');
    expect(status).toBe(exitStatus.done);
    expect(stdout).not.toContain(cluster.password);
    const summary = parseLines(stdout).at(-1) ?? {};
    expect(summary).toMatchObject({ component: 'database', rows: 100, mismatches: 0 });
    expect(await names()).toEqual([{ name: 'item 1' }]);
    expect((await run('restore', String(summary['safety_copy']), '--component', 'database', '--clean', '--yes')).status).toBe(
      exitStatus.done,
    );
    expect(await names()).toEqual([{ name: 'changed' }]);
  });

  test('of a database goes into another one beside it, where there was nothing to save', async () => {
    const { status, stdout } = await run(
      'restore',
      '--component',
      'database',
      '--into',
      'beside',
      '--tables',
      'item',
      '--schema-only',
      '--yes',
    );
    expect({ status, stdout }).toEqual({ status: exitStatus.done, stdout: containing('no copy was taken') });
    expect(await cluster.query('SELECT count(*)::int AS rows FROM item', 'beside')).toEqual([{ rows: 0 }]);
  });

  test('is not overwritten where what is there cannot be saved', async () => {
    await writeFile(place.path('app', 'uploads', 'now'), 'now');
    const read = await run('restore', '--component', 'uploads', '--yes', '--no-safety-copy');
    expect(read.stdout).toContain('NO copy is taken');
    await rm(place.path('backups', 'snapshots'), { recursive: true, force: true });
    expect((await run('restore', '--component', 'uploads', '--yes')).status).toBe(exitStatus.failed);
    expect(await readFile(place.path('app', 'uploads', 'now'), 'utf8')).toBe('now');
  });
});
