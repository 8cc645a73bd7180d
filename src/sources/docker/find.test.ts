import { spawnSync } from 'node:child_process';
import { rm, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeComposeFolder } from '../../../test/harness/docker/compose-folder.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing, matching } from '../../../test/harness/programs/expected-text.ts';
import { connectDocker } from './connect-docker.ts';
import type { DockerEngine } from './docker-engine.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

let docker: TestDocker;
let engine: DockerEngine;
let shop: { readonly folder: string; readonly project: string };
let other: { readonly folder: string; readonly project: string };

beforeAll(async () => {
  docker = await startDocker();
  shop = await writeComposeFolder({
    database: { volumes: ['rows:/rows'], labels: { 'a.label': 'value' } },
    web: { command: 'test -e /tmp/up || sleep 2; touch /tmp/up; sleep infinity', health: 'test -e /tmp/up' },
    broken: { health: 'false' },
    done: { command: 'exit 3' },
  });
  other = await writeComposeFolder({ web: {} });
  await Promise.all([docker.compose(shop.folder, ['up', '-d', '--scale', 'database=2']), docker.compose(other.folder, ['up', '-d'])]);
  engine = await connectDocker({ environment: docker.environment });
});

afterAll(async () => {
  await docker?.stop();
  for (const { folder } of [shop, other]) await rm(folder, { recursive: true, force: true });
});

test('the engine tells its versions', async () => {
  expect(await engine.version()).toEqual({ engine: matching(/^\d+\.\d+/), api: matching(/^\d+\.\d+$/) });
  expect(engine).toMatchObject({ isLocal: true, environment: { DOCKER_HOST: `unix://${docker.socket}` } });
});

test('a container is found by its service, and described', async () => {
  const { project } = shop;
  const database = await engine.find({ service: 'database', project });
  expect(database).toMatchObject({
    name: `${project}_database_1`,
    service: 'database',
    project,
    state: 'running',
    image: 'holdfast-test/base:1',
    labels: { 'a.label': 'value' },
    mounts: [{ type: 'volume', name: `${project}_rows`, destination: '/rows' }],
    addresses: [],
    published: [],
    pid: expect.any(Number) as number,
  });
  expect(await engine.find({ container: database.name })).toMatchObject({ id: database.id });
  expect((await engine.service('database', project)).map(({ name }) => name)).toEqual([`${project}_database_1`, `${project}_database_2`]);
});

test('of several containers the first that runs is taken, and one that has ended is found too', async () => {
  const { project } = shop;
  await docker.docker(['stop', '-t', '0', `${project}_database_1`]);
  expect((await engine.find({ service: 'database', project })).name).toBe(`${project}_database_2`);
  await docker.docker(['start', `${project}_database_1`]);
  await vi.waitFor(async () => expect((await engine.find({ service: 'done', project })).state).toBe('exited'), 10_000);
  expect((await engine.containers({ project, all: true })).map(({ service }) => service)).toEqual([
    'broken',
    'database',
    'database',
    'done',
    'web',
  ]);
  expect((await engine.containers({ project })).map(({ service }) => service)).toEqual(['broken', 'database', 'database', 'web']);
});

test('what is missing is named beside what there is', async () => {
  const { project } = shop;
  await expect(engine.find({ service: 'databse', project })).rejects.toMatchObject({
    code: 'docker-service-missing',
    message: matching(/there is broken, database, done, web \(perhaps "database" is meant\)/),
  });
  await expect(engine.find({ service: 'web', project: `${project.slice(0, -1)}` })).rejects.toMatchObject({
    code: 'docker-service-missing',
    message: containing(`perhaps "${project}" is meant`),
  });
  await expect(engine.find({ container: `${project}_web_2` })).rejects.toMatchObject({
    code: 'docker-container-missing',
    message: containing(`${project}_web_1`),
  });
  await expect(engine.volumes(['rosw'], project)).rejects.toMatchObject({
    code: 'docker-volume-missing',
    message: containing(`${project}_rows`),
  });
});

