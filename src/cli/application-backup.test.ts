import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { watchArguments } from '../../test/harness/programs/watch-arguments.ts';
import { createQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const application = place.path('app');
const [local, offsite] = [place.path('backups'), place.path('offsite')];
let cluster: ThrowawayCluster;
let url = '';

const configuration = (more = ''): string => `
application: shop
version: { run: "echo 1.2.3; echo more" }
repositories:
  local: ../backups
  offsite: { url: ../offsite, keep: { last: 1 } }
components:
  uploads:  { files: ./uploads, tags: photos }
  database: { postgres: "\${DATABASE_URL}" }
${more}`;

const run = (args: string[], env: Record<string, string> = {}): Promise<RunResult> =>
  runHoldfast(args, {
    cwd: application,
    env: { HOLDFAST_PASSWORD: password, DATABASE_URL: url, HOLDFAST_STATE: place.path('state'), ...env },
  });

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop'] });
  url = cluster.url('shop');
  await cluster.psql(
    "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 1000) i;",
    'shop',
  );
  await mkdir(place.path('app', 'uploads'), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'photo'), 'photo');
  await writeFile(place.path('app', 'holdfast.yaml'), configuration());
  for (const repository of [local, offsite]) await createQuickRepository(repository);
});

afterAll(async () => {
  await cluster.stop();
  await place.remove();
});

describe('a backup of a configured application', () => {
  test('saves databases before files, the manifest last, and copies the point; no secret is seen anywhere', async () => {
    const watch = watchArguments([cluster.password]);
    const { status, stdout, stderr } = await run(['backup', '--json']);
    expect({ status, seen: await watch.stop() }).toEqual({ status: exitStatus.done, seen: [] });
    expect(`${stdout}${stderr}`).not.toContain(cluster.password);
    expect(parseLines(stdout).at(-1)).toMatchObject({
      application: 'shop',
      repository: 'local',
      copies: [{ repository: 'offsite', status: 'copied', caught_up: 0 }],
      components: [
        { component: 'database', kind: 'postgres', status: 'saved' },
        { component: 'uploads', kind: 'files', status: 'saved' },
      ],
    });
    const points = parseLines((await run(['list', '--json'])).stdout);
    expect(points).toMatchObject([
      { application: 'shop', status: 'complete', components: ['database', 'uploads', 'point'], tags: ['photos'] },
    ]);
    expect(parseLines((await run(['list', '--json', '-r', 'offsite'])).stdout)).toMatchObject([
      { components: ['database', 'uploads', 'point'] },
    ]);
    expect((await runRestic(offsite, ['check', '--read-data'], { env: { RESTIC_PASSWORD: password } })).stdout).toContain(
      'no errors were found',
    );
  });

  test('says in its manifest what was saved, by whom and with what', async () => {
    const { stdout } = await run(['show', 'latest', '--json']);
    const [shown] = parseLines(stdout);
    expect(shown).toMatchObject({
      manifest: {
        application: 'shop',
        version: '1.2.3',
        status: 'complete',
        components: [
          { name: 'uploads', status: 'saved', files: 1, bytes: 5 },
          {
            name: 'database',
            status: 'saved',
            facts: { rows: 1000, tables: 1 },
            streams: [{ path: '/postgres/shop/database.dump' }, {}, {}],
          },
        ],
      },
    });
    expect(stdout).not.toContain(cluster.password);
    expect((await run(['show', 'latest'])).stdout).toMatch(/database +postgres .*saved/);
    const variables = await run(['cat', 'latest:point:/holdfast/variables.json']);
    expect(JSON.parse(variables.stdout)).toEqual({ DATABASE_URL: url });
  });

  test('saves the components that are named, and says of the others that they were not asked for', async () => {
    const { status, stdout } = await run(['backup', 'uploads']);
    expect({ status, stdout }).toEqual({ status: exitStatus.done, stdout: containing('unchanged: uploads') });
    const [shown] = parseLines((await run(['show', 'latest', '--json'])).stdout);
    expect(shown).toMatchObject({ manifest: { status: 'complete', skipped: [{ name: 'database', reason: 'it was not asked for' }] } });
    expect((await run(['backup', 'nothing'])).stderr).toContain('Cannot use the component "nothing"');
    expect(parseLines((await run(['list', '--json'])).stdout)).toHaveLength(2);
  });

  test('applies the retention of each repository', async () => {
    const { stdout } = await run(['prune', '-r', 'offsite', '--dry-run']);
    expect(stdout).toMatch(/2 points to keep, 0 points to remove/);
    await run(['backup']);
    expect((await run(['prune', '-r', 'offsite'])).status).toBe(exitStatus.done);
    expect(parseLines((await run(['list', '--json', '-r', 'offsite'])).stdout)).toHaveLength(2);
    expect(parseLines((await run(['list', '--json', '-r', 'local'])).stdout)).toHaveLength(3);
  });

  test('which holds too where a repository of the file is given by its address, and for no other', async () => {
    await run(['backup']);
    for (const address of [offsite, `${offsite}/`, '../offsite'])
      expect((await run(['prune', '-r', address, '--dry-run'])).stdout).toMatch(/2 points to keep, 1 points? to remove/);
    expect((await run(['prune', '-r', local, '--dry-run'])).stdout).not.toContain('to keep');
    const given = await run(['prune', '-r', offsite, '--keep-last', '5', '--dry-run']);
    expect(given.stdout).toMatch(/3 points to keep, 0 points to remove/);
  });
});

