import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBreakingProxy } from '../../../test/harness/docker/breaking-proxy.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { startTlsProxy } from '../../../test/harness/docker/tls-proxy.ts';
import { connectDocker } from './connect-docker.ts';
import type { Container } from './docker-engine.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const forever = new AbortController().signal;
const name = `archive-${process.pid}`;
let docker: TestDocker;
let container: Container;
let folder: string;

beforeAll(async () => {
  docker = await startDocker();
  await docker.run({ name });
  container = await open();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
});
afterAll(async () => {
  await docker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(environment = docker.environment): Promise<Container> {
  return (await connectDocker({ environment })).find({ container: name });
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function tar(words: readonly string[], input?: Buffer): Buffer {
  const done = spawnSync('tar', words, { cwd: folder, input, maxBuffer: 1 << 30 });
  if (done.status !== 0) throw new Error(done.stderr.toString('utf8'));
  return done.stdout;
}

test('files go into a container and come out of it, also while it is stopped', async () => {
  const content = Buffer.alloc(3_000_000, 'some bytes ');
  await writeFile(join(folder, 'file'), content);
  const packed = tar(['-c', '-f', '-', 'file']);
  await container.stop(0);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed.length; at += 10_000) yield packed.subarray(at, at + 10_000);
  }
  await container.writeArchive('/srv', pieces());
  const got = await collect(await container.readArchive('/srv/file'));
  await rm(join(folder, 'file'));
  tar(['-x', '-f', '-'], got);
  expect((await readFile(join(folder, 'file'))).equals(content)).toBe(true);
  await container.start();
  expect(await docker.docker(['exec', name, 'stat', '-c', '%s', '/srv/file'])).toBe('3000000\n');
});

test('a path that is not there is told', async () => {
  await expect(container.readArchive('/srv/none')).rejects.toMatchObject({
    code: 'docker-path-missing',
    message: containing('/srv/none'),
  });
  await expect(container.writeArchive('/none', (async function* () {})())).rejects.toMatchObject({ code: 'docker-path-missing' });
});

test('an input that fails fails the write', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(512);
    throw new Error('the disk is gone');
  }
  await expect(container.writeArchive('/srv', failing())).rejects.toThrow('the disk is gone');
});

test('an archive that is cut is an error', async () => {
  await docker.docker(['exec', name, 'sh', '-c', 'head -c 5000000 /dev/zero >/srv/zeros']);
  const proxy = await startBreakingProxy(docker.socket);
  try {
    const through = await open({ ...docker.environment, ...proxy.environment });
    proxy.cutAfter(1_000_000, 'close');
    const archive = await through.readArchive('/srv/zeros');
    await expect(collect(archive)).rejects.toMatchObject({ code: 'docker-failed' });
  } finally {
    await proxy.stop();
  }
});

test('over TCP with TLS, commands get their input and its end, and an unknown client is turned away', async () => {
  const proxy = await startTlsProxy(docker.socket);
  try {
    const through = await open({ ...docker.environment, ...proxy.environment });
    const process_ = await through.exec({
      command: ['wc', '-c'],
      input: (async function* () {
        for (let at = 0; at < 200; at += 1) yield Buffer.alloc(10_000);
      })(),
      signal: forever,
    });
    expect((await collect(process_.output)).toString('utf8')).toBe('2000000\n');
    expect((await process_.ended).status).toBe(0);
    await expect(connectDocker({ environment: { DOCKER_HOST: proxy.environment['DOCKER_HOST'] } })).rejects.toMatchObject({
      code: 'docker-unreachable',
    });
    await expect(connectDocker({ environment: { ...proxy.environment, DOCKER_CERT_PATH: proxy.strangerFolder } })).rejects.toMatchObject({
      code: 'docker-unreachable',
    });
  } finally {
    await proxy.stop();
  }
});
