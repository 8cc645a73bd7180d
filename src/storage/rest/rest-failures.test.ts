/** What goes wrong between here and a REST server, what is said of it, and what strict servers cannot keep. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SmallDisk } from '../../../test/harness/disks/small-disk.ts';
import { startTcpProxy } from '../../../test/harness/postgres/tcp-proxy.ts';
import { startOwnRestServer } from '../../../test/harness/stores/own-rest-server.ts';
import { startRcloneRest } from '../../../test/harness/stores/rclone.ts';
import type { HoldfastError } from '../../errors.ts';
import { parseStorageAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { createRestStorage } from './rest-storage.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-rest-failures-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

/** Starts our server; returns the address of a repository on it, and its folder. */
async function serve(
  options: Partial<Parameters<typeof startOwnRestServer>[0]> = {},
): Promise<{ readonly url: string; readonly port: number; readonly folder: string }> {
  const folder = options.folder ?? mkdtempSync(join(root, 'data-'));
  const { port, stop } = await startOwnRestServer({ ...options, folder });
  endings.push(stop);
  return { url: `rest:http${options.tls === undefined ? '' : 's'}://127.0.0.1:${port}/`, port, folder };
}

/** A server that answers as a test says. */
async function pretend(respond: RequestListener): Promise<string> {
  const server = createServer(respond).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endings.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `rest:http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function open(url: string, environment: StorageEnvironment = {}, silence = 60_000): Promise<Storage> {
  const address = parseStorageAddress(url);
  if (address.scheme !== 'rest') throw new Error(`${url} is no REST address`);
  const storage = await createRestStorage(address, { environment }, { limits: { connect: 10_000, silence } });
  endings.push(() => storage.close());
  return storage;
}

async function failureOf(call: Promise<unknown>): Promise<HoldfastError> {
  try {
    await call;
  } catch (error) {
    return error as HoldfastError;
  }
  throw new Error('it succeeded');
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call)).code;
}

async function keysOf(storage: Storage, prefix = ''): Promise<string[]> {
  const keys = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys.toSorted();
}

const content = new TextEncoder().encode('content');
const id = createHash('sha256').update(content).digest('hex');
const pack = `data/${id.slice(0, 2)}/${id}`;

describe("the files of restic's format", () => {
  test.each(['ours', 'rclone'])('%s: stored, listed, read, replaced, removed under their keys', async (kind) => {
    let url: string;
    if (kind === 'ours') ({ url } = await serve());
    else {
      const rclone = await startRcloneRest();
      endings.push(() => rclone.stop());
      url = `rest:http://127.0.0.1:${rclone.port}/`;
    }
    const storage = await open(`${url}some/where/`);
    await storage.create();
    expect(await keysOf(storage)).toEqual([]);
    for (const key of [pack, `index/${id}`, `locks/${id}`]) await storage.put(key, content);
    await storage.put('config', content, { ifAbsent: true });
    expect(await codeOf(storage.put('config', content, { ifAbsent: true }))).toBe('storage-exists');
    // Again, as after an answer that was lost.
    await storage.put(pack, content);
    expect(await keysOf(storage)).toEqual(['config', pack, `index/${id}`, `locks/${id}`]);
    expect(await keysOf(storage, `data/${id.slice(0, 2)}/`)).toEqual([pack]);
    expect(await keysOf(storage, 'data/zz/')).toEqual([]);
    expect(await storage.get(pack, { offset: 2, length: 3 })).toEqual(content.slice(2, 5));
    await storage.put('config', new TextEncoder().encode('another'));
    expect(new TextDecoder().decode(await storage.get('config'))).toBe('another');
    await storage.remove(pack);
    expect(await storage.stat(pack)).toBeUndefined();
  });

  test('a name that is no hash is nothing that such a server could have', async () => {
    const storage = await open((await serve()).url);
    await storage.create();
    expect(await codeOf(storage.put('data/ab/pack', content))).toBe('storage-refused');
    expect(await codeOf(storage.get('data/ab/pack'))).toBe('storage-missing');
    expect(await storage.stat('snapshots/x')).toBeUndefined();
  });

  test('a listing of the first version has its sizes asked for', async () => {
    const url = await pretend((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'Content-Length': 12 }).end();
      else if (request.url === '/data/')
        response.writeHead(200, { 'Content-Type': 'application/vnd.x.restic.rest.v1' }).end(JSON.stringify([id, '../evil', 'x']));
      else response.writeHead(404).end();
    });
    const found = [];
    for await (const info of (await open(url)).list('data/')) found.push(info);
    expect(found).toEqual([{ key: pack, size: 12 }]);
  });
});