test('code that is as it was makes no point where that was asked for', async () => {
  const git = (...words: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...words], { cwd: place.path('code'), stdio: 'pipe' });
  await mkdir(place.path('code'));
  git('init', '-q');
  await writeFile(place.path('code', 'app.txt'), 'one');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  await writeFile(place.path('app', 'holdfast.yaml'), configuration('  code: { code: ../code }\n'));
  const points = async (): Promise<number> => {
    const done = await run(['backup', 'code', '--skip-if-unchanged']);
    expect({ status: done.status, stderr: done.stderr }).toMatchObject({ status: 0 });
    return parseLines((await run(['list', '--json', '--component', 'code'])).stdout).length;
  };
  const first = await points();
  expect(await points()).toBe(first);
  await writeFile(place.path('code', 'app.txt'), 'two');
  expect(await points()).toBe(first + 1);
  expect(await points()).toBe(first + 1);
  await writeFile(place.path('app', 'holdfast.yaml'), configuration());
});

describe('what goes wrong', () => {
  const say = (moment: string): string => `{ run: 'echo "${moment} \${HOLDFAST_COMPONENT-all} \${HOLDFAST_ERROR-}" >> said' }`;
  const said = async (): Promise<string> => {
    const text = await readFile(place.path('app', 'said'), 'utf8').catch(() => '');
    await rm(place.path('app', 'said'), { force: true });
    return text;
  };
  const write = (more: string): Promise<void> => writeFile(place.path('app', 'holdfast.yaml'), configuration(more));

  test('in one component does not keep the others from being saved: the point is partial, and it says why', async () => {
    await write(`hooks: { before: ${say('before')}, after: ${say('after')}, failed: ${say('failed')} }`);
    const { status, stdout, stderr } = await run(['backup'], { DATABASE_URL: cluster.url('nowhere') });
    expect({ status, stdout }).toEqual({
      status: exitStatus.incomplete,
      stdout: containing('database was NOT saved: Cannot open database nowhere'),
    });
    expect(stderr).not.toContain(cluster.password);
    const [shown] = parseLines((await run(['show', 'latest', '--json'])).stdout);
    expect(shown).toMatchObject({
      status: 'partial',
      manifest: {
        status: 'partial',
        components: [{ status: 'saved' }, { status: 'failed', error: { code: 'postgres-database-missing' } }],
      },
    });
    expect(await said()).toMatch(/^before all \nfailed all database: Cannot open database nowhere.*\n$/);
  });

  test('where Docker is down what needs none is saved', async () => {
    await write('  cache: { redis: { service: cache } }\n  data: { files: { volume: data } }');
    const nowhere = { DOCKER_HOST: `unix://${place.path('no-engine')}` };
    const { status, stdout } = await run(['backup'], nowhere);
    expect({ status, stdout }).toEqual({
      status: exitStatus.incomplete,
      stdout: containing('cache was NOT saved: Cannot reach the Docker engine'),
    });
    const [shown] = parseLines((await run(['show', 'latest', '--json'])).stdout);
    expect(shown).toMatchObject({
      manifest: { components: [{ status: 'saved' }, { status: 'saved' }, { status: 'failed' }, { status: 'failed' }] },
    });
    const nothing = await run(['backup', 'cache', 'data'], nowhere);
    expect(nothing.status).toBe(exitStatus.failed);
    expect(nothing.stderr).toContain('Cannot reach the Docker engine');
  });

  test('where a hook hangs it is ended, with all that it started, and nothing is saved', async () => {
    await write(`hooks: { before: { run: 'sleep 300 & sleep 300', within: 1s }, after: ${say('after')}, failed: ${say('failed')} }`);
    const before = parseLines((await run(['list', '--json'])).stdout).length;
    const { status, stderr } = await run(['backup']);
    expect({ status, stderr }).toEqual({ status: exitStatus.failed, stderr: containing('it was not done within 1 s, and was ended') });
    expect(await said()).toMatch(/^failed all Cannot finish the hook "before"/);
    expect(parseLines((await run(['list', '--json'])).stdout)).toHaveLength(before);
  });

  test('where a hook of a component fails, only that component is missing; one behind the work is a problem', async () => {
    await writeFile(
      place.path('app', 'holdfast.yaml'),
      `${configuration()}  cache: { files: ./cache, hooks: { before: 'echo no cache >&2; exit 7', failed: ${say('failed')} } }\nhooks: { after: 'exit 3' }\n`,
    );
    await mkdir(place.path('app', 'cache'), { recursive: true });
    const { status, stdout, stderr } = await run(['backup']);
    expect({ status, stdout }).toEqual({ status: exitStatus.incomplete, stdout: containing('it ended with status 7: no cache') });
    expect(stderr).not.toContain('hook "after"');
    expect(await said()).toMatch(/^failed cache /);
    await write(`hooks: { after: 'exit 3' }`);
    const second = await run(['backup']);
    expect({ status: second.status, stderr: second.stderr }).toEqual({
      status: exitStatus.incomplete,
      stderr: containing('problem: hook "after"'),
    });
  });

  test('where a repository is down the point is in the others; where all are, the failed hooks still run', async () => {
    await write(`hooks: { after: ${say('after')}, failed: ${say('failed')} }`);
    const damage = async (folder: string): Promise<void> => writeFile(`${folder}/config`, 'x');
    const config = await readFile(`${offsite}/config`);
    await chmod(`${offsite}/config`, 0o600);
    await damage(offsite);
    const one = await run(['backup']);
    expect({ status: one.status, stdout: one.stdout }).toEqual({
      status: exitStatus.incomplete,
      stdout: containing('offsite has NO copy'),
    });
    expect(await said()).toContain('failed all repository offsite');
    const localConfig = await readFile(`${local}/config`);
    await chmod(`${local}/config`, 0o600);
    await damage(local);
    const none = await run(['backup']);
    expect(none.status).not.toBe(exitStatus.done);
    expect(await said()).toMatch(/^failed all /);
    await writeFile(`${offsite}/config`, config);
    const other = await run(['backup', '--json']);
    expect(other.status).toBe(exitStatus.incomplete);
    expect(parseLines(other.stdout).at(-1)).toMatchObject({ repository: 'offsite', copies: [{ repository: 'local', status: 'failed' }] });
    await writeFile(`${local}/config`, localConfig);
    // Each has had a point that the other lacks; with both back, each has all.
    await write('');
    const both = await run(['backup', '--json']);
    expect(both.status).toBe(exitStatus.done);
    expect(parseLines(both.stdout).at(-1)).toMatchObject({
      repository: 'local',
      copies: [{ repository: 'offsite', status: 'copied', caught_up: 1 }],
    });
    const lastTimes = async (name: string): Promise<unknown[]> =>
      parseLines((await run(['list', '-r', name, '--json'])).stdout)
        .map((point) => point['time'])
        .slice(-3);
    expect(await lastTimes('offsite')).toEqual(await lastTimes('local'));
  });

  test('in the configuration is said before anything is done', async () => {
    await writeFile(place.path('app', 'holdfast.yaml'), configuration().replace('components:', 'component:'));
    const { status, stderr } = await run(['backup']);
    expect(status).toBe(exitStatus.usage);
    expect(stderr).toContain('holdfast.yaml:7');
    await write('');
    expect((await run(['backup', '--exclude', 'x'])).status).toBe(exitStatus.usage);
    expect((await runHoldfast(['backup', '-c', place.path('missing.yaml')], { env: { HOLDFAST_PASSWORD: password } })).status).toBe(
      exitStatus.usage,
    );
  });
});
