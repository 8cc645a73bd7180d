/** Against a real redis-server: what is saved comes back key for key, and what is not whole is refused. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Server, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { systemClock } from '../../util/clock.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import { createRedisSource } from './redis-source.ts';
import { freePort } from '../../../test/harness/programs/free-port.ts';
import { type ThrowAwayRedis, fillWithEverything, startThrowAwayRedis } from './testing/throw-away-redis.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(...settings: string[]): Promise<ThrowAwayRedis> {
  const redis = await startThrowAwayRedis({ settings });
  cleanups.push(() => redis.remove());
  return redis;
}

function sourceAt(url: string, password?: string) {
  return createRedisSource({
    component: 'cache',
    at: { url },
    clock: systemClock,
    environment: {},
    ...(password === undefined ? {} : { password }),
  });
}

async function capture(url: string, password?: string) {
  const captured = await captureToFiles(sourceAt(url, password));
  cleanups.push(() => captured.remove());
  return captured;
}

async function urlOf(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

/** Everything a client can see: contents of all databases, and functions. */
async function contentsOf(redis: Pick<ThrowAwayRedis, 'cli'>): Promise<string> {
  return [await redis.cli('DEBUG', 'DIGEST'), await redis.cli('INFO', 'keyspace'), await redis.cli('FUNCTION', 'LIST')]
    .join('\n')
    .replaceAll(/avg_ttl=\d+/g, '');
}

for (const [diskless, keys] of [
  ['yes', 100_000],
  ['no', 5000],
] as const) {
  test(`${keys} keys of every type come back (diskless replication: ${diskless})`, async () => {
    const redis = await start('--repl-diskless-sync', diskless);
    await fillWithEverything(redis, keys);
    const before = await contentsOf(redis);
    const captured = await capture(redis.url);
    expect(captured.events.filter(({ type }) => type === 'problem' || type === 'notice')).toEqual([]);
    expect(await sourceAt(redis.url).describe()).toMatchObject({
      title: `Redis on 127.0.0.1:${redis.port}`,
      facts: {
        server: expect.stringMatching(/^redis \d/) as string,
        keys: keys + 104,
        keys_db3: 100,
        role: 'master',
        aof_enabled: 0,
        maxmemory: 0,
      },
    });
    await redis.cli('FLUSHALL');
    await redis.kill();
    const context = collectingContext();
    const outcome = await sourceAt(redis.url).restore(captured, {}, context);
    expect(outcome.facts).toMatchObject({ keys: keys + 104, appendOnly: 0, place: redis.folder });
    await redis.start();
    expect(await contentsOf(redis)).toBe(before);
  });
}

for (const preamble of ['yes', 'no']) {
  test(`with an append-only file, the restored data wins over it (snapshot inside: ${preamble})`, async () => {
    const redis = await start('--appendonly', 'yes', '--aof-use-rdb-preamble', preamble);
    await fillWithEverything(redis, 2000);
    const before = await contentsOf(redis);
    const captured = await capture(redis.url);
    await redis.cli('FLUSHALL');
    await redis.cli('SET', 'later', '1');
    await redis.kill();
    const context = collectingContext();
    const outcome = await sourceAt(redis.url).restore(captured, {}, context);
    expect(outcome.facts).toMatchObject({ appendOnly: 1, setAside: expect.stringContaining('appendonlydir.before-restore') as string });
    expect(context.collected).toContainEqual({
      type: 'notice',
      message: expect.stringContaining('appendonlydir.before-restore') as string,
    });
    await redis.start();
    expect(await contentsOf(redis)).toBe(before);
    /* And it goes on from there. */
    await redis.cli('SET', 'afterwards', 'kept');
    await redis.kill();
    await redis.start();
    expect(await redis.cli('GET', 'afterwards')).toBe('kept');
    expect(readdirSync(redis.folder).filter((name) => name.startsWith('.holdfast'))).toEqual([]);
  });
}

