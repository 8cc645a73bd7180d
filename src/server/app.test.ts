import { request } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { HoldfastError } from '../errors.ts';
import type { DaemonView } from '../operations/jobs/daemon-view.ts';
import type { Clock } from '../util/clock.ts';
import { createApp } from './app.ts';
import { Authority, type Token } from './auth.ts';
import { listen, type Listening } from './listen.ts';

const tokens: readonly Token[] = [
  { name: 'eyes', role: 'viewer', token: 'viewer-viewer-viewer' },
  { name: 'hands', role: 'operator', token: 'operator-operator-op' },
  { name: 'head', role: 'admin', token: 'admin-admin-admin-ad' },
];
const [viewer, operator, admin] = tokens.map(({ token }) => ({ Authorization: `Bearer ${token}` }));

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.close();
  listening = undefined;
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: unknown;
}

function viewOf(changes: Partial<DaemonView> = {}, asked: string[] = []): DaemonView {
  return {
    readiness: () => ({ ready: true, checks: [] }),
    metrics: async () => 'holdfast_up 1\n',
    status: async () => ({ application: 'shop' }),
    jobs: () => [{ id: 'backup:daily' }],
    runs: (filter) => [{ ...filter }],
    points: async (limit) => [{ limit }],
    alarms: () => [],
    requestRun: (job, who) => {
      asked.push(`run ${job} for ${who}`);
      return job === 'backup:0_2_*_*_*@Europe~Berlin' ? 'run-1' : undefined;
    },
    cancelRun: (run, who) => {
      asked.push(`cancel ${run} for ${who}`);
      return run === 'run-1';
    },
    reload: async (who) => void asked.push(`reload for ${who}`),
    ...changes,
  };
}