describe('our own objects', () => {
  test('flat names on a server that takes any path, and no more than it can have', async () => {
    const rclone = await startRcloneRest();
    endings.push(() => rclone.stop());
    const storage = await open(`rest:http://127.0.0.1:${rclone.port}/app/`);
    await storage.create();
    await storage.put('holdfast/wal/7/1/0001', content);
    expect(await keysOf(storage, 'holdfast/wal/7/')).toEqual(['holdfast/wal/7/1/0001']);
    expect(readdirSync(join(rclone.data, 'app', 'holdfast'))).toEqual(['wal~7~1~0001']);
  });

  test('a server that keeps nothing but the format says so, and has none', async () => {
    const url = await pretend((request, response) => {
      request.resume();
      response.writeHead(request.url?.startsWith('/holdfast/') === true ? 405 : 404).end();
    });
    const storage = await open(url);
    expect(await keysOf(storage, 'holdfast/')).toEqual([]);
    expect(await storage.stat('holdfast/wal/x')).toBeUndefined();
    expect(await codeOf(storage.get('holdfast/wal/x'))).toBe('storage-missing');
    await storage.remove('holdfast/wal/x');
    const failure = await failureOf(storage.put('holdfast/wal/x', content));
    expect([failure.code, failure.hint]).toEqual(['storage-refused', expect.stringContaining('holdfast serve rest')]);
  });
});

describe('what the server says', () => {
  test('append-only: removals and replacements are refused, locks are not', async () => {
    const storage = await open((await serve({ appendOnly: true })).url);
    await storage.create();
    for (const key of [pack, `locks/${id}`, 'config', 'holdfast/x']) await storage.put(key, content);
    for (const key of [pack, 'config', 'holdfast/x']) {
      const { code, message } = await failureOf(storage.remove(key));
      expect([code, message], key).toEqual(['storage-refused', expect.stringContaining('append-only')]);
    }
    for (const key of ['config', 'holdfast/x']) expect(await codeOf(storage.put(key, new Uint8Array(3))), key).toBe('storage-refused');
    await storage.remove(`index/${id}`);
    await storage.remove(`locks/${id}`);
    expect(await keysOf(storage)).toEqual(['config', pack, 'holdfast/x']);
  });

  test('a user and password from the address, from the environment, wrong ones, none', async () => {
    const users = join(root, 'users');
    execFileSync('htpasswd', ['-cbB', users, 'anna', 'secret-a'], { stdio: 'ignore' });
    const { port } = await serve({ users });
    await (await open(`rest:http://anna:secret-a@127.0.0.1:${port}/`)).create();
    const file = join(root, 'rest-password');
    writeFileSync(file, 'secret-a\n');
    const storage = await open(`rest:http://127.0.0.1:${port}/`, { RESTIC_REST_USERNAME: 'anna', RESTIC_REST_PASSWORD_FILE: file });
    await storage.create();
    expect(storage.location).toBe(`rest:http://127.0.0.1:${port}/`);
    for (const url of [`rest:http://anna:secret-b@127.0.0.1:${port}/`, `rest:http://127.0.0.1:${port}/`]) {
      const failure = await failureOf((await open(url)).stat('config'));
      expect(failure.code).toBe('storage-setup');
      expect(`${failure.message}${failure.hint}${String(failure.cause)}`).not.toContain('secret');
      expect(await codeOf((await open(url)).put(pack, randomBytes(3_000_000)))).toBe('storage-setup');
    }
  });

  test.each([
    [500, 'storage-failed'],
    [503, 'storage-failed'],
    [429, 'storage-failed'],
    [507, 'storage-full'],
    [403, 'storage-denied'],
    [401, 'storage-setup'],
    [302, 'storage-setup'],
    [400, 'storage-refused'],
    [413, 'storage-refused'],
    [501, 'storage-refused'],
  ])('%i is %s', async (status, code) => {
    const url = await pretend((request, response) => {
      request.resume();
      response.writeHead(request.method === 'HEAD' ? 404 : status).end('<html>\x1b[31msomething\n</html>');
    });
    const storage = await open(url);
    expect(await codeOf(storage.put('config', content))).toBe(code);
    expect(await codeOf(storage.get('config'))).toBe(code);
    expect(await codeOf(storage.create())).toBe(code);
    expect(await codeOf(keysOf(storage, 'data/'))).toBe(code);
  });

  test('answers that are none', async () => {
    const bodies = ['', 'nonsense', '{"name":"x"}', '[{"name":5,"size":1}]', `[{"name":"${id}","size":-1}]`, '[[]]'];
    for (const body of bodies) {
      const storage = await open(await pretend((_, response) => response.end(body)));
      expect(await codeOf(keysOf(storage, 'data/')), body).toBe('storage-failed');
    }
    const endless = await open(await pretend((_, response) => response.writeHead(200, { 'Content-Length': 2 ** 40 }).write('x')));
    expect(await codeOf(endless.get('config'))).toBe('storage-failed');
    const short = await open(
      await pretend((_, response) => response.writeHead(200, { 'Content-Length': 100 }).write('x', () => response.destroy())),
    );
    expect(await codeOf(short.get('config'))).toBe('storage-failed');
    const wrongPart = await open(await pretend((_, response) => response.writeHead(206, { 'Content-Length': 3 }).end('abc')));
    expect(await codeOf(wrongPart.get('config', { offset: 0, length: 5 }))).toBe('storage-short');
    const whole = await open(await pretend((_, response) => response.writeHead(200, { 'Content-Length': 7 }).end('content')));
    expect(await whole.get('config', { offset: 2, length: 3 })).toEqual(content.slice(2, 5));
  });
});