test('an append-only file of one part, as before Redis 7, is replaced by one that begins with the snapshot', async () => {
  const redis = await start('--appendonly', 'no');
  await fillWithEverything(redis, 500);
  const before = await contentsOf(redis);
  const captured = await capture(redis.url);
  await redis.kill();
  writeFileSync(join(redis.folder, 'appendonly.aof'), '*3\r\n$3\r\nSET\r\n$3\r\nold\r\n$1\r\n1\r\n');
  await sourceAt(redis.url).restore(captured, {}, collectingContext());
  const again = await startThrowAwayRedis({ folder: redis.folder, settings: ['--appendonly', 'yes'] });
  cleanups.push(() => again.remove());
  expect(await contentsOf(again)).toBe(before);
});

test('an older dump is kept aside, each time under another name', async () => {
  const redis = await start();
  await redis.cli('SET', 'a', '1');
  const captured = await capture(redis.url);
  await redis.kill();
  for (const name of ['dump.rdb', 'dump.rdb.before-restore']) writeFileSync(join(redis.folder, name), name);
  const outcome = await sourceAt(redis.url).restore(captured, {}, collectingContext());
  expect(outcome.facts['setAside']).toBe('dump.rdb.before-restore-2');
  expect(readFileSync(join(redis.folder, 'dump.rdb.before-restore-2'), 'utf8')).toBe('dump.rdb');
});

test('a running server is not restored into', async () => {
  const redis = await start();
  const captured = await capture(redis.url);
  await expect(sourceAt(redis.url).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'redis-running' });
  const other = await start();
  await expect(sourceAt(redis.url).restore(captured, { into: { folder: other.folder } }, collectingContext())).rejects.toMatchObject({
    code: 'redis-running',
  });
});

test('a changed snapshot is not restored, and what lay there stays', async () => {
  const redis = await start();
  await redis.cli('SET', 'a', '1');
  const captured = await capture(redis.url);
  await redis.kill();
  writeFileSync(join(redis.folder, 'dump.rdb'), 'as it was');
  const path = join(captured.folder, 'redis/dump.rdb');
  const good = readFileSync(path);
  for (const bad of [good.subarray(0, -1), Buffer.from(good).fill('Z', 20, 21), Buffer.alloc(0)]) {
    writeFileSync(path, bad);
    await expect(sourceAt(redis.url).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'damaged' });
    expect(readdirSync(redis.folder)).toEqual(['dump.rdb']);
    expect(readFileSync(join(redis.folder, 'dump.rdb'), 'utf8')).toBe('as it was');
  }
});

test('names of a captured server cannot lead out of its folder', async () => {
  const redis = await start();
  const captured = await capture(redis.url);
  await redis.kill();
  const path = join(captured.folder, 'redis/redis.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"dbFileName": "dump.rdb"', '"dbFileName": "../evil"'));
  await expect(sourceAt(redis.url).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'hostile' });
});

test('passwords: the default user, a user of the access list, and wrong ones, which are never shown', async () => {
  const redis = await startThrowAwayRedis({ settings: ['--requirepass', 'pa:ss@word'], login: ['-a', 'pa:ss@word', '--no-auth-warning'] });
  cleanups.push(() => redis.remove());
  await redis.cli('SET', 'a', '1');
  await redis.cli('ACL', 'SETUSER', 'saver', 'on', '>sec ret', '+psync', '+replconf', '+info', '+ping');
  await redis.cli('ACL', 'SETUSER', 'reader', 'on', '>reader', '+@read', '+info');
  const at = redis.url;
  await capture(at, 'pa:ss@word');
  await capture(at.replace('//', '//:pa%3Ass%40word@'));
  await capture(at.replace('//', '//saver:sec%20ret@'));
  for (const url of [at, at.replace('//', '//:wrong-secret@'), at.replace('//', '//nobody:wrong-secret@')]) {
    const error: unknown = await capture(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'redis-login' });
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong-secret');
  }
  await expect(capture(at.replace('//', '//reader:reader@'))).rejects.toMatchObject({ code: 'redis-permission' });
});