test('without a project, a service that two projects have is not guessed', async () => {
  await expect(engine.find({ service: 'web' })).rejects.toMatchObject({
    code: 'docker-service-ambiguous',
    message: containing(other.project),
  });
  const ours = await connectDocker({ environment: docker.environment, project: other.project });
  expect((await ours.find({ service: 'web' })).project).toBe(other.project);
});

test('volumes are found by their names and by patterns, whether a container uses them or not', async () => {
  const names = ['user-1', 'user-2', 'user-30'].map((name) => `${shop.project}-${name}`);
  for (const name of names) await docker.volume(name);
  await docker.volume(`${shop.project}_user-9`, { 'com.docker.compose.project': 'somebody-else' });
  const find = async (patterns: string[], project?: string) => (await engine.volumes(patterns, project)).map(({ name }) => name);
  expect(await find([`${shop.project}-user-*`])).toEqual(names);
  expect(await find([`${shop.project}-user-?`, names[2] ?? ''])).toEqual(names);
  expect(await find(['rows'], shop.project)).toEqual([`${shop.project}_rows`]);
  expect(await find(['r*'], shop.project)).toEqual([`${shop.project}_rows`]);
  await expect(find(['user-*'], shop.project)).rejects.toMatchObject({ code: 'docker-volume-missing' });
});

test('a volume is made with its labels, and one that is there is left as it is', async () => {
  const name = `${shop.project}-made`;
  try {
    const made = await engine.createVolume(name, { 'a.label': 'b' });
    expect(made).toMatchObject({ name, driver: 'local', labels: { 'a.label': 'b' }, mountpoint: matching(/_data$/) });
    expect(await engine.createVolume(name, { 'a.label': 'c' })).toEqual(made);
  } finally {
    await docker.docker(['volume', 'rm', '-f', name]);
  }
});

test('waiting ends when a service is healthy, and says why when it is not', async () => {
  const { project } = shop;
  const { signal } = new AbortController();
  const web = await engine.find({ service: 'web', project });
  await web.waitUntilUp(60_000, signal);
  expect(await engine.find({ service: 'web', project })).toMatchObject({ health: 'healthy' });
  await (await engine.find({ service: 'database', project })).waitUntilUp(5000, signal);
  const broken = await engine.find({ service: 'broken', project });
  await expect(broken.waitUntilUp(500, signal)).rejects.toMatchObject({
    code: 'docker-not-up',
    message: matching(/healthy \(it is (starting|unhealthy)\)/),
  });
  await expect((await engine.find({ service: 'done', project })).waitUntilUp(60_000, signal)).rejects.toMatchObject({
    code: 'docker-not-up',
  });
  await expect(broken.waitUntilUp(60_000, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'interrupted' });
});

test('an engine that cannot be reached is told by its address and the reason', async () => {
  const connect = (host: string, more = {}) => connectDocker({ environment: { DOCKER_HOST: host, ...more } });
  await expect(connect('unix:///nowhere/docker.sock')).rejects.toMatchObject({
    code: 'docker-unreachable',
    message: containing('there is no such socket'),
  });
  await expect(connect('tcp://127.0.0.1:1')).rejects.toMatchObject({
    code: 'docker-unreachable',
    message: containing('nothing listens there'),
  });
  await expect(connect('ssh://host')).rejects.toMatchObject({ code: 'docker-address' });
  await expect(connect('tcp://127.0.0.1:1', { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' })).rejects.toMatchObject({
    code: 'docker-address',
  });
});

test('an answer that never comes whole is not waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cut-'));
  const path = join(folder, 'docker.sock');
  const server = createServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"Version"')),
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await expect(connectDocker({ environment: { DOCKER_HOST: `unix://${path}` } })).rejects.toMatchObject({ code: 'docker-unreachable' });
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

test('a user who may not use the socket is told so', async () => {
  const script = `const { connectDocker } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'connect-docker.ts')).href)});
    try { await connectDocker({ environment: process.env }) } catch (error) { console.log(error.code, error.hint) }`;
  const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '--input-type=module', '-e', script];
  const env = { DOCKER_HOST: `unix://${docker.socket}` };
  const { stdout, stderr } = spawnSync('setpriv', words, { encoding: 'utf8', env, cwd: '/' });
  expect(stdout, stderr).toMatch(/^docker-permission .*group "docker"/);
});
