import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeComposeFolder } from '../../../test/harness/docker/compose-folder.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { connectDocker } from '../docker/connect-docker.ts';
import type { DockerEngine } from '../docker/docker-engine.ts';
import { containersUsing, ensureVolume } from '../docker/readable-volumes.ts';
import { createVolumesSource } from './volumes-source.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const context = { events: () => {}, signal: new AbortController().signal };
let docker: TestDocker;
let engine: DockerEngine;
let application: { readonly folder: string; readonly project: string };

beforeAll(async () => {
  docker = await startDocker();
  application = await writeComposeFolder({ web: { volumes: ['uploads:/uploads'], command: 'echo hello >/uploads/file; sleep infinity' } });
  await docker.compose(application.folder, ['up', '-d']);
  engine = await connectDocker({ environment: docker.environment, project: application.project });
});
afterAll(async () => {
  await docker?.stop();
  await rm(application.folder, { recursive: true, force: true });
});

const source = (volumes: readonly string[], more = {}) => createVolumesSource({ component: 'volumes', docker: engine, volumes, ...more });

test('several volumes are one component, with or without a container', async () => {
  const names = ['user-1', 'user-2'].map((name) => `${application.project}-${name}`);
  const mountpoints = await Promise.all(names.map((name) => docker.volume(name, { owner: name })));
  await writeFile(join(mountpoints[0] ?? '', 'note'), 'a note');
  const uploads = await docker.docker(['volume', 'inspect', '-f', '{{.Mountpoint}}', `${application.project}_uploads`]);
  const both = source([`${application.project}-user-*`, 'uploads']);
  const capture = await both.capture(context);
  expect(capture).toEqual({ shape: 'tree', roots: [...mountpoints, uploads.trim()], select: {} });
  const { title, facts } = await both.describe();
  expect(title).toBe(`volumes ${names.join(', ')}, ${application.project}_uploads`);
  expect(facts['volumes']).toBe(3);
  expect(facts[`volume ${names[0]}`]).toMatch(new RegExp(`^driver=local .*owner=${names[0]}`));
});

test('a name that matches nothing fails the capture', async () => {
  await expect(source(['uploads', 'gone-*']).capture(context)).rejects.toMatchObject({ code: 'docker-volume-missing' });
});

test('a volume whose files are elsewhere is never an empty backup', async () => {
  const device = join(application.folder, 'device');
  await mkdir(device);
  const name = `${application.project}-bound`;
  const options = ['type=none', 'o=bind', `device=${device}`].flatMap((option) => ['-o', option]);
  await docker.docker(['volume', 'create', ...options, name]);
  try {
    await expect(source([name]).capture(context)).rejects.toMatchObject({
      code: 'docker-volume-unreadable',
      message: containing(device),
    });
    const id = await docker.run({ volumes: [`${name}:/data`] });
    await docker.docker(['exec', id, 'sh', '-c', 'echo there >/data/file']);
    expect(await source([name]).capture(context)).toMatchObject({ shape: 'tree' });
    await docker.docker(['rm', '-f', id]);
  } finally {
    await docker.docker(['volume', 'rm', '-f', name]);
  }
  const elsewhere = { ...engine, isLocal: false, title: 'tcp://backup.example:2376' };
  await expect(source(['uploads'], { docker: elsewhere }).capture(context)).rejects.toMatchObject({
    code: 'docker-volume-unreadable',
    message: containing('another machine'),
    hint: containing('as root'),
  });
});

test('the containers that use a volume are known', async () => {
  const volumes = await engine.volumes(['uploads']);
  expect((await containersUsing(engine, volumes)).map(({ service }) => service)).toEqual(['web']);
});

test('a volume that is missing is made as Compose would make it', async () => {
  expect(await ensureVolume(engine, 'uploads', { project: application.project })).toMatchObject({ isNew: false });
  const { volume, isNew } = await ensureVolume(engine, 'avatars', { project: application.project });
  expect(isNew).toBe(true);
  expect(volume).toMatchObject({
    name: `${application.project}_avatars`,
    labels: { 'com.docker.compose.project': application.project, 'com.docker.compose.volume': 'avatars' },
  });
  await writeFile(join(volume.mountpoint, 'file'), 'restored');
  expect(await ensureVolume(engine, volume.name, { project: application.project })).toMatchObject({
    isNew: false,
    volume: { name: volume.name },
  });
});
