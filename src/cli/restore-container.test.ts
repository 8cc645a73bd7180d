import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startDocker, type TestDocker } from '../../test/harness/docker/docker.ts';
import { startPostgres, waitUntilUp, type PostgresContainer } from '../../test/harness/docker/postgres-container.ts';
import { mainFile, runHoldfast } from './testing/run-holdfast.ts';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration } from '../config/load-configuration.ts';
import type { Repository } from '../engine/repository.ts';
import { ignoreEvents } from '../events.ts';
import { systemClock } from '../util/clock.ts';
import { createTools } from '../operations/application/application-tools.ts';
import { backUp } from '../operations/back-up.ts';
import { createSession } from '../operations/open-session.ts';
import { createBaseComponent } from '../operations/physical/base-component.ts';
import { openReplicatedServer } from '../operations/physical/replicated-server.ts';
import { streamWal } from '../operations/wal/stream-wal.ts';
import { restoreMoment, type Destination, type MomentResult } from '../operations/point-in-time/restore-moment.ts';
import type { MomentContext } from '../operations/point-in-time/run-plan.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const name = `moment-${process.pid}`;
const component = { name: 'latest', component: 'database' };
let docker: TestDocker;
let server: PostgresContainer;
let room: string;
let repository: Repository;
let context: MomentContext;
let configuration: Configuration;
let moment: Date;

/* A server whose volume is its data directory. Rows come after its base backup, then a table is dropped. */
beforeAll(async () => {
  docker = await startDocker();
  room = await mkdtemp(join(tmpdir(), 'holdfast-moment-'));
  await chmod(room, 0o755);
  await docker.volume(`${name}-data`);
  server = await startPostgres(docker, name, ['-v', `${name}-data:/srv/data`]);
  repository = await createSession({ url: join(room, 'repository'), password: () => Promise.resolve('secret') });
  context = {
    events: ignoreEvents,
    signal: new AbortController().signal,
    clock: systemClock,
    environment: { ...docker.environment, HOME: room, HOLDFAST_SCRATCH: join(room, 'scratch') },
    stateFolder: join(room, 'state'),
  };
  const file = join(room, 'holdfast.yaml');
  const login = `container: ${name}, user: postgres, password: { value: ${server.password} }`;
  await writeFile(
    file,
    `application: shop\nrepositories: { local: ./repository }\ncomponents:\n  database: { postgres: { ${login}, mode: physical } }\n`,
  );
  configuration = loadConfiguration({ file, environment: context.environment });
  const source = configuration.components[0]?.source;
  if (source?.kind !== 'postgres-base') throw new Error('the component is of another kind');
  const replicated = await openReplicatedServer(createTools(configuration, context), source.at);
  await server.psql('CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE notes (id int)');
  const base = await createBaseComponent({
    component: 'database',
    ...replicated,
    connect: (capture) => replicated.connect(capture),
    checkpoint: 'fast',
    policy: { fullEveryMs: 86_400_000, increments: 5 },
    clock: systemClock,
  });
  await backUp(repository, { components: [{ source: base }] }, context);
  await server.psql('INSERT INTO orders SELECT generate_series(1, 1000)');
  moment = new Date((await server.psql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MSZ')")).trim());
  await server.psql('SELECT pg_sleep(0.05)');
  await server.psql('DROP TABLE orders');
  await server.psql('INSERT INTO notes VALUES (1)');
  const request = { server: replicated, slot: 'test', flushMs: 100, synchronous: false, until: 'caught-up' as const, clock: systemClock };
  await streamWal(repository, request, context).done;
});

afterAll(async () => {
  await repository?.close();
  for (const volume of await volumesAside()) await docker.docker(['volume', 'rm', volume]).catch(() => {});
  await docker?.stop();
  await rm(room, { recursive: true, force: true });
});

function goBack(
  destination: Destination,
  target: { kind: 'time'; time: Date } | { kind: 'name'; name: string },
): Promise<MomentResult | undefined> {
  const confirm = () => Promise.resolve(true);
  return restoreMoment(repository, { target, point: component, destination, configuration, lock: {}, dryRun: false, confirm }, context);
}

async function volumesAside(): Promise<string[]> {
  const listed = await docker.docker(['volume', 'ls', '-q', '--filter', `name=${name}-data-before-`]);
  return listed.split('\n').filter((line) => line !== '');
}

const own = async (): Promise<string> => (await docker.docker(['ps', '-aq', '--filter', 'label=holdfast.purpose'])).trim();
const count = async (table: string): Promise<string> => (await server.psql(`SELECT count(*) FROM ${table}`)).trim();
const inPlace: Destination = { kind: 'in place', amcheck: true, tablespaces: new Map() };
/* As on a machine without PostgreSQL. */
const programs = '/nowhere';

test('where the recovery fails, what was there is back and the server runs', async () => {
  await expect(goBack(inPlace, { kind: 'name', name: 'never made' })).rejects.toThrow(/never made/);
  await waitUntilUp(server);
  expect(await count('notes')).toBe('1');
  await expect(count('orders')).rejects.toThrow(/does not exist/);
  expect(await volumesAside()).toEqual([]);
  expect(await own()).toBe('');
  expect(await readdir(join(context.stateFolder, 'in-place'))).toEqual([]);
});

/** The processes that put right what a recovery leaves that is killed. */
async function watchdogs(): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/point-in-time\/watchdog\.ts\0/.test(words) && words.includes(context.stateFolder)) found.push(Number(pid));
  }
  return found;
}

