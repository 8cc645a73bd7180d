/**
 * Drills of an application that publishes ports on a network of its own: the whole comes up beside itself, and what is killed in the middle of that
 * (containers, networks, volumes, databases, folders) is taken away by the next drill or backup.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { mainFile, parseLines, password } from '../../src/cli/testing/run-holdfast.ts';
import { startDocker, type TestDocker } from '../harness/docker/docker.ts';
import { freePort } from '../harness/programs/free-port.ts';
import { databasePassword, writeApplication } from './networked-application.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

const reportSchema = z.looseObject({
  verdict: z.string(),
  remarks: z.array(z.string()),
  components: z.array(
    z.looseObject({ name: z.string(), verdict: z.string(), compared: z.record(z.string(), z.number()), remarks: z.array(z.string()) }),
  ),
});

/** Of all that was started here: their ids are in the names of what they make, and other tests share the engine. */
const processes = new Set<number>();
let docker: TestDocker;
let place: string;
let application: string;
let port: number;
let webName: string;

beforeAll(async () => {
  docker = await startDocker();
  place = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-beside-')));
  await chmod(place, 0o755);
  application = join(place, `shop-${randomBytes(4).toString('hex')}`);
  port = await freePort();
  webName = `web-${randomBytes(4).toString('hex')}`;
  await writeApplication(application, { port, webName });
  await hideRedis(join(place, 'bin'));
  await docker.compose(application, ['up', '-d']);
  await untilTrue(async () => (await inDatabase('select 1').catch(() => '')) === '1');
  await inDatabase("create table notes (text text); insert into notes values ('saved row')");
  await docker.compose(application, ['exec', '-T', 'web', 'sh', '-c', 'printf "saved file" > /data/note.txt']);
  await docker.compose(application, ['exec', '-T', 'sessions', 'redis-cli', 'mset', 'a', '1', 'b', '2', 'c', '3']);
  await untilTrue(async () => (await page()) === 'saved row and saved file');
  const { status, stderr } = await holdfast('backup');
  if (status !== 0) throw new Error(stderr);
  // From now on the live application says something else than what was saved.
  await inDatabase("update notes set text = 'live row'");
  await docker.compose(application, ['exec', '-T', 'web', 'sh', '-c', 'printf "live file" > /data/note.txt']);
});
afterAll(async () => {
  await docker?.stop();
  await rm(place, { recursive: true, force: true });
});

/** Every program of this machine but a Redis server: the drill has to take the image of the live one. */
async function hideRedis(folder: string): Promise<void> {
  await mkdir(folder);
  for (const from of (process.env['PATH'] ?? '').split(':').filter((each) => existsSync(each)))
    for (const name of await readdir(from))
      if (!/^(redis|valkey)-/.test(name)) await symlink(join(from, name), join(folder, name)).catch(() => {});
}

async function untilTrue(look: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 600; turn += 1) {
    if (await look()) return;
    await sleep(200);
  }
  throw new Error('It did not happen within two minutes.');
}

const inDatabase = async (sql: string): Promise<string> =>
  (await docker.compose(application, ['exec', '-T', 'db', 'psql', '-U', 'postgres', '-d', 'shop', '-qAtc', sql])).trim();

async function page(): Promise<string> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    (answer) => answer.text(),
    () => '',
  );
}