describe('the way there', () => {
  test('nothing listens; a server that is silent; a signal', async () => {
    expect(await codeOf((await open('rest:http://127.0.0.1:1/')).stat('config'))).toBe('storage-failed');
    const silent = await pretend(() => {});
    expect(await failureOf((await open(silent, {}, 500)).get('config'))).toMatchObject({ code: 'storage-failed' });
    const stop = new AbortController();
    const call = failureOf((await open(silent)).put(pack, content, { signal: stop.signal }));
    stop.abort();
    expect((await call).code).toBe('interrupted');
  });

  test('connections that break, with the retry wrapper', async () => {
    const { port, folder } = await serve();
    const proxy = await startTcpProxy(port);
    endings.push(() => proxy.stop());
    const failures: HoldfastError[] = [];
    const storage = createRetryStorage(await open(`rest:http://127.0.0.1:${proxy.port}/`), {
      firstDelay: 20,
      onRetry: (failure) => failures.push(failure),
    });
    await storage.create();
    const data = new Uint8Array(randomBytes(5_000_000));
    const name = createHash('sha256').update(data).digest('hex');
    const writing = storage.put(`data/${name.slice(0, 2)}/${name}`, data);
    proxy.resetAll();
    await writing;
    proxy.cutAfter(1_000_000, 'reset');
    const reading = storage.get(`data/${name.slice(0, 2)}/${name}`);
    await expect.poll(() => failures.length, { timeout: 30_000 }).toBeGreaterThan(0);
    proxy.cutAfter(Number.POSITIVE_INFINITY, 'reset');
    expect(Buffer.compare(await reading, data)).toBe(0);
    expect(readFileSync(join(folder, 'data', name.slice(0, 2), name)).equals(data)).toBe(true);
    expect(readdirSync(join(folder, '.holdfast-staging'))).toEqual([]);
  });

  test('a full disk of the server', async () => {
    using disk = new SmallDisk(join(root, 'small'), 4);
    const { url } = await serve({ folder: disk.folder });
    const storage = await open(url);
    await storage.create();
    const data = randomBytes(6 * 1024 * 1024);
    const name = createHash('sha256').update(data).digest('hex');
    expect(await codeOf(storage.put(`data/${name.slice(0, 2)}/${name}`, data))).toBe('storage-full');
    await storage.put('config', content);
    for (const end of endings.splice(0).toReversed()) await end();
  });

  test('TLS: an authority of our own, a client that must show its certificate', async () => {
    const at = (name: string): string => join(root, name);
    const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      at('key.pem'),
      '-out',
      at('cert.pem'),
    );
    const tls = { certificate: readFileSync(at('cert.pem')), key: readFileSync(at('key.pem')) };
    const { url } = await serve({ tls });
    const strange = await failureOf((await open(url)).create());
    expect([strange.code, strange.hint]).toEqual(['storage-setup', expect.stringContaining('RESTIC_CACERT')]);
    const storage = await open(url, { RESTIC_CACERT: at('cert.pem') });
    await storage.create();
    await storage.put(pack, content);
    expect(await storage.get(pack)).toEqual(content);

    const demanding = createTlsServer(
      { cert: tls.certificate, key: tls.key, ca: tls.certificate, requestCert: true, rejectUnauthorized: true },
      (_, response) => response.writeHead(200, { 'Content-Length': 7 }).end(),
    );
    demanding.listen(0, '127.0.0.1');
    await new Promise((resolve) => demanding.once('listening', resolve));
    endings.push(() => {
      demanding.closeAllConnections();
      return new Promise((resolve) => demanding.close(resolve));
    });
    const address = `rest:https://127.0.0.1:${(demanding.address() as AddressInfo).port}/`;
    writeFileSync(at('both.pem'), Buffer.concat([tls.certificate, tls.key]));
    const known = await open(address, { RESTIC_CACERT: at('cert.pem'), RESTIC_TLS_CLIENT_CERT: at('both.pem') });
    expect(await known.stat('config')).toEqual({ key: 'config', size: 7 });
    const unknown = await open(address, { RESTIC_CACERT: at('cert.pem') });
    expect(['storage-failed', 'storage-setup']).toContain(await codeOf(unknown.stat('config')));
  });
});
