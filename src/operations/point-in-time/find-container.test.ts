import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { connectDocker } from '../../sources/docker/connect-docker.ts';
import type { DockerEngine } from '../../sources/docker/docker-engine.ts';
import { findServerInContainer, type ServerInContainer } from './find-container.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const name = `folders-${process.pid}`;
let docker: TestDocker;
let engine: DockerEngine;
let room: string;
let mountpoint: string;

beforeAll(async () => {
  docker = await startDocker();
  engine = await connectDocker({ environment: docker.environment });
  room = await mkdtemp(join(tmpdir(), 'holdfast-folders-'));
  await mkdir(join(room, 'bound', 'pgdata'), { recursive: true });
  mountpoint = await docker.volume(`${name}-data`);
  await docker.run({ name, volumes: [`${name}-data:/srv/data`, `${join(room, 'bound')}:/srv/bound`] });
});

afterAll(async () => {
  await docker?.stop();
  await rm(room, { recursive: true, force: true });
});

const look = (docked = engine): Promise<ServerInContainer> =>
  findServerInContainer(docked, { address: { container: name }, database: 'postgres', user: 'postgres' }, new AbortController().signal);

test('a volume, a folder in one, and a folder of this machine are found; only the first is a volume as a whole', async () => {
  const found = await look();
  expect(await found.find('/srv/data')).toMatchObject({ path: mountpoint, volume: { name: `${name}-data` } });
  expect(await found.find('/srv/data/inner')).toEqual({ path: join(mountpoint, 'inner') });
  expect(await found.find('/srv/bound/pgdata')).toEqual({ path: join(room, 'bound', 'pgdata') });
  expect(await found.find('/srv/bound')).toEqual({ path: join(room, 'bound') });
});

test('what lies in the container alone, or on another machine, is refused with what to do', async () => {
  await expect((await look()).find('/var/lib/postgresql')).rejects.toMatchObject({
    code: 'recovery-directory',
    message: expect.stringContaining('no volume and no folder of this machine') as string,
    hint: expect.stringContaining('--target') as string,
  });
  const far = await look({ ...engine, isLocal: false });
  await expect(far.find('/srv/data')).rejects.toThrow(/runs on another machine/);
});
