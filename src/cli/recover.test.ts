import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { watchArguments } from '../../test/harness/programs/watch-arguments.ts';
import { createQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { exitStatus } from '../errors.ts';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { mainFile, makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const [application, state, repository] = [place.path('app'), place.path('state'), place.path('backups')];
let cluster: ThrowawayCluster;
/** Answers as an application would once its data is there. */
const server = createServer((request, response) => {
  const answer = async (): Promise<void> => {
    const text = await readFile(place.path('app', 'uploads', 'photo'), 'utf8').catch(() => undefined);
    response.writeHead(text === undefined ? 503 : 200).end(request.url === '/health' ? 'fine' : `hello ${text ?? ''}`);
  };
  void answer();
});
let address = '';

const configuration = ({
  after = 'echo migrated >> "$PWD/migrations"',
  smoke = 'test -s uploads/photo',
  config = 'files: [.env]',
} = {}): string => `
application: shop
repositories: { local: { url: ${repository}, password: { env: BACKUP_PASSWORD } } }
components:
  database: { postgres: "\${DATABASE_URL}" }
  uploads: { files: ./uploads }
  config: { config: { ${config} } }
  code: { code: . }
recovery:
  after: [ { run: '${after}' } ]
  health: { url: ${address}/health, within: 10s }
  smoke:
    - { sql: "select count(*) = 100 from item" }
    - { http: ${address}/, contains: hello photo }
    - { run: '${smoke}' }
`;

/** Where nothing is known but the repository and its password. */
const recover = (args: string[] = [], env: Record<string, string> = {}): Promise<RunResult> =>
  runHoldfast(['recover', '-r', repository, '--yes', ...args], {
    cwd: tmpdir(),
    env: { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: state, ...env },
  });

const backUp = async (more: Parameters<typeof configuration>[0] = {}): Promise<void> => {
  await writeFile(place.path('app', 'holdfast.yaml'), configuration(more), { mode: 0o640 });
  const { status, stderr } = await runHoldfast(['backup'], {
    cwd: application,
    env: { DATABASE_URL: cluster.url('shop'), BACKUP_PASSWORD: password, HOLDFAST_STATE: place.path('state-of-the-old-machine') },
  });
  expect({ status, stderr }).toMatchObject({ status: exitStatus.done });
};

const destroy = async (): Promise<void> => {
  await rm(application, { recursive: true, force: true });
  await rm(state, { recursive: true, force: true });
  await cluster.query('DROP DATABASE IF EXISTS shop WITH (FORCE)');
};

const rows = async (): Promise<unknown> => (await cluster.query('SELECT count(*)::int AS rows FROM item', 'shop'))[0];

beforeAll(async () => {
  cluster = await startCluster();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(async () => {
  await destroy();
  await rm(repository, { recursive: true, force: true });
  await createQuickRepository(repository);
  await cluster.query('CREATE DATABASE shop');
  await cluster.psql(
    "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 100) i;",
    'shop',
  );
  await mkdir(place.path('app', 'uploads'), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'photo'), 'photo');
  await chmod(place.path('app', 'uploads'), 0o750);
  await writeFile(place.path('app', 'app.js'), 'serve()');
  const git = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@localhost'];
  for (const words of [
    ['init', '--quiet'],
    ['add', 'app.js'],
    [...git, 'commit', '--quiet', '-m', 'first'],
  ])
    await promisify(execFile)('git', words, { cwd: application });
  await writeFile(place.path('app', '.env'), 'SECRET_KEY=very secret\n', { mode: 0o600 });
});

afterAll(async () => {
  server.close();
  await cluster.stop();
  await place.remove();
});

describe('an application', () => {
  test('comes back from a repository and its password alone: data, files, modes, configuration; every step timed and reported', async () => {
    await backUp();
    await destroy();
    const dry = await recover(['--dry-run']);
    expect({ status: dry.status, stdout: dry.stdout }).toEqual({
      status: exitStatus.done,
      stdout: matching(/^plan: recover shop from the point .*\n +1 {2}restore code\n/),
    });
    expect(await stat(application).catch(() => undefined)).toBeUndefined();
    const watch = watchArguments([cluster.password]);
    const { status, stdout, stderr } = await recover(['--json']);
    expect({ status, stderr, seen: await watch.stop() }).toMatchObject({ status: exitStatus.done, seen: [] });
    expect(`${stdout}${stderr}`).not.toContain(cluster.password);
    expect(await rows()).toEqual({ rows: 100 });
    expect(await readFile(place.path('app', 'app.js'), 'utf8')).toBe('serve()');
    expect((await stat(place.path('app', 'uploads'))).mode & 0o777).toBe(0o750);
    expect((await stat(place.path('app', '.env'))).mode & 0o777).toBe(0o600);
    expect(await readFile(place.path('app', '.env'), 'utf8')).toContain('very secret');
    expect(await readFile(place.path('app', 'holdfast.yaml'), 'utf8')).toBe(configuration());
    expect(await readFile(place.path('app', 'migrations'), 'utf8')).toBe('migrated\n');
    const summary = parseLines(stdout).at(-1) ?? {};
    expect(summary).toMatchObject({ status: 'recovered', application: 'shop', remarks: [], report_point: matching(/^[0-9a-f]{64}$/) });
    expect(summary['steps']).toMatchObject(
      [
        'restore code',
        'restore config',
        'write the configuration',
        'restore uploads',
        'wait for database',
        'restore database',
        matching(/^run echo/),
        matching(/^wait until/),
      ]
        .map((name) => ({ name, status: 'done' }))
        .concat(
          [matching(/^smoke test select/), matching(/^smoke test http/), matching(/^smoke test test/)].map((name) => ({
            name,
            status: 'done',
          })),
        ),
    );
    const kept = await readFile(String(summary['report_file']), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ status: 'recovered' });
    expect(kept).not.toContain(cluster.password);
    expect((await recover(['--resume'])).stderr).toContain('came to its end');
    // Neither the report nor a safety copy is what `latest` means.
    expect((await recover(['--dry-run'])).stdout).toContain('the last time');
  });

  test('replaces what is there, and keeps a copy of it', async () => {
    await backUp();
    await cluster.query('DELETE FROM item', 'shop');
    await writeFile(place.path('app', 'holdfast.yaml'), 'something: else\n');
    expect((await recover()).status).toBe(exitStatus.done);
    expect(await rows()).toEqual({ rows: 100 });
    expect(await readFile(place.path('app', 'holdfast.yaml.before-recovery'), 'utf8')).toBe('something: else\n');
    const list = await runHoldfast(['list', '-r', repository, '--tag', 'safety', '--json'], { env: { HOLDFAST_PASSWORD: password } });
    expect(parseLines(list.stdout)).toHaveLength(4);
  });

  test('comes back below another folder, where that is asked for', async () => {
    await backUp({ after: 'pwd > where', smoke: 'true' });
    const { status, stdout } = await recover(['--target', place.path('target'), '--no-safety-copy', '--json']);
    expect({ status, stdout }).toMatchObject({ status: exitStatus.done });
    expect((await readFile(place.path('target', application, 'where'), 'utf8')).trim()).toBe(place.path('target', application));
    expect(await readdir(place.path('target', application))).toEqual(
      expect.arrayContaining(['.env', 'app.js', 'holdfast.yaml', 'uploads', 'where']),
    );
    expect(await readdir(application)).not.toContain('where');
  });

  test('gets code checked out and templates written out below another folder, without its configuration', async () => {
    await writeFile(place.path('app', '.env'), 'PORT=80\nSECRET_KEY=very-secret-key-1\n');
    await backUp({ config: 'files: [.env], secrets: template' });
    await destroy();
    const [code, config] = [place.path('code-beside'), place.path('config-beside')];
    const restore = (component: string, target: string): Promise<RunResult> =>
      runHoldfast(['restore', '-r', repository, '--component', component, '--target', target], {
        cwd: place.folder,
        env: { HOLDFAST_PASSWORD: password, SECRET_KEY: 'given' },
      });
    for (const done of [await restore('code', code), await restore('config', config)])
      expect({ status: done.status, stderr: done.stderr }).toMatchObject({ status: exitStatus.done });
    expect(await readFile(place.path('code-beside', 'app.js'), 'utf8')).toBe('serve()');
    expect((await promisify(execFile)('git', ['log', '--format=%s'], { cwd: code })).stdout).toBe('first\n');
    expect(await readFile(place.path('config-beside', '.env'), 'utf8')).toBe('PORT=80\nSECRET_KEY=given\n');
    expect((await restore('uploads', place.path('files-beside'))).status).toBe(exitStatus.done);
    expect(await readFile(place.path('files-beside', place.path('app', 'uploads', 'photo')), 'utf8')).toBe('photo');
  });

  test('takes a component that the point does not have from the newest that has it, and says so', async () => {
    await backUp();
    await runHoldfast(['backup', 'uploads'], {
      cwd: application,
      env: { DATABASE_URL: cluster.url('shop'), BACKUP_PASSWORD: password, HOLDFAST_STATE: state },
    });
    await destroy();
    await mkdir(application);
    await writeFile(place.path('app', 'kept'), 'what is there stays');
    const { status, stdout } = await recover();
    expect({ status, stdout }).toEqual({ status: exitStatus.done, stdout: containing('the chosen point does not have it') });
    expect(await readFile(place.path('app', 'kept'), 'utf8')).toBe('what is there stays');
    expect(await readFile(place.path('app', 'app.js'), 'utf8')).toBe('serve()');
    expect(await rows()).toEqual({ rows: 100 });
  });
});

describe('where something goes wrong', () => {
  test('a migration that fails stops everything behind it, and --resume goes on with it', async () => {
    await backUp({ after: 'test -e ../fixed && echo migrated >> migrations' });
    await destroy();
    const { status, stdout, stderr } = await recover();
    expect(status).toBe(exitStatus.failed);
    expect(stderr).toMatch(/Cannot recover "shop": the step "run test -e .*failed[^]*--resume/);
    expect(stdout).toMatch(/open +smoke test select/);
    await writeFile(place.path('fixed'), '');
    await backUpElsewhere();
    const before = await stat(place.path('app', 'uploads', 'photo'));
    const again = await recover(['--resume', '--json']);
    await rm(place.path('fixed'));
    expect({ status: again.status, stderr: again.stderr }).toMatchObject({ status: exitStatus.done });
    expect(parseLines(again.stdout).at(-1)).toMatchObject({ status: 'recovered', resumed: true });
    expect(again.stdout).toContain('"name":"restore database","status":"done-before"');
    expect((await stat(place.path('app', 'uploads', 'photo'))).ino).toBe(before.ino);
    expect(await readFile(place.path('app', 'migrations'), 'utf8')).toBe('migrated\n');
  });

  test('a template whose values nobody gave stops everything behind it by their names, until they are given', async () => {
    await writeFile(place.path('app', '.env'), 'PORT=80\nSECRET_KEY=very-secret-key-1\nAPI_TOKEN=very-secret-token-2\n', { mode: 0o600 });
    await writeFile(place.path('app', 'settings.ini'), 'debug = no\n');
    await backUp({ config: 'files: [.env, settings.ini], secrets: template' });
    await destroy();
    const { status, stdout, stderr } = await recover();
    expect({ status, stderr }).toEqual({ status: exitStatus.failed, stderr: containing('has no values for SECRET_KEY, API_TOKEN') });
    expect(stderr).toMatch(/SECRET_KEY=…[^]*Then go on with: .*--resume/);
    expect(stderr).not.toContain('problem');
    expect(stdout).toMatch(/open +write the configuration/);
    expect((await recover(['--resume'], { SECRET_KEY: 'one' })).stderr).toContain('has no values for API_TOKEN');
    const file = place.path('app', '.env');
    await writeFile(file, (await readFile(file, 'utf8')).replace('__REDACTED__', 'two'));
    const again = await recover(['--resume']);
    expect({ status: again.status, stderr: again.stderr }).toMatchObject({ status: exitStatus.done });
    expect(again.stderr).not.toContain('problem');
    expect(await readFile(file, 'utf8')).toBe('PORT=80\nSECRET_KEY=one\nAPI_TOKEN=two\n');
    expect(await readdir(application)).not.toContain('.env.template');
  });

  test('a recovery is not resumed with another point, nor where none was begun', async () => {
    await backUp({ after: 'false' });
    await backUp({ after: 'false' });
    expect((await recover(['--resume'])).stderr).toContain('no recovery from this repository was begun');
    await destroy();
    expect((await recover()).status).toBe(exitStatus.failed);
    const [first] = parseLines((await runHoldfast(['list', '-r', repository, '--json'], { env: { HOLDFAST_PASSWORD: password } })).stdout);
    const { status, stderr } = await recover(['--resume', '--point', String(first?.['id'])]);
    expect({ status, stderr }).toEqual({ status: exitStatus.usage, stderr: containing('this is another point, configuration or target') });
  });

  test('a smoke test that fails makes the exit status 4, and the others are asked all the same', async () => {
    await backUp({ smoke: 'echo broken >&2; exit 1' });
    await destroy();
    const { status, stdout } = await recover(['--json']);
    expect(status).toBe(exitStatus.disproved);
    expect(parseLines(stdout).at(-1)).toMatchObject({ status: 'disproved' });
    expect(stdout).toContain('broken');
  });

  test('two recoveries at once: the second is refused, and does nothing; what a dead one left behind is no hindrance', async () => {
    await backUp({ after: 'echo $$ > ../running; while ! test -e ../fixed; do sleep 0.1; done' });
    await destroy();
    const first = recover();
    while ((await readFile(place.path('running'), 'utf8').catch(() => '')) === '') await new Promise((resolve) => setTimeout(resolve, 20));
    const journal = async (): Promise<string> => {
      const name = (await readdir(state)).find((each) => each.endsWith('.jsonl')) ?? '';
      return readFile(place.path('state', name), 'utf8');
    };
    const before = await journal();
    for (const words of [[], ['--resume']]) {
      const { status, stderr } = await recover(words);
      expect({ status, stderr }).toEqual({
        status: exitStatus.locked,
        stderr: matching(/Cannot recover "shop": a recovery of "shop" runs on this host \(process \d+, since \S+Z\)/),
      });
    }
    expect(await journal()).toBe(before);
    expect((await recover(['--dry-run'])).status).toBe(exitStatus.done);
    await writeFile(place.path('fixed'), '');
    expect((await first).status).toBe(exitStatus.done);
    expect((await readdir(state)).filter((name) => name.startsWith('recovering-'))).toEqual([]);
    const dead = { application: 'shop', repository: 'any', pid: 1, started: 'never', since: '2026-11-20T10:00:00Z' };
    await writeFile(place.path('state', 'recovering-dead.json'), JSON.stringify(dead));
    expect((await recover()).status).toBe(exitStatus.done);
    expect((await readdir(state)).filter((name) => name.startsWith('recovering-'))).toEqual([]);
    await Promise.all(['fixed', 'running'].map((name) => rm(place.path(name))));
  });

  test('a point without a configuration cannot be recovered', async () => {
    await runHoldfast(['backup', '-r', repository, '--files', place.path('app', 'uploads')], { env: { HOLDFAST_PASSWORD: password } });
    const { status, stderr } = await recover();
    expect({ status, stderr }).toEqual({ status: exitStatus.failed, stderr: containing('no point there was made with a configuration') });
  });

  test.each([
    ['a migration', { after: 'echo $$ > ../running; test -e ../fixed || sleep 60; echo migrated >> migrations' }, ''],
    ['the restore of the database', {}, "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'COPY%item%' AND pid <> pg_backend_pid()"],
  ])('kill -9 in the middle of %s loses nothing: --resume goes on with the step that was under way', async (_, more, running) => {
    if (running !== '')
      await cluster.psql(
        `CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT pg_sleep(0.03) IS NOT NULL'; ALTER TABLE item ADD CHECK (slow(id));`,
        'shop',
      );
    await backUp(more);
    await destroy();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, 'recover', '-r', repository, '--yes'], {
      cwd: tmpdir(),
      env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), HOLDFAST_PASSWORD: password, HOLDFAST_STATE: state },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    let found = '';
    while (found === '') {
      expect(child.exitCode).toBe(null);
      await new Promise((resolve) => setTimeout(resolve, 20));
      found =
        running === ''
          ? (await readFile(place.path('running'), 'utf8').catch(() => '')).trim()
          : String((await cluster.query(running))[0]?.['pid'] ?? '');
    }
    child.kill('SIGKILL');
    await ended;
    if (running === '') process.kill(-Number(found), 'SIGKILL');
    await rm(place.path('running'), { force: true });
    await writeFile(place.path('fixed'), '');
    const again = await recover(['--resume', '--json']);
    await rm(place.path('fixed'));
    expect({ status: again.status, stderr: again.stderr }).toMatchObject({ status: exitStatus.done });
    expect(again.stdout).toContain(`"name":"restore database","status":"${running === '' ? 'done-before' : 'done'}"`);
    expect(await readFile(place.path('app', 'migrations'), 'utf8')).toBe('migrated\n');
    expect(await rows()).toEqual({ rows: 100 });
  });
});

/** A newer point: what was begun goes on with its own. */
async function backUpElsewhere(): Promise<void> {
  await rename(place.path('app', 'holdfast.yaml'), place.path('app', 'kept.yaml'));
  await backUp();
  await rename(place.path('app', 'kept.yaml'), place.path('app', 'holdfast.yaml'));
}