async function start(view: DaemonView, own: readonly Token[] = tokens, clock: Clock = { now: () => new Date(0) }) {
  const failures: unknown[] = [];
  const authority = new Authority(own, clock);
  listening = await listen(
    createApp({ view, authority, noteSignIn: () => {}, onFailure: (error) => failures.push(error) }),
    { host: '127.0.0.1', port: 0 },
    authority,
  );
  const { port } = listening.address;
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<Answer> => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(Buffer.from(chunk as Uint8Array));
    const text = Buffer.concat(chunks).toString();
    const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
    return { status: answer.statusCode ?? 0, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
  return { ask, port, failures };
}

test('whoever watches needs no token, and learns that the daemon lives and works', async () => {
  const ready = { ready: false, checks: [{ name: 'catalog', ok: false, reason: 'the disk is full' }] };
  const { ask } = await start(viewOf({ readiness: () => ready }));
  expect(await ask('/health')).toMatchObject({ status: 200, json: { status: 'alive' } });
  expect(await ask('/ready')).toMatchObject({ status: 503, json: ready });
});

test('each answer is for this client alone: nothing is cached, framed or read by other sites', async () => {
  const { ask } = await start(viewOf());
  for (const answer of [await ask('/health', { Origin: 'https://evil.example' }), await ask('/nothing'), await ask('/api/v1/jobs')]) {
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  }
});

test('roles: who may look may not act, and who may start may not cancel', async () => {
  const asked: string[] = [];
  const { ask } = await start(viewOf({}, asked));
  const run = '/api/v1/jobs/backup%3A0_2_*_*_*%40Europe~Berlin/run';
  const statuses = async (path: string, method: string) =>
    Promise.all([{}, viewer, operator, admin].map(async (headers) => (await ask(path, headers, method)).status));
  for (const path of ['/metrics', ...['status', 'jobs', 'runs', 'points', 'alarms'].map((name) => `/api/v1/${name}`)])
    expect([path, ...(await statuses(path, 'GET'))]).toEqual([path, 401, 200, 200, 200]);
  expect(asked).toEqual([]);
  expect(await statuses(run, 'POST')).toEqual([401, 403, 202, 202]);
  expect(await statuses('/api/v1/runs/run-1/cancel', 'POST')).toEqual([401, 403, 403, 202]);
  expect(await statuses('/api/v1/reload', 'POST')).toEqual([401, 403, 403, 200]);
  expect(asked.toSorted()).toEqual([
    'cancel run-1 for head',
    'reload for head',
    'run backup:0_2_*_*_*@Europe~Berlin for hands',
    'run backup:0_2_*_*_*@Europe~Berlin for head',
  ]);
});

test('errors are JSON with a code, a sentence and a hint', async () => {
  const { ask } = await start(viewOf());
  const missing = await ask('/api/v1/jobs/no%0Asuch/run', operator, 'POST');
  expect(missing).toMatchObject({ status: 404, json: { error: 'api-unknown', message: 'Cannot find the job "no?such": there is none.' } });
  expect(await ask('/api/v1/runs?limit=0', viewer)).toMatchObject({ status: 400, json: { error: 'api-request' } });
  expect(await ask('/api/v1/runs?limit=7&kind=backup', viewer)).toMatchObject({ json: { runs: [{ limit: 7, kind: 'backup' }] } });
  expect(await ask('/api/v1/jobs', viewer, 'DELETE')).toMatchObject({ status: 404, json: { error: 'api-unknown' } });
  expect(await ask('/api/v1/jobs/%ff/run', operator, 'POST')).toMatchObject({ status: 404 });
  const denied = await ask('/api/v1/jobs', { Authorization: 'Bearer wrong' });
  expect(denied).toMatchObject({ status: 401, json: { error: 'api-token', hint: containing('Bearer TOKEN') } });
  expect(denied.headers['www-authenticate']).toBe('Bearer realm="holdfast"');
});

test('a failure that was foreseen is told, and one that was not keeps its words to the log', async () => {
  const { ask, failures } = await start(
    viewOf({
      points: () => Promise.reject(new HoldfastError('api-unready', { reason: 'the repository is down' })),
      metrics: () => Promise.reject(new Error('postgresql://user:secret@host')),
    }),
  );
  expect(await ask('/api/v1/points', viewer)).toMatchObject({
    status: 500,
    json: { error: 'api-unready', message: 'Cannot answer: the repository is down.' },
  });
  const unforeseen = await ask('/metrics', viewer);
  expect([unforeseen.status, unforeseen.text.includes('secret')]).toEqual([500, false]);
  expect(failures).toHaveLength(2);
});

test('ten wrong tokens from an address, and it is not listened to for a minute', async () => {
  let now = 0;
  const { ask } = await start(viewOf(), tokens, { now: () => new Date(now) });
  for (let count = 0; count < 10; count++) expect((await ask('/api/v1/jobs', { Authorization: `Bearer guess${count}` })).status).toBe(401);
  const refused = await ask('/api/v1/jobs', viewer);
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
  now = 61_000;
  expect((await ask('/api/v1/jobs', viewer)).status).toBe(200);
});

test('without tokens this machine may look, by its own name, and nobody may act', async () => {
  const { ask, port } = await start(viewOf(), []);
  expect((await ask('/api/v1/jobs')).status).toBe(200);
  expect((await ask('/api/v1/jobs', { Host: `localhost:${port}` })).status).toBe(200);
  expect((await ask('/api/v1/jobs', { Host: 'rebound.example' })).status).toBe(403);
  expect((await ask('/api/v1/jobs/x/run', {}, 'POST')).status).toBe(403);
});

test('what is large or malformed is refused', async () => {
  const { ask, port } = await start(viewOf());
  expect((await ask('/api/v1/reload', { ...admin, 'Content-Type': 'text/plain' }, 'POST', 'x'.repeat(20_000))).status).toBe(413);
  expect((await ask('/api/v1/jobs', { Authorization: `Bearer ${'x'.repeat(5000)}` })).status).toBe(401);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('NONSENSE\r\n\r\n');
  await once(socket, 'close');
  expect((await ask('/health')).status).toBe(200);
});

test('an address that others can reach takes tokens, and a token takes 16 characters', async () => {
  const clock = { now: () => new Date(0) };
  const authority = new Authority([], clock);
  const app = createApp({ noteSignIn: () => {}, view: viewOf(), authority, onFailure: () => {} });
  await expect(listen(app, { host: '0.0.0.0', port: 0 }, authority)).rejects.toMatchObject({ code: 'server-setup' });
  expect(() => new Authority([{ name: 'a', role: 'admin', token: 'short' }], clock)).toThrow('fewer than 16 characters');
});
