import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest';
import { writeComposeFolder } from '../../../test/harness/docker/compose-folder.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { connectDocker } from './connect-docker.ts';
import type { DockerEngine } from './docker-engine.ts';
import { hasForgotten, startForgotten } from './start-forgotten.ts';
import { stopContainers, stopServices } from './stop-services.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const forever = new AbortController().signal;
const program = fileURLToPath(new URL('../../../test/harness/docker/stop-and-wait.ts', import.meta.url));
let docker: TestDocker;
let engine: DockerEngine;
let application: { readonly folder: string; readonly project: string };
let stateFolder: string;

beforeAll(async () => {
  docker = await startDocker();
  application = await writeComposeFolder({ web: {}, worker: {}, idle: {} });
  await docker.compose(application.folder, ['up', '-d']);
  await docker.docker(['stop', '-t', '0', `${application.project}_idle_1`]);
  engine = await connectDocker({ environment: docker.environment, project: application.project });
});
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'holdfast-state-'));
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));
afterAll(async () => {
  await docker?.stop();
  await rm(application.folder, { recursive: true, force: true });
});

async function states(): Promise<Record<string, string>> {
  const containers = await engine.containers({ project: application.project, all: true });
  return Object.fromEntries(containers.map(({ service = '', state }) => [service, state]));
}

const running = { web: 'running', worker: 'running', idle: 'exited' };
const stopped = { web: 'exited', worker: 'exited', idle: 'exited' };
const notes = () => readdir(join(stateFolder, 'stopped')).catch(() => []);

/** Another process that stops the services. */
async function stopElsewhere(): Promise<{ kill(): Promise<void>; watchdog: number }> {
  const child = spawn(process.execPath, [program, stateFolder, application.project, 'web', 'worker', 'idle'], {
    env: { ...docker.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const watchdog = Number((await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim());
  return {
    watchdog,
    kill: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

test('services stop, and those that ran run again', async () => {
  const held = await stopServices(engine, ['web', 'worker', 'idle'], undefined, stateFolder, forever);
  expect(held.containers).toEqual(['web', 'worker'].map((service) => `${application.project}_${service}_1`));
  expect(await states()).toEqual(stopped);
  expect(await notes()).toHaveLength(1);
  expect(await hasForgotten(stateFolder)).toBe(false);
  expect(await startForgotten({ stateFolder, environment: {} })).toEqual([]);
  expect(await states()).toEqual(stopped);
  await held.startAgain();
  expect(await states()).toEqual(running);
  expect(await notes()).toEqual([]);
  await held.startAgain();
});

test('a service that is not there is told before anything is stopped', async () => {
  await expect(stopServices(engine, ['web', 'wroker'], undefined, stateFolder, forever)).rejects.toMatchObject({
    code: 'docker-service-missing',
    message: containing('"worker"'),
  });
  expect(await states()).toEqual(running);
});

test('an interruption in the middle starts again what was stopped', async () => {
  const controller = new AbortController();
  const containers = (await Promise.all(['web', 'worker'].map((service) => engine.find({ service })))).map((container) => ({
    ...container,
    stop: async () => {
      expect(await notes()).toHaveLength(1);
      await container.stop();
      controller.abort();
    },
  }));
  await expect(stopContainers(engine, containers, stateFolder, controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
  expect(await states()).toEqual(running);
  expect(await notes()).toEqual([]);
});

test('the watchdog starts the services again when the process is killed', async () => {
  const elsewhere = await stopElsewhere();
  expect(await states()).toEqual(stopped);
  await elsewhere.kill();
  await vi.waitFor(async () => expect(await states()).toEqual(running), { timeout: 30_000, interval: 200 });
  await vi.waitFor(async () => expect(await notes()).toEqual([]), { timeout: 10_000 });
  await vi.waitFor(() => expect(existsSync(`/proc/${elsewhere.watchdog}`)).toBe(false), { timeout: 10_000 });
});

test('the next command does where the watchdog was killed too', async () => {
  const elsewhere = await stopElsewhere();
  process.kill(elsewhere.watchdog, 'SIGKILL');
  await elsewhere.kill();
  expect(await states()).toEqual(stopped);
  expect(await hasForgotten(stateFolder)).toBe(true);
  const started = await startForgotten({ stateFolder, environment: { PATH: process.env['PATH'] } });
  expect(started).toEqual(['worker', 'web'].map((service) => `${application.project}_${service}_1`));
  expect(await states()).toEqual(running);
  expect(await hasForgotten(stateFolder)).toBe(false);
});

test('what cannot be started again stays noted, and a container that was removed does not', async () => {
  const name = `${application.project}-extra`;
  await docker.run({ name });
  const held = await stopContainers(
    engine,
    [await engine.find({ container: name }), await engine.find({ service: 'web' })],
    stateFolder,
    forever,
  );
  await docker.docker(['rm', '-f', name]);
  await held.startAgain();
  expect(await states()).toEqual(running);
  expect(await notes()).toEqual([]);

  const web = await engine.find({ service: 'web' });
  const failing = { ...web, start: () => Promise.reject(new Error('no space left')) };
  const second = await stopContainers(engine, [failing], stateFolder, forever);
  await expect(second.startAgain()).rejects.toMatchObject({
    code: 'docker-start-again',
    message: containing('no space left'),
  });
  expect(await notes()).toHaveLength(1);
  await web.start();
});

test('a container that would be removed is not stopped', async () => {
  const name = `${application.project}-rm`;
  await docker.run({ name, options: ['--rm'] });
  await expect(stopContainers(engine, [await engine.find({ container: name })], stateFolder, forever)).rejects.toMatchObject({
    code: 'docker-stop-refused',
  });
  expect((await engine.find({ container: name })).state).toBe('running');
});
