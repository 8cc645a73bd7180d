/** The real daemon with real runs: asked by HTTP, reloaded, ended, killed in the middle of a backup. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { mainFile, makeWorkplace, parseLines, password, runHoldfast } from '../../../src/cli/testing/run-holdfast.ts';
import { readObject, type JsonObject } from '../../../src/util/wire.ts';

const token = '0123456789abcdef0123';
const runs = z.object({
  runs: z.array(z.looseObject({ id: z.string(), kind: z.string(), status: z.string(), job: z.string().optional(), pid: z.number() })),
});

const alarms = z.object({ alarms: z.array(z.looseObject({ key: z.string() })) });

interface Daemon {
  readonly process: ChildProcess;
  readonly records: () => readonly JsonObject[];
  readonly url: string;
}

let place: Awaited<ReturnType<typeof makeWorkplace>>;
let started: number[] = [];
beforeEach(async () => {
  place = await makeWorkplace();
  started = [];
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads', 'a.txt'), 'something');
});
afterEach(async () => {
  for (const pid of started) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should have.
    }
  }
  await place.remove();
});

function environment(): Record<string, string> {
  return { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state'), XDG_CACHE_HOME: place.path('cache') };
}

async function configure(components: string): Promise<void> {
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop\nrepositories: { local: ./repository }\ncomponents:\n${components}\nserve: { tokens: { name: ops, role: admin, token: ${token} } }\nmaintenance: { prune: never, check: never }\n`,
  );
}

async function startDaemon(): Promise<Daemon> {
  const words = [
    '--disable-warning=ExperimentalWarning',
    mainFile,
    'serve',
    '-c',
    place.path('holdfast.yaml'),
    '--listen',
    '127.0.0.1:0',
    '--json',
  ];
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.folder, ...environment() };
  const child = spawn(process.execPath, words, { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) started.push(child.pid);
  let [said, complaint] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const records = (): readonly JsonObject[] => parseLines(said.slice(0, said.lastIndexOf('\n') + 1));
  const listening = await until(() => {
    if (child.exitCode !== null) throw new Error(complaint);
    return records().find((record) => record['message_type'] === 'listening');
  });
  return { process: child, records, url: String(listening['url']) };
}

async function until<Value>(look: () => Value | undefined | Promise<Value | undefined>): Promise<Value> {
  for (let turn = 0; turn < 1200; turn++) {
    const found = await look();
    if (found !== undefined) return found;
    await wait(100);
  }
  throw new Error('It did not happen within two minutes.');
}

async function ask({ url }: Daemon, path: string, method = 'GET'): Promise<JsonObject> {
  const answer = await fetch(new URL(path, url), { method, headers: { Authorization: `Bearer ${token}` } });
  return readObject(await answer.json(), path);
}

async function runsOf(daemon: Daemon) {
  return runs.parse(await ask(daemon, '/api/v1/runs')).runs;
}

async function end(daemon: Daemon, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(daemon.process, 'exit');
  daemon.process.kill(signal);
  await ended;
  return daemon.process.exitCode;
}

const slowBackup =
  "  uploads: { files: uploads, schedule: '0 0 1 1 *', hooks: { before: 'touch begun; while [ ! -e go ]; do sleep 0.2; done' } }";
const job = '/api/v1/jobs/backup:0_0_1_1_*';

test('it runs a job that somebody asks for, tells about it, reads a changed configuration, and ends', { timeout: 240_000 }, async () => {
  await configure("  uploads: { files: uploads, schedule: '0 0 1 1 *' }");
  const daemon = await startDaemon();
  expect(await ask(daemon, '/ready')).toMatchObject({ ready: true });
  await ask(daemon, `${job}/run`, 'POST');
  await until(() => daemon.records().find((record) => record['message_type'] === 'run_ended' && record['verdict'] === 'done'));
  expect(await runsOf(daemon)).toMatchObject([
    { kind: 'backup', status: 'done', trigger: 'api', job: 'backup:0_0_1_1_*', components: ['uploads'] },
  ]);
  expect(await ask(daemon, '/api/v1/points')).toMatchObject({ points: [{ components: ['uploads', 'point'] }] });
  expect(await ask(daemon, '/api/v1/status')).toMatchObject({ application: 'shop', ready: true, running: [], waiting: [], alarms: 0 });
  const metrics = await fetch(new URL('/metrics', daemon.url), { headers: { Authorization: `Bearer ${token}` } });
  expect(await metrics.text()).toMatch(/^holdfast_up\{application="shop"\} 1$/m);

  const second = await runHoldfast(['serve', '-c', place.path('holdfast.yaml'), '--listen', '127.0.0.1:0'], { env: environment() });
  expect([second.status, second.stderr]).toEqual([11, expect.stringContaining('another daemon')]);

  await configure("  uploads: { files: uploads, schedule: '0 0 2 1 *' }");
  daemon.process.kill('SIGHUP');
  await until(async () => JSON.stringify(await ask(daemon, '/api/v1/jobs')).includes('backup:0_0_2_1_*') || undefined);
  await writeFile(place.path('holdfast.yaml'), 'application: [');
  daemon.process.kill('SIGHUP');
  await until(async () => JSON.stringify(await ask(daemon, '/api/v1/alarms')).includes('cannot be used') || undefined);
  expect(JSON.stringify(await ask(daemon, '/api/v1/jobs'))).toContain('backup:0_0_2_1_*');
  expect(await end(daemon, 'SIGTERM')).toBe(0);
});

test('killed during a backup: the backup ends by itself, and the next daemon waits for it', { timeout: 240_000 }, async () => {
  await configure(slowBackup);
  const first = await startDaemon();
  await ask(first, `${job}/run`, 'POST');
  await until(() => existsSync(place.path('begun')) || undefined);
  await end(first, 'SIGKILL');
  const second = await startDaemon();
  expect((await runsOf(second)).map(({ status }) => status)).toEqual(['running']);
  await writeFile(place.path('go'), '');
  await until(async () => (await runsOf(second)).every(({ status }) => status === 'done') || undefined);
  expect(await ask(second, '/api/v1/points')).toMatchObject({ points: [{ components: ['uploads', 'point'] }] });
  expect(second.records().filter((record) => record['message_type'] === 'run_started')).toEqual([]);
  expect(await end(second, 'SIGTERM')).toBe(0);
});

test('killed with its backup, as by a power cut: the next daemon marks it and makes it again', { timeout: 240_000 }, async () => {
  await configure(slowBackup);
  const first = await startDaemon();
  await ask(first, `${job}/run`, 'POST');
  await until(() => existsSync(place.path('begun')) || undefined);
  const [run] = await until(async () => {
    const found = await runsOf(first);
    return found.length > 0 ? found : undefined;
  });
  await end(first, 'SIGKILL');
  process.kill(run?.pid ?? 0, 'SIGKILL');
  await writeFile(place.path('go'), '');
  const second = await startDaemon();
  await until(() => second.records().find((record) => record['message_type'] === 'run_ended' && record['verdict'] === 'done'));
  expect((await runsOf(second)).map(({ status }) => status)).toEqual(['done', 'interrupted']);
  expect(second.records().find((record) => record['message_type'] === 'run_started')).toMatchObject({ attempt: 2 });
  expect(await end(second, 'SIGTERM')).toBe(0);
});

test('a run that is cancelled ends, is not made again, and what is ended by SIGTERM is', { timeout: 240_000 }, async () => {
  await configure(slowBackup);
  const first = await startDaemon();
  const { run } = await ask(first, `${job}/run`, 'POST');
  await until(() => existsSync(place.path('begun')) || undefined);
  await ask(first, `/api/v1/runs/${String(run)}/cancel`, 'POST');
  await until(() => first.records().find((record) => record['message_type'] === 'run_ended' && record['verdict'] === 'interrupted'));
  expect(await end(first, 'SIGTERM')).toBe(0);
  const second = await startDaemon();
  await wait(1000);
  expect(second.records().filter((record) => record['message_type'] === 'run_started')).toEqual([]);
  expect(await end(second, 'SIGTERM')).toBe(0);
});

test(
  'it looks how the application stands, raises an alarm about it, and ends that when it is right again',
  { timeout: 240_000 },
  async () => {
    await configure("  uploads: { files: uploads, schedule: '0 0 1 1 *', objective: { rpo: 1d } }");
    await mkdir(place.path('repository'));
    await writeFile(place.path('repository', 'config'), 'no configuration');
    const daemon = await startDaemon();
    const keys = async (): Promise<string[]> => alarms.parse(await ask(daemon, '/api/v1/alarms')).alarms.map(({ key }) => key);
    await until(async () => (await keys()).includes('repository:local') || undefined);
    await rm(place.path('repository'), { recursive: true });
    await ask(daemon, `${job}/run`, 'POST');
    // After a run it waits a little for others before it looks again.
    await until(async () => !(await keys()).includes('repository:local') || undefined);
    expect(await ask(daemon, '/api/v1/status')).toMatchObject({ standing: { verdict: 'met', repositories: [{ points: 1 }] } });
    const metrics = await fetch(new URL('/metrics', daemon.url), { headers: { Authorization: `Bearer ${token}` } });
    expect(await metrics.text()).toContain('holdfast_objective_met{application="shop",component="uploads",objective="rpo"} 1');
  },
);
