/** The server as anybody may talk to it: over a plain socket, with requests of no client of ours. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { HoldfastEvent } from '../../events.ts';
import { createRestServer, type RestServer, type RestServerOptions } from './rest-server.ts';
import { parseTarget } from './rest-target.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-rest-server-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const running: RestServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

interface Started {
  readonly port: number;
  readonly folder: string;
  readonly events: HoldfastEvent[];
}

async function start(options: Partial<RestServerOptions> = {}): Promise<Started> {
  const folder = options.folder ?? mkdtempSync(join(root, 'data-'));
  const events: HoldfastEvent[] = [];
  const server = createRestServer({ events: (event) => events.push(event), ...options, folder });
  running.push(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, folder, events };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly auth?: string;
}

/** The path goes out exactly as it is given. */
function ask(port: number, path: string, { method = 'GET', headers = {}, body, auth }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', path, method, headers, agent: false, ...(auth === undefined ? {} : { auth }) },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function statusOf(port: number, path: string, options?: Ask): Promise<number> {
  return (await ask(port, path, options)).status;
}

/** Sends bytes as they are, and no more, and waits until the server ends the connection. */
function speak(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.end(bytes));
    let heard = '';
    socket.setTimeout(20_000, () => reject(new Error(`the server did not end the connection, and said: ${heard.slice(0, 200)}`)));
    socket.on('data', (piece: Buffer) => (heard += piece.toString('latin1')));
    socket.on('error', () => resolve(heard));
    socket.on('close', () => resolve(heard));
  });
}

const content = Buffer.from('the content of a pack');
const name = createHash('sha256').update(content).digest('hex');
const json = (body: Buffer): unknown => JSON.parse(body.toString());

