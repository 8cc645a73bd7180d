/** Against a real redis-server in a real container without a network: only the Docker engine leads to it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDocker, startDocker } from '../../../test/harness/docker/docker.ts';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { systemClock } from '../../util/clock.ts';
import { connectDocker } from '../docker/connect-docker.ts';
import type { DockerEngine } from '../docker/docker-engine.ts';
import { createRedisSource } from './redis-source.ts';
import { fillWithEverything } from './testing/throw-away-redis.ts';

let tests: TestDocker;
let docker: DockerEngine;

beforeAll(async () => {
  tests = await startDocker();
  docker = await connectDocker({ environment: tests.environment });
}, 180_000);
afterAll(() => tests.stop());

interface RedisContainer {
  readonly name: string;
  cli(...words: readonly string[]): Promise<string>;
  source(password?: string): ReturnType<typeof createRedisSource>;
  contents(): Promise<string>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function start(
  settings: readonly string[],
  options: { readonly data?: string; readonly volume?: boolean; readonly login?: readonly string[] } = {},
): Promise<RedisContainer> {
  const name = `holdfast-redis-${randomUUID()}`;
  const command = [
    'redis-server',
    '--dir',
    '/data',
    '--save',
    '',
    '--enable-debug-command',
    'yes',
    '--repl-diskless-sync-delay',
    '0',
    ...settings,
  ];
  const mount =
    options.volume === true
      ? { volumes: [`${name}:/data`] }
      : { options: options.data === undefined ? ['-w', '/data'] : ['--tmpfs', options.data] };
  await tests.run({ name, command, ...mount });
  const cli = async (...words: readonly string[]): Promise<string> =>
    (await tests.docker(['exec', name, 'redis-cli', ...(options.login ?? []), ...words])).trim();
  const up = async (): Promise<void> => {
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await cli('PING').catch(() => '')) === 'PONG') return;
      await sleep(100);
    }
    throw new Error(`${name} did not start: ${await tests.docker(['logs', name])}`);
  };
  await up();
  return {
    name,
    cli,
    source: (password) =>
      createRedisSource({
        component: 'cache',
        at: { docker, address: { container: name } },
        clock: systemClock,
        environment: {},
        ...(password === undefined ? {} : { password }),
      }),
    contents: async () => `${await cli('DEBUG', 'DIGEST')} ${(await cli('INFO', 'keyspace')).replaceAll(/avg_ttl=\d+/g, '')}`,
    restart: async () => {
      await tests.docker(['start', name]);
      await up();
    },
    stop: async () => void (await tests.docker(['kill', name])),
  };
}

for (const [settings, volume] of [
  [[], true],
  [['--appendonly', 'yes'], true],
  [[], false],
  [['--appendonly', 'yes'], false],
] as const) {
  const withFile = settings.length > 0;
  test(`over redis-cli, and back into the stopped container (append-only file: ${withFile}, on a volume: ${volume})`, async () => {
    const redis = await start([...settings, '--requirepass', 'geheim'], { login: ['-a', 'geheim', '--no-auth-warning'], volume });
    await fillWithEverything(redis, 1000);
    const before = await redis.contents();
    for (const password of [undefined, 'wrong-secret']) {
      const error: unknown = await captureToFiles(redis.source(password)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'redis-login' });
      expect(JSON.stringify(error)).not.toContain('wrong-secret');
    }
    expect(await redis.source('geheim').describe()).toMatchObject({ facts: { keys: 1104, aof_enabled: withFile ? 1 : 0 } });
    const captured = await captureToFiles(redis.source('geheim'));
    await expect(redis.source().restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'redis-running' });
    await redis.cli('FLUSHALL');
    await redis.cli('SET', 'later', '1');
    await redis.cli('SAVE');
    for (const suffix of withFile ? ['', '-2'] : ['']) {
      await redis.stop();
      const context = collectingContext();
      const { facts } = await redis.source().restore(captured, {}, context);
      const aside = [
        ...(volume ? [`dump.rdb.before-restore${suffix}`] : []),
        ...(withFile
          ? [volume ? `appendonlydir.before-restore${suffix}` : `appendonlydir/appendonly.aof.manifest.before-restore${suffix}`]
          : []),
      ];
      for (const name of aside) expect(facts['setAside']).toContain(name);
      if (!volume) expect(context.collected).toContainEqual({ type: 'notice', message: expect.stringContaining('dump.rdb') as string });
      await redis.restart();
      expect(await redis.contents()).toBe(before);
      await redis.cli('SET', 'written since', '1');
    }
    await captured.remove();
  });
}

test('where redis-cli gives no snapshot, the file of a save is read, and a save that fails is a failure', async () => {
  const closed = ['--rename-command', 'PSYNC', '', '--rename-command', 'SYNC', ''];
  const redis = await start(closed);
  await fillWithEverything(redis, 500);
  const before = await redis.contents();
  const captured = await captureToFiles(redis.source());
  await redis.cli('FLUSHALL');
  await redis.stop();
  await redis.source().restore(captured, {}, collectingContext());
  await redis.restart();
  expect(await redis.contents()).toBe(before);

  const full = await start(closed, { data: '/data:size=64k' });
  await fillWithEverything(full, 20_000);
  await expect(captureToFiles(full.source())).rejects.toMatchObject({ code: 'redis-save-failed' });

  writeFileSync(join(captured.folder, 'redis/dump.rdb'), 'REDIS0010');
  await redis.stop();
  await expect(redis.source().restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'damaged' });
  await redis.restart();
  await (await captureToFiles(redis.source())).remove();
  await captured.remove();
});

test('a container that is stopped, or has no redis-cli', async () => {
  const name = `holdfast-plain-${randomUUID()}`;
  await tests.run({ name, options: ['--mount', 'type=tmpfs,destination=/usr/bin/none'] });
  const source = createRedisSource({
    component: 'cache',
    at: { docker, address: { container: name } },
    clock: systemClock,
    environment: {},
  });
  await expect(captureToFiles(source)).rejects.toMatchObject({ code: 'redis-unreachable' });
  await tests.docker(['kill', name]);
  await expect(captureToFiles(source)).rejects.toMatchObject({ code: 'docker-container-stopped' });
});