interface End {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(words: readonly string[]): { readonly ended: Promise<End>; kill(): void } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words], {
    cwd: application,
    env: {
      ...docker.environment,
      PATH: join(place, 'bin'),
      HOME: place,
      TMPDIR: place,
      HOLDFAST_STATE: join(place, 'state'),
      HOLDFAST_PASSWORD: password,
      NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-cli-tests-cache'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) processes.add(child.pid);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'exit').then((): End => ({ status: child.exitCode, stdout, stderr }));
  return { ended, kill: () => void child.kill('SIGKILL') };
}

async function holdfast(...words: string[]): Promise<End> {
  const end = await start(words).ended;
  expect(`${end.stdout}${end.stderr}`).not.toContain(databasePassword);
  return end;
}

async function drill(name: string): Promise<z.infer<typeof reportSchema>> {
  const { status, stdout, stderr } = await holdfast('drill', name, '--json');
  expect(status, `${stdout}${stderr}`).toBe(0);
  return reportSchema.parse(parseLines(stdout).find((line) => line['message_type'] === 'drill_report'));
}

const drillContainers = 'name=holdfast_drill_';

async function namesOf(...words: string[]): Promise<string[]> {
  return (await docker.docker(words))
    .split('\n')
    .filter((line) => processes.has(Number(/holdfast_drill_[0-9a-f]{8}_(\d+)_/.exec(line)?.[1])));
}

/** What a drill makes and must not leave. */
async function whatIsLeft(): Promise<string[]> {
  const folders = [`${place}/state-scratch`, `${place}/state/drills`, `${place}/holdfast-scratch`];
  const found = await Promise.all([
    namesOf('ps', '-a', '--format', '{{.Names}}', '--filter', drillContainers),
    namesOf('volume', 'ls', '-q'),
    namesOf('network', 'ls', '--format', '{{.Name}}'),
    inDatabase("select datname from pg_database where datname like 'holdfast%'").then((names) => names.split('\n').filter(Boolean)),
    docker
      .docker(['ps', '-a', '--no-trunc', '--filter', 'label=holdfast.purpose=drill', '--format', '{{.ID}} {{.Mounts}}'])
      .then((lines) => lines.split('\n').filter((line) => line.includes(place))),
    ...folders.map((folder) => readdir(folder).catch(() => [])),
  ]);
  return found.flat();
}

async function expectUntouched(since: string): Promise<void> {
  expect(await page()).toBe('live row and live file');
  expect(await startedAt()).toBe(since);
}

async function startedAt(): Promise<string> {
  const ids = (await docker.compose(application, ['ps', '-q'])).trim().split('\n').toSorted();
  return docker.docker(['inspect', '-f', '{{.State.StartedAt}}', ...ids]);
}

test('the whole application comes up beside itself: the saved one on another port of this machine, the live one untouched', async () => {
  const since = await startedAt();
  const running = start(['drill', 'yearly', '--json']);
  const seen = new Set<string>();
  const watching = (async () => {
    let isOver = false;
    void running.ended.then(() => (isOver = true));
    while (!isOver) {
      for (const line of await namesOf('ps', '--format', '{{.Names}} {{.Ports}}', '--filter', drillContainers)) seen.add(line);
      await sleep(200);
    }
  })();
  const { status, stdout, stderr } = await running.ended;
  await watching;
  expect(status, `${stdout}${stderr}`).toBe(0);
  const report = reportSchema.parse(parseLines(stdout).find((line) => line['message_type'] === 'drill_report'));
  // Health and both smoke tests were asked of the new one: the live one would have failed them.
  expect(report).toMatchObject({ verdict: 'proven', remarks: [] });
  const published = [...seen].flatMap((line) => /127\.0\.0\.1:(\d+)->80/.exec(line)?.[1] ?? []);
  expect(published.length).toBeGreaterThan(0);
  expect(published).not.toContain(String(port));
  expect([...seen].filter((line) => line.includes('0.0.0.0'))).toEqual([]);
  await expectUntouched(since);
  expect(await whatIsLeft()).toEqual([]);
});

test('a Redis snapshot is loaded in a container of the image of the live one', async () => {
  const since = await startedAt();
  const report = await drill('quarterly');
  expect(report.components.find(({ name }) => name === 'sessions')).toMatchObject({
    verdict: 'proven',
    compared: { keys: 3 },
    remarks: [],
  });
  await expectUntouched(since);
  expect(await whatIsLeft()).toEqual([]);
});

/** Killed as soon as this can be seen; false where it was over before. */
async function killWhen(words: readonly string[], look: () => Promise<boolean>): Promise<boolean> {
  const { ended, kill } = start(words);
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!isOver && !(await look())) await sleep(20);
  kill();
  return (await ended).status === null;
}

const some = async (...words: string[]): Promise<boolean> => (await namesOf(...words)).length > 0;
const moments: readonly (readonly [string, string, () => Promise<boolean>])[] = [
  ['yearly', 'its network is there', () => some('network', 'ls', '--format', '{{.Name}}')],
  ['yearly', 'its web service runs', () => some('ps', '--format', '{{.Names}}', '--filter', drillContainers, '--filter', 'expose=80')],
  ['quarterly', 'its database is there', async () => (await inDatabase("select 1 from pg_database where datname like 'holdfast%'")) !== ''],
  ['quarterly', 'its volume is there', () => some('volume', 'ls', '-q')],
];

test('what was killed is taken away by the next drill, or the next backup', async () => {
  const since = await startedAt();
  for (const [index, [name, moment, look]] of moments.entries()) {
    expect(await killWhen(['drill', name, '--quiet'], look), `${name} was over before ${moment}`).toBe(true);
    expect(await whatIsLeft()).not.toEqual([]);
    const next = index % 2 === 0 ? await holdfast('backup', 'config') : await holdfast('drill', 'quarterly');
    expect(next.status, next.stderr).toBe(0);
    expect(await whatIsLeft(), moment).toEqual([]);
  }
  await expectUntouched(since);
});