test('a server that hands out no data, nothing there, and no Redis at all', async () => {
  const managed = await start('--rename-command', 'PSYNC', '', '--rename-command', 'SYNC', '', '--rename-command', 'CONFIG', '');
  await expect(capture(managed.url)).rejects.toMatchObject({ code: 'redis-refused' });
  await expect(capture(`redis://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({ code: 'redis-unreachable' });
  const web = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
  cleanups.push(() => web.close());
  await expect(capture(await urlOf(web))).rejects.toMatchObject({
    code: 'redis-unreachable',
  });
  expect(() => sourceAt('http://:geheim@x')).toThrow(
    expect.objectContaining({ code: 'redis-url', message: expect.not.stringContaining('geheim') as string }) as Error,
  );
});

test('a server whose disk is full cannot save to it: the run fails and says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-full-'));
  const mounted = await runSubprocess({
    file: 'mount',
    args: ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  if (mounted.status !== 0) return expect(process.getuid?.()).not.toBe(0);
  cleanups.push(() => runSubprocess({ file: 'umount', args: ['-l', folder], env: { PATH: process.env['PATH'] ?? '' } }));
  const redis = await startThrowAwayRedis({ folder, settings: ['--repl-diskless-sync', 'no'] });
  cleanups.push(() => redis.kill());
  await fillWithEverything(redis, 20_000);
  await expect(capture(redis.url)).rejects.toMatchObject({ code: 'redis-save-failed' });
  /* Without a file on its disk it can, and a restore into that full disk says what is the matter. */
  await redis.cli('CONFIG', 'SET', 'repl-diskless-sync', 'yes', 'repl-diskless-sync-delay', '0');
  const captured = await capture(redis.url);
  await redis.kill();
  await expect(sourceAt(redis.url).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'target-full' });
  return expect(readdirSync(folder)).toEqual([]);
});

for (const diskless of ['yes', 'no']) {
  test(`a connection that breaks in mid-stream is no backup (diskless: ${diskless})`, async () => {
    const redis = await start('--repl-diskless-sync', diskless);
    await redis.cli('DEBUG', 'POPULATE', '50000', 'key', '200');
    const proxy = createServer((client) => {
      const server = connect(redis.port, '127.0.0.1');
      let passed = 0;
      client.pipe(server);
      server.on('data', (chunk) => {
        client.write(chunk);
        passed += chunk.length;
        if (passed > 1_000_000) client.destroy();
      });
      for (const socket of [client, server]) socket.on('error', () => {}).on('close', () => (client.destroy(), server.destroy()));
    }).listen(0, '127.0.0.1');
    cleanups.push(() => proxy.close());
    await expect(capture(await urlOf(proxy))).rejects.toMatchObject({ code: 'redis-cut' });
  });
}

test('a server that is killed while it sends is no backup, and an interruption is one', async () => {
  const redis = await start('--rdb-key-save-delay', '100');
  await redis.cli('DEBUG', 'POPULATE', '200000', 'key', '100');
  const interruption = new AbortController();
  const interrupted = captureToFiles(sourceAt(redis.url), interruption.signal);
  setTimeout(() => interruption.abort(), 500);
  await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
  const killed = capture(redis.url);
  setTimeout(() => void redis.kill(), 1000);
  await expect(killed).rejects.toMatchObject({ code: expect.stringMatching(/^redis-(cut|save-failed)$/) as string });
});

test('over TLS and over a Unix socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  mkdirSync(folder, { recursive: true });
  const [key, cert, socket] = [join(folder, 'key.pem'), join(folder, 'cert.pem'), join(folder, 'redis.sock')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = await runSubprocess({
    file: 'openssl',
    args: ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect(made.status).toBe(0);
  const port = await freePort();
  const tls = [
    '--tls-port',
    String(port),
    '--tls-cert-file',
    cert,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    cert,
    '--tls-auth-clients',
    'no',
  ];
  const redis = await start(...tls, '--unixsocket', socket);
  await fillWithEverything(redis, 3000);
  const size = readFileSync(join((await capture(`rediss://localhost:${port}?cacert=${cert}`)).folder, 'redis/dump.rdb')).length;
  expect(size).toBeGreaterThan(100_000);
  await capture(`unix://${socket}`);
  await expect(capture(`rediss://localhost:${port}`)).rejects.toMatchObject({ code: 'redis-unreachable' });
});