/** Every file below a folder, staging left out where it is empty. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

async function startWithRepository(options: Partial<RestServerOptions> = {}): Promise<Started> {
  const started = await start(options);
  expect(await statusOf(started.port, '/repo/?create=true', { method: 'POST' })).toBe(200);
  return started;
}

describe("restic's protocol", () => {
  test('stores, shows, lists in both versions, and removes', async () => {
    const { port, folder } = await startWithRepository();
    expect(await statusOf(port, '/repo/?create=true', { method: 'POST' })).toBe(200);
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'HEAD' })).toBe(404);
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'POST', body: content })).toBe(200);
    expect(readFileSync(join(folder, 'repo', 'data', name.slice(0, 2), name))).toEqual(content);
    const head = await ask(port, `/repo/data/${name}`, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(content.length), 0]);
    expect((await ask(port, `/repo/data/${name}`)).body).toEqual(content);
    const v2 = await ask(port, '/repo/data/', { headers: { Accept: 'application/vnd.x.restic.rest.v2' } });
    expect([v2.headers['content-type'], json(v2.body)]).toEqual(['application/vnd.x.restic.rest.v2', [{ name, size: content.length }]]);
    const v1 = await ask(port, '/repo/data/');
    expect([v1.headers['content-type'], json(v1.body)]).toEqual(['application/vnd.x.restic.rest.v1', [name]]);
    expect(json((await ask(port, '/repo/snapshots/')).body)).toEqual([]);
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'DELETE' })).toBe(200);
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'DELETE' })).toBe(404);
    expect(filesBelow(folder)).toEqual([]);
  });

  test('answers ranges exactly', async () => {
    const { port } = await startWithRepository();
    await ask(port, `/repo/data/${name}`, { method: 'POST', body: content });
    const range = (text: string): Promise<Answer> => ask(port, `/repo/data/${name}`, { headers: { Range: text } });
    const size = content.length;
    for (const [text, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=4-10', 4, 11],
      [`bytes=${size - 1}-`, size - 1, size],
      ['bytes=-3', size - 3, size],
      ['bytes=5-99999', 5, size],
      ['bytes=-99999', 0, size],
    ] as const) {
      const { status, headers, body } = await range(text);
      expect([status, body.toString()], text).toEqual([206, content.subarray(from, to).toString()]);
      expect(headers['content-range']).toBe(`bytes ${from}-${to - 1}/${size}`);
    }
    for (const text of [`bytes=${size}-`, 'bytes=999999999999999-', 'bytes=-0']) expect((await range(text)).status, text).toBe(416);
    for (const text of ['bytes=5-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=', 'bytes=a-b', 'bytes=99999999999999999999-']) {
      const { status, body } = await range(text);
      expect([status, body.equals(content)], text).toEqual([200, true]);
    }
  });

  test('config is stored once, files named by their content again', async () => {
    const { port } = await startWithRepository();
    expect(await statusOf(port, '/repo/config', { method: 'POST', body: 'first' })).toBe(200);
    expect(await statusOf(port, '/repo/config', { method: 'POST', body: 'second' })).toBe(403);
    expect((await ask(port, '/repo/config')).body.toString()).toBe('first');
    for (const round of [1, 2])
      expect(await statusOf(port, `/repo/keys/${name}`, { method: 'POST', body: content }), `round ${round}`).toBe(200);
    expect(await statusOf(port, `/repo/keys/${name}`, { method: 'POST', body: content, headers: { 'If-None-Match': '*' } })).toBe(412);
  });

  test('our own objects have folders, are replaced, and are listed by their whole names', async () => {
    const { port } = await startWithRepository();
    for (const body of ['1', '22']) expect(await statusOf(port, '/repo/holdfast/wal/7/0001', { method: 'POST', body })).toBe(200);
    expect(await statusOf(port, '/repo/holdfast/wal/7/0001', { method: 'POST', body: '3', headers: { 'If-None-Match': '*' } })).toBe(412);
    expect(json((await ask(port, '/repo/holdfast/')).body)).toEqual([{ name: 'wal/7/0001', size: 2 }]);
    expect(json((await ask(port, '/repo/holdfast/wal/8/')).body)).toEqual([]);
    expect(await statusOf(port, '/repo/holdfast/wal/7/0001', { method: 'DELETE' })).toBe(200);
  });

  test('append-only: new ones alone, and locks', async () => {
    const { port, folder } = await startWithRepository({ appendOnly: true });
    for (const path of [`/repo/data/${name}`, `/repo/locks/${name}`, '/repo/config', '/repo/holdfast/x'])
      expect(await statusOf(port, path, { method: 'POST', body: content }), path).toBe(200);
    for (const path of [`/repo/data/${name}`, '/repo/config', '/repo/holdfast/x'])
      expect(await statusOf(port, path, { method: 'DELETE' }), path).toBe(403);
    expect(await statusOf(port, '/repo/holdfast/x', { method: 'POST', body: 'other' })).toBe(403);
    expect(await statusOf(port, '/repo/config', { method: 'POST', body: 'other' })).toBe(403);
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'POST', body: 'other' })).toBe(400);
    expect(await statusOf(port, `/repo/locks/${name}`, { method: 'DELETE' })).toBe(200);
    expect(await statusOf(port, '/repo/', { method: 'DELETE' })).toBe(501);
    expect(filesBelow(folder)).toEqual(['repo/config', `repo/data/${name.slice(0, 2)}/${name}`, 'repo/holdfast/x']);
    expect(readFileSync(join(folder, 'repo/holdfast/x'))).toEqual(content);
  });
});

describe('what is not whole or not what it says is never kept', () => {
  test('a content that its name does not fit', async () => {
    const { port, folder } = await startWithRepository();
    expect(await statusOf(port, `/repo/data/${name}`, { method: 'POST', body: 'forged' })).toBe(400);
    expect(filesBelow(folder)).toEqual([]);
  });

  test('a body that breaks off', async () => {
    const { port, folder } = await startWithRepository();
    const body = 'POST /repo/config HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this';
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(body, () => setTimeout(() => socket.destroy(), 100)));
      socket.on('close', () => resolve());
    });
    await expect.poll(() => filesBelow(folder), { timeout: 20_000 }).toEqual([]);
    expect(await statusOf(port, '/repo/config', { method: 'HEAD' })).toBe(404);
  });

  test('more than may lie there', async () => {
    const { port, folder } = await startWithRepository({ maxBytes: 100_000 });
    const objects = Array.from({ length: 3 }, () => randomBytes(40_000));
    const statuses = [];
    for (const body of objects)
      statuses.push(await statusOf(port, `/repo/data/${createHash('sha256').update(body).digest('hex')}`, { method: 'POST', body }));
    expect(statuses).toEqual([200, 200, 507]);
    expect(filesBelow(folder)).toHaveLength(2);
    const [first = randomBytes(0)] = objects;
    const path = `/repo/data/${createHash('sha256').update(first).digest('hex')}`;
    expect(await statusOf(port, path, { method: 'POST', body: first })).toBe(507);
    expect(await statusOf(port, path, { method: 'DELETE' })).toBe(200);
    expect(await statusOf(port, path, { method: 'POST', body: first })).toBe(200);
  });

  test('an object of more than 1 GiB is refused before it comes', async () => {
    const { port } = await startWithRepository();
    const heard = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('POST /repo/config HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n'),
      );
      socket.once('data', (piece: Buffer) => {
        resolve(piece.toString());
        socket.destroy();
      });
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('who may use it', () => {
  const htpasswd = join(root, 'htpasswd');
  execFileSync('htpasswd', ['-cbB', htpasswd, 'anna', 'secret-a'], { stdio: 'ignore' });
  execFileSync('htpasswd', ['-bB', '-C', '10', htpasswd, 'bert', 'secret:b ü'], { stdio: 'ignore' });
  execFileSync('htpasswd', ['-bs', htpasswd, 'old', 'secret-o'], { stdio: 'ignore' });

  test('those in the file, by their passwords', async () => {
    const { port } = await start({ users: htpasswd });
    for (const auth of ['anna:secret-a', 'bert:secret:b ü', 'old:secret-o', 'anna:secret-a'])
      expect(await statusOf(port, '/?create=true', { method: 'POST', auth }), auth).toBe(200);
    for (const auth of ['anna:secret-b', 'anna:', 'nobody:secret-a', ':', 'old:secret-a', 'anna:secret-a\0'])
      expect(await statusOf(port, '/config', { auth }), auth).toBe(401);
    const none = await ask(port, '/config');
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Basic realm="holdfast"']);
    for (const value of ['Bearer x', 'Basic', 'Basic !!!', `Basic ${'A'.repeat(9000)}`])
      expect(await statusOf(port, '/config', { headers: { Authorization: value } }), value).toBe(401);
  });

  test('a changed file counts at once, a broken one does not', async () => {
    const file = join(root, 'changing');
    execFileSync('htpasswd', ['-cbB', file, 'anna', 'one'], { stdio: 'ignore' });
    const { port } = await start({ users: file });
    expect(await statusOf(port, '/?create=true', { method: 'POST', auth: 'anna:one' })).toBe(200);
    execFileSync('htpasswd', ['-cbB', '-C', '6', file, 'berta', 'two'], { stdio: 'ignore' });
    expect(await statusOf(port, '/data/', { auth: 'anna:one' })).toBe(401);
    expect(await statusOf(port, '/data/', { auth: 'berta:two' })).toBe(200);
    writeFileSync(file, 'nonsense');
    expect(await statusOf(port, '/data/', { auth: 'berta:two' })).toBe(200);
  });

  test('each has repositories below a folder of their own', async () => {
    const { port, folder } = await start({ users: htpasswd, privateRepos: true });
    expect(await statusOf(port, '/anna/app/?create=true', { method: 'POST', auth: 'anna:secret-a' })).toBe(200);
    expect(await statusOf(port, '/anna/?create=true', { method: 'POST', auth: 'anna:secret-a' })).toBe(200);
    for (const path of ['/bert/?create=true', '/?create=true', '/anna2/?create=true', '/%61nna2/?create=true'])
      expect(await statusOf(port, path, { method: 'POST', auth: 'anna:secret-a' }), path).toBe(403);
    expect(await statusOf(port, '/anna/../bert/config', { auth: 'anna:secret-a' })).toBe(404);
    expect(await statusOf(port, '/anna/app/config', { auth: 'old:secret-o' })).toBe(403);
    expect(existsSync(join(folder, 'bert'))).toBe(false);
  });

  test('nobody but this machine where there are no users, unless that is said', async () => {
    const folder = mkdtempSync(join(root, 'open-'));
    const open = createRestServer({ folder, events: () => {} });
    await expect(open.listen({ host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'server-setup' });
    const said = createRestServer({ folder, noAuth: true, events: () => {} });
    await said.listen({ host: '0.0.0.0', port: 0 });
    await said.close();
    expect(() => createRestServer({ folder, privateRepos: true, events: () => {} })).toThrow(
      expect.objectContaining({ code: 'server-setup' }),
    );
    const weak = join(root, 'weak');
    execFileSync('htpasswd', ['-cbm', weak, 'anna', 'md5'], { stdio: 'ignore' });
    expect(() => createRestServer({ folder, users: weak, events: () => {} })).toThrow(/neither with bcrypt nor with SHA/);
  });
});

describe('hostile requests', () => {
  test('no path leads out of the folder', async () => {
    const { port, folder, events } = await startWithRepository();
    writeFileSync(join(folder, 'secret'), 'secret');
    writeFileSync(join(root, 'outside'), 'secret');
    const paths = [
      '/../outside',
      '/repo/../secret',
      '/repo/data/../../secret',
      '/%2e%2e/outside',
      '/repo/%2e%2e/secret',
      '/repo/data/..%2f..%2fsecret',
      '/repo//../secret',
      '//etc/passwd',
      '/repo/holdfast/../../secret',
      '/repo/holdfast/%2e%2e/%2e%2e/secret',
      '/repo/holdfast/..%2fconfig',
      '/repo/holdfast/a%00b',
      '/repo/.holdfast-staging/x',
      '/.htpasswd',
      '/secret',
      '/repo/data/%zz',
      '/repo/data/',
      '*',
      'http://other/secret',
      '/repo\\..\\secret',
      `/${'a/'.repeat(400)}config`,
      `/repo/holdfast/${'a'.repeat(300)}`,
      `/${'x'.repeat(3000)}`,
      '/repo/config/',
      '/repo/config/x',
      '/repo/data/abc',
      `/repo/data/${name.toUpperCase()}`,
      `/repo/data/${name}/x`,
      '/repo/holdfast/.hidden',
      '/repo/?create=true&x',
      '/repo/con%66ig%2f',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE', 'HEAD']) {
        const { status, body } = await ask(port, path, { method, ...(method === 'POST' ? { body: 'evil' } : {}) });
        expect(body.toString(), `${method} ${path}`).not.toContain('secret');
        if (path !== '/repo/data/') expect([400, 404, 405, 501], `${method} ${path}: ${status}`).toContain(status);
      }
    }
    expect([readFileSync(join(folder, 'secret'), 'utf8'), readFileSync(join(root, 'outside'), 'utf8')]).toEqual(['secret', 'secret']);
    expect(filesBelow(folder)).toEqual(['secret']);
    expect(events).toEqual([]);
  });

  test('any text as a path means nothing or stays within', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webPath(),
          fc
            .array(fc.constantFrom('..', '.', '%2e', '/', 'data', 'config', 'holdfast', name, '%2f', '\\', '\0', '?', 'create=true'))
            .map((parts) => `/${parts.join('/')}`),
        ),
        (text) => {
          const target = parseTarget(text);
          if (target === undefined) return;
          const parts = [
            ...target.repository,
            ...('key' in target ? target.key.split('/') : 'prefix' in target ? target.prefix.split('/').slice(0, -1) : []),
          ];
          for (const part of parts) expect(part).toMatch(/^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*$/);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('nonsense instead of HTTP is ended, and the server goes on', async () => {
    const { port, events } = await startWithRepository();
    const head = 'GET /repo/config HTTP/1.1\r\nHost: x\r\n';
    const attempts = [
      randomBytes(5000),
      '\r\n'.repeat(1000),
      'GET\r\n\r\n',
      `${head}X: ${'y'.repeat(100_000)}\r\n\r\n`,
      `${head}${'A: b\r\n'.repeat(20_000)}\r\n`,
      'POST /repo/config HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      'POST /repo/config HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST /repo/config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'POST /repo/config HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ];
    for (const bytes of attempts) expect(await speak(port, bytes), String(bytes).slice(0, 60)).not.toMatch(/^HTTP\/1\.1 2/);
    expect(await statusOf(port, '/repo/config')).toBe(404);
    expect(events).toEqual([]);
  });

  test('methods of others', async () => {
    const { port } = await startWithRepository();
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE', 'MKCOL'])
      for (const path of ['/repo/config', '/repo/data/', '/repo/'])
        expect(await statusOf(port, path, { method }), `${method} ${path}`).toBe(405);
  });

  test('a repository that was not created takes nothing', async () => {
    const { port, folder } = await start();
    expect(await statusOf(port, '/none/config', { method: 'POST', body: 'x' })).toBe(404);
    expect(await statusOf(port, '/none/data/')).toBe(404);
    expect(filesBelow(folder)).toEqual([]);
  });
});

test('it ends when it is told to, with what is under way', async () => {
  const folder = mkdtempSync(join(root, 'ending-'));
  const server = createRestServer({ folder, events: () => {} });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  await ask(port, '/?create=true', { method: 'POST' });
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) =>
    socket.write('POST /config HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc', () => resolve()),
  );
  await expect.poll(() => filesBelow(folder), { timeout: 20_000 }).toHaveLength(1);
  const ended = server.close();
  socket.write('def');
  await ended;
  expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('abcdef');
  await expect(ask(port, '/config')).rejects.toThrow('ECONNREFUSED');
  socket.destroy();
});