/** Kills a recovery to the moment when its own container is there, and its watchdog before it where nobody is to notice. Volumes that keep what was there, after that. */
async function killInTheMiddle(isNoticed = false): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', mainFile, ...restore, '--at', moment.toISOString(), '--yes'],
    { cwd: room, env: { ...environment(), HOME: room }, stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  while ((await own()) === '' && child.exitCode === null) await sleep(20);
  expect(await watchdogs()).toHaveLength(1);
  if (!isNoticed) for (const pid of await watchdogs()) process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  if (isNoticed) return volumesAside();
  expect((await docker.docker(['inspect', '-f', '{{.State.Running}}', name])).trim()).toBe('false');
  /* What it started ends with it, once the server in it has written down what it holds: on a machine at work that takes its time. */
  const left = async () => (await docker.docker(['ps', '--no-trunc', '--filter', 'label=holdfast.purpose'])).split('\n').slice(1, -1);
  await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 90_000, interval: 200 });
  return volumesAside();
}

const restore = ['restore', '--component', 'database'];
const environment = () => ({ ...docker.environment, HOLDFAST_PASSWORD: 'secret', HOLDFAST_STATE: context.stateFolder });

test('killed in the middle, it leaves what was there aside; the next recovery puts it back, and starts the server', async () => {
  expect((await killInTheMiddle()).length).toBe(1);
  const shown = await runHoldfast([...restore, '--at', moment.toISOString(), '--dry-run'], { cwd: room, env: environment() });
  expect(shown.stderr).toContain('did not end');
  const after = await runHoldfast([...restore, '--name', 'never made', '--yes'], { cwd: room, env: environment() });
  expect(after.stderr).toContain('has been put back, and the server runs again');
  expect(after.status).toBe(1);
  expect(await count('notes')).toBe('1');
  expect(await volumesAside()).toEqual([]);
  expect(await own()).toBe('');
});

test('killed in the middle, what was there is put back and the server started without any other command', async () => {
  await killInTheMiddle(true);
  await waitUntilUp(server);
  await vi.waitFor(async () => expect(await watchdogs()).toEqual([]), { timeout: 30_000, interval: 200 });
  expect(await count('notes')).toBe('1');
  expect(await volumesAside()).toEqual([]);
  expect(await own()).toBe('');
  expect(await readdir(join(context.stateFolder, 'in-place'))).toEqual([]);
});

test('a table comes back into the live database with nothing but the programs of its image', async () => {
  const result = await goBack({ kind: 'tables', tables: ['orders'], restore: {}, programs }, { kind: 'time', time: moment });
  expect(result).toMatchObject({ kind: 'tables' });
  expect(await count('orders')).toBe('1000');
  expect(await count('notes')).toBe('1');
  expect(await own()).toBe('');
  expect(await readdir(join(room, 'scratch'))).toEqual([]);
});

test('a copy is made in a folder with nothing but the programs of its image', async () => {
  const target = join(room, 'copy');
  const beside: Destination = { kind: 'beside', target, pause: false, amcheck: true, tablespaces: new Map(), programs };
  const result = await goBack(beside, { kind: 'time', time: moment });
  expect(result).toMatchObject({ kind: 'beside', report: { outcome: { state: 'promoted' }, check: { faults: [] } } });
  expect(existsSync(join(target, 'PG_VERSION'))).toBe(true);
  await expect(goBack({ ...beside, target: join(room, 'running'), port: 5999 }, { kind: 'time', time: moment })).rejects.toThrow(
    /PostgreSQL 15/,
  );
});

test('a server is put back in its volume, and what was there is kept in another', async () => {
  const result = await goBack(inPlace, { kind: 'time', time: moment });
  const [kept = ''] = await volumesAside();
  expect(result).toMatchObject({
    kind: 'in place',
    report: { running: true, kept: [`the volume ${kept}`], outcome: { state: 'promoted', timeline: 2 }, check: { faults: [] } },
  });
  expect(await count('orders')).toBe('1000');
  expect(await count('notes')).toBe('0');
  expect((await server.psql("SELECT current_setting('restore_command') || current_setting('archive_mode')")).trim()).toBe('off');
  const [data, aside] = [
    await server.run(['ls', '/srv/data']),
    await docker.docker(['run', '--rm', '-v', `${kept}:/kept`, 'holdfast-test/base:1', 'ls', '/kept']),
  ];
  expect(data).not.toContain('holdfast-recovery');
  expect(aside).toContain('PG_VERSION');
  expect(await own()).toBe('');
});

test('after a recovery that was killed, the next backup puts things right too', async () => {
  const kept = await volumesAside();
  expect((await killInTheMiddle()).length).toBe(kept.length + 1);
  const after = await runHoldfast(['backup'], { cwd: room, env: environment() });
  expect(after.stderr).toContain('has been put back, and the server runs again');
  expect(after.status).toBe(0);
  expect(await count('notes')).toBe('0');
  expect(await volumesAside()).toEqual(kept);
  expect(await own()).toBe('');
});
