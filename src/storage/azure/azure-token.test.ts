/** Accounts that are opened without a key: a login service and a managed identity of this file give tokens, which Azurite takes (it looks at what they claim, not at who signed). */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startAzurite, type Azurite } from '../../../test/harness/stores/azurite.ts';
import { startUnderNames, type Certificate, type NamedServer } from '../../../test/harness/stores/under-real-names.ts';
import { HoldfastError } from '../../errors.ts';
import { systemClock } from '../../util/clock.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createAzureStorage } from './azure-storage.ts';

interface Asked {
  readonly url: URL;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly form: Readonly<Record<string, string>>;
}

let named: NamedServer<Azurite>;
let folder: string;
let machine: Server;
let login: Server;
const asked: Asked[] = [];
const opened: Storage[] = [];
let answer: { readonly status: number; readonly body: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-azure-token-'));
  let files: Certificate | undefined;
  named = await startUnderNames(['*.blob.core.windows.net'], (certificate) => {
    files = certificate;
    return startAzurite({ certificate });
  });
  if (files === undefined) throw new Error('there is no certificate');
  machine = createHttpServer(listen);
  login = createHttpsServer({ cert: await readFile(files.cert), key: await readFile(files.key) }, listen);
  for (const server of [machine, login]) await once(server.listen(0, '127.0.0.1'), 'listening');
}, 300_000);

afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  for (const server of [machine, login]) server.close();
  await named.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  asked.length = 0;
  answer = { status: 200, body: JSON.stringify({ access_token: tokenFor('https://storage.azure.com'), expires_in: '3600' }) };
});

const listen: RequestListener = (request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const url = new URL(request.url ?? '/', 'http://service');
    asked.push({ url, headers: request.headers, form: Object.fromEntries(new URLSearchParams(body)) });
    response.writeHead(answer.status).end(answer.body);
  });
};

function addressOf(server: Server, protocol: string): string {
  const address = server.address();
  return `${protocol}://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
}

function tokenFor(audience: string): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const seconds = Math.floor(systemClock.now().getTime() / 1000);
  const claims = {
    aud: audience,
    iss: `https://sts.windows.net/${randomUUID()}/`,
    iat: seconds - 60,
    nbf: seconds - 60,
    exp: seconds + 3600,
  };
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}.${encode({ signed: 'by nobody' })}`;
}

/** With the account and how to reach it, and what a test adds. */
async function open(credentials: StorageEnvironment): Promise<Storage> {
  const address = { scheme: 'azure', bucket: `tokens-${randomUUID()}`, prefix: '', parameters: {} } as const;
  const environment = { ...named.environment, AZURE_ACCOUNT_NAME: named.server.account, ...credentials };
  const storage = await createAzureStorage(address, { environment });
  opened.push(storage);
  return storage;
}

async function failureOf(call: Promise<unknown>): Promise<HoldfastError> {
  const failure: unknown = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (failure instanceof HoldfastError) return failure;
  throw new Error(`a HoldfastError was expected, but: ${String(failure)}`);
}

async function use(storage: Storage): Promise<void> {
  await storage.create();
  await storage.put('config', Buffer.from('1'), { ifAbsent: true });
  expect(await storage.get('config')).toHaveLength(1);
}

it('logs in as a service principal, once for many requests', async () => {
  const principal = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_AUTHORITY_HOST: addressOf(login, 'https') };
  await use(await open({ ...principal, AZURE_CLIENT_SECRET: 'secret' }));
  const scope = 'https://storage.azure.com/.default';
  expect(asked.map(({ url, form }) => [url.pathname, form])).toEqual([
    ['/tenant/oauth2/v2.0/token', { grant_type: 'client_credentials', client_id: 'client', scope, client_secret: 'secret' }],
  ]);
  const file = join(folder, 'federated');
  await writeFile(file, 'an assertion\n');
  await use(await open({ ...principal, AZURE_FEDERATED_TOKEN_FILE: file }));
  expect(asked.at(-1)?.form).toMatchObject({ client_id: 'client', client_assertion: 'an assertion' });
});

it('asks the managed identity of the machine', async () => {
  await use(await open({ IDENTITY_ENDPOINT: `${addressOf(machine, 'http')}/msi`, IDENTITY_HEADER: 'header', AZURE_CLIENT_ID: 'client' }));
  expect(asked).toHaveLength(1);
  expect(asked[0]?.headers['x-identity-header']).toBe('header');
  expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toEqual({
    'api-version': '2019-08-01',
    'resource': 'https://storage.azure.com/',
    'client_id': 'client',
  });
});

it.each([
  ['refuses', { status: 401, body: '{ "error": "invalid_client" }' }, 'storage-setup', 'invalid_client'],
  ['has no time', { status: 503, body: '' }, 'storage-failed', '503'],
  ['says something else', { status: 200, body: '<html>' }, 'storage-setup', 'gave no token'],
  [
    'gives one for something else',
    { status: 200, body: JSON.stringify({ access_token: tokenFor('https://vault.azure.net') }) },
    'storage-setup',
    'token',
  ],
])('says what is wrong when the service %s', async (_, said, code, words) => {
  answer = said;
  const failure = await failureOf(use(await open({ IDENTITY_ENDPOINT: addressOf(machine, 'http'), IDENTITY_HEADER: 'header' })));
  expect(failure.code).toBe(code);
  expect(failure.message).toContain(words);
});

it('says that a certificate is not trusted', async () => {
  const storage = await open({ AZURE_ACCOUNT_KEY: named.server.key, RESTIC_CACERT: '' });
  const failure = await failureOf(storage.get('config'));
  expect(failure.code).toBe('storage-setup');
  expect(failure.hint).toContain('RESTIC_CACERT');
});
