/** What Google refuses and what breaks on the way. No conforming server is to be had: the refusals are those of Google's documentation, said by a server of this file. */
import { createHash, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../../test/harness/stores/fault-proxy.ts';
import { startGcsEmulator, type GcsEmulator } from '../../../test/harness/stores/gcs-emulator.ts';
import { HoldfastError, type ErrorCode } from '../../errors.ts';
import type { StorageEnvironment, StorageOptions } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import type { GcsTuning } from './gcs-settings.ts';
import { createGcsStorage } from './gcs-storage.ts';
import { createTokenSource } from './gcs-token.ts';
import { cuts, expectCutNoticed, expectInterruption } from '../testing/bad-line.ts';

const mebibyte = 1024 * 1024;
/* Milliseconds: short, and long enough for a server on a busy machine. */
const quick = { connect: 2500, silence: 2500 };
const token = 'ya29.a-token-that-nobody-sees';
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

interface Heard {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

type Answer = { readonly status: number; readonly body: unknown };

/* A server that says what a test wants, and keeps what it heard. */
let answer: (heard: Heard) => Answer = () => ({ status: 200, body: {} });
const heard: Heard[] = [];
let speaker: Server;
let speakerUrl = '';
let emulator: GcsEmulator | undefined;
let proxy: FaultProxy;
let folder: string;
const opened: Storage[] = [];

beforeAll(async () => {
  speaker = createServer((request, response) => {
    void hear(request).then((one) => {
      heard.push(one);
      const { status, body } = answer(one);
      response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  speaker.listen(0, '127.0.0.1');
  await once(speaker, 'listening');
  const address = speaker.address();
  speakerUrl = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  emulator = await startGcsEmulator();
  proxy = await startFaultProxy(emulator.port);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-gcs-faults-'));
}, 300_000);

afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  await proxy.stop();
  await emulator?.stop();
  speaker.closeAllConnections();
  speaker.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  heard.length = 0;
  proxy.set({});
});

async function hear(request: IncomingMessage): Promise<Heard> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    method: request.method ?? '',
    url: new URL(request.url ?? '/', speakerUrl),
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks),
  };
}

async function open(
  environment: StorageEnvironment,
  endpoint?: string,
  tuning: GcsTuning = {},
  options: StorageOptions = {},
  bucket = 'bucket',
): Promise<Storage> {
  const parameters = endpoint === undefined ? {} : { endpoint };
  const storage = await createGcsStorage({ scheme: 'gs', bucket, prefix: 'app', parameters }, { environment, ...options }, tuning);
  opened.push(storage);
  return storage;
}

/** To the server of this file. */
function openSpeaker(environment: StorageEnvironment = { GOOGLE_ACCESS_TOKEN: token }, options: StorageOptions = {}): Promise<Storage> {
  return open(environment, speakerUrl, { limits: quick }, options);
}

/** To the emulator through the proxy, with short limits or those of every day. */
function openProxied(tuning: GcsTuning = { limits: quick }): Promise<Storage> {
  return open({ STORAGE_EMULATOR_HOST: `127.0.0.1:${proxy.port}` }, undefined, tuning);
}

function refusal(status: number, reason: string, message: string): Answer {
  return { status, body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } } };
}

async function failureOf(call: Promise<unknown>): Promise<HoldfastError> {
  const failure: unknown = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (!(failure instanceof HoldfastError)) throw new Error(`a HoldfastError was expected, but: ${String(failure)}`);
  /* Whatever shows an error shows no secret. */
  const shown = inspect(failure, { depth: 20, showHidden: true });
  expect(shown).not.toContain(token);
  expect(shown).not.toContain('PRIVATE KEY');
  return failure;
}

async function listAll(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list('')) keys.push(key);
  return keys;
}

describe('what Google says', () => {
  const lacks = (right: string): string =>
    `backup@project.iam.gserviceaccount.com does not have ${right} access to the Google Cloud Storage object.`;
  const kept =
    "Object 'bucket/app/config' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until 2027-01-02T03:04:05.678Z";
  it.each<[string, Answer, ErrorCode, string]>([
    ['401', refusal(401, 'authError', 'Invalid Credentials'), 'storage-setup', 'GOOGLE_APPLICATION_CREDENTIALS'],
    ['403 without a right', refusal(403, 'forbidden', lacks('storage.objects.create')), 'storage-refused', 'storage.objects.create'],
    ['403 without words', { status: 403, body: 'no' }, 'storage-refused', 'storage.objects.create'],
    ['403 for haste', refusal(403, 'rateLimitExceeded', 'Slow down'), 'storage-failed', 'answers'],
    ['403 without billing', refusal(403, 'accountDisabled', 'The billing account is disabled'), 'storage-setup', 'billing'],
    ['403 for a retention policy', refusal(403, 'retentionPolicyNotMet', kept), 'storage-locked', 'Wait'],
    ['403 for a hold', refusal(403, 'objectUnderActiveHold', 'Object is under active Temporary hold'), 'storage-refused', 'hold'],
    ['404 of a bucket', refusal(404, 'notFound', 'The specified bucket does not exist.'), 'storage-setup', 'repo init'],
    ['408', { status: 408, body: 'timeout' }, 'storage-failed', 'answers'],
    ['412 unasked', refusal(412, 'conditionNotMet', 'no'), 'storage-failed', 'answers'],
    ['429', refusal(429, 'rateLimitExceeded', 'The object exceeded the rate limit'), 'storage-failed', 'answers'],
    ['500', { status: 500, body: '<html>' }, 'storage-failed', 'answers'],
    ['503', refusal(503, 'backendError', 'Backend error'), 'storage-failed', 'answers'],
    ['507', { status: 507, body: '' }, 'storage-full', 'prune'],
    ['400', refusal(400, 'invalid', 'Invalid argument'), 'storage-refused', 'documentation'],
    [
      '400 for a body that was damaged',
      refusal(400, 'invalid', 'Provided MD5 hash "x" doesn\'t match calculated MD5 hash "y".'),
      'storage-failed',
      'answers',
    ],
    ['302', { status: 302, body: '' }, 'storage-refused', 'documentation'],
    ['200 and no JSON', { status: 200, body: '<html>' }, 'storage-failed', 'answers'],
    ['200 and other JSON', { status: 200, body: { size: -1 } }, 'storage-failed', 'answers'],
    ['200 for half of it', { status: 200, body: { size: '1' } }, 'storage-failed', 'answers'],
  ])('%s of a put', async (_, said, code, hint) => {
    answer = () => said;
    const storage = await openSpeaker();
    const path = join(folder, 'put');
    await writeFile(path, 'content');
    for (const call of [storage.put('config', text('content')), storage.putFile('config', path)]) {
      const failure = await failureOf(call);
      expect([failure.code, failure.hint.includes(hint)]).toEqual([code, true]);
    }
    await access(path);
  });

  it('tells a missing object from a missing bucket', async () => {
    const storage = await openSpeaker();
    answer = () => refusal(404, 'notFound', 'No such object: bucket/app/config');
    expect((await failureOf(storage.get('config'))).code).toBe('storage-missing');
    expect(await storage.stat('config')).toBeUndefined();
    await storage.remove('config');
    answer = () => refusal(404, 'notFound', 'The specified bucket does not exist.');
    for (const call of [
      () => storage.get('config'),
      () => storage.stat('config'),
      () => storage.remove('config'),
      () => listAll(storage),
      () => storage.create(),
    ])
      expect((await failureOf(call())).code).toBe('storage-setup');
  });

  it('says until when what is locked cannot be removed', async () => {
    answer = () => refusal(403, 'retentionPolicyNotMet', kept);
    const failure = await failureOf((await openSpeaker()).remove('config'));
    expect(failure.message).toContain('locked until 2027-01-02T03:04:05.678Z');
  });

  it('believes no listing that does not end, and no answer without end', async () => {
    const storage = await openSpeaker();
    answer = () => ({ status: 200, body: { items: [{ name: 'app/config', size: '1' }], nextPageToken: 'again' } });
    expect((await failureOf(listAll(storage))).code).toBe('storage-failed');
    answer = () => ({ status: 403, body: 'x'.repeat(10 * mebibyte) });
    expect((await failureOf(storage.get('config'))).code).toBe('storage-failed');
    answer = () => ({
      status: 200,
      body: {
        items: [
          { name: 'app/../evil', size: '1' },
          { name: 'other', size: '1' },
          { name: 'app/good', size: '2' },
        ],
      },
    });
    expect(await listAll(storage)).toEqual(['good']);
  });
});

describe('what Google is asked', () => {
  it('puts with the hash, the class and the condition, by one request', async () => {
    answer = () => ({ status: 200, body: { size: '5' } });
    const storage = await openSpeaker(undefined, { storageClass: 'nearline' });
    await storage.put('data/00/pack', text('12345'), { ifAbsent: true });
    await storage.put('locks/one', text('12345'));
    const [pack, lock] = heard;
    expect(pack?.url.pathname).toBe('/upload/storage/v1/b/bucket/o');
    expect(pack?.url.searchParams.get('ifGenerationMatch')).toBe('0');
    expect(pack?.authorization).toBe(`Bearer ${token}`);
    const md5Hash = createHash('md5').update('12345').digest('base64');
    expect(pack?.body.toString()).toContain(JSON.stringify({ name: 'app/data/00/pack', md5Hash, storageClass: 'NEARLINE' }));
    expect(lock?.url.searchParams.get('ifGenerationMatch')).toBeNull();
    expect(lock?.body.toString()).not.toContain('NEARLINE');
    expect(heard).toHaveLength(2);
  });

  it('makes the bucket where the project is known, closed to the public', async () => {
    answer = ({ method }) =>
      method === 'POST' ? { status: 200, body: {} } : refusal(404, 'notFound', 'The specified bucket does not exist.');
    const address = { scheme: 'gs', bucket: 'bucket', prefix: '', parameters: { endpoint: speakerUrl, location: 'EUROPE-WEST3' } } as const;
    const storage = await createGcsStorage(address, { environment: { GOOGLE_ACCESS_TOKEN: token, GOOGLE_PROJECT_ID: 'project' } });
    opened.push(storage);
    await storage.create();
    const made = heard.at(-1);
    expect([made?.url.pathname, made?.url.search]).toEqual(['/storage/v1/b', '?project=project']);
    expect(JSON.parse(String(made?.body))).toMatchObject({
      name: 'bucket',
      location: 'EUROPE-WEST3',
      iamConfiguration: { publicAccessPrevention: 'enforced' },
    });
  });
});

describe('credentials', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  async function keyFile(): Promise<string> {
    const path = join(folder, `${randomBytes(4).toString('hex')}.json`);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(
      path,
      JSON.stringify({
        type: 'service_account',
        client_email: 'backup@project.iam.gserviceaccount.com',
        private_key: key,
        token_uri: `${speakerUrl}/token`,
      }),
    );
    return path;
  }

  it('asks for a token with the key of a service account, once', async () => {
    answer = ({ url }) =>
      url.pathname === '/token' ? { status: 200, body: { access_token: token, expires_in: 3600 } } : { status: 200, body: { size: '1' } };
    const storage = await openSpeaker({ GOOGLE_APPLICATION_CREDENTIALS: await keyFile() });
    await Promise.all([storage.stat('config'), storage.stat('config'), storage.stat('config')]);
    const [asked, ...others] = heard.filter(({ url }) => url.pathname === '/token');
    expect(others).toEqual([]);
    const [head = '', claims = '', signature = ''] = (new URLSearchParams(String(asked?.body)).get('assertion') ?? '').split('.');
    expect(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      scope: 'https://www.googleapis.com/auth/devstorage.read_write',
    });
    expect(heard.filter(({ authorization }) => authorization === `Bearer ${token}`)).toHaveLength(3);
  });

  it('asks anew when a token is about to end', async () => {
    answer = ({ url }) =>
      url.pathname === '/token' ? { status: 200, body: { access_token: token, expires_in: 3600 } } : { status: 200, body: {} };
    let now = 1_800_000_000_000;
    const clock = { now: () => new Date(now) };
    const source = createTokenSource({ location: 'gs://bucket', environment: { GOOGLE_APPLICATION_CREDENTIALS: await keyFile() }, clock });
    for (const later of [0, 50, 56, 58, 60].map((minutes) => 1_800_000_000_000 + minutes * 60_000)) {
      now = later;
      expect(await source()).toBe(token);
    }
    expect(heard).toHaveLength(2);
  });

  it('takes what gcloud left, with the token of a user', async () => {
    answer = ({ url }) =>
      url.pathname === '/token' ? { status: 200, body: { access_token: token, expires_in: 3600 } } : { status: 200, body: { size: '1' } };
    const home = await mkdtemp(join(folder, 'gcloud-'));
    const user = {
      type: 'authorized_user',
      client_id: 'id',
      client_secret: 'secret',
      refresh_token: 'refresh',
      token_uri: `${speakerUrl}/token`,
    };
    await writeFile(join(home, 'application_default_credentials.json'), JSON.stringify(user));
    await (await openSpeaker({ CLOUDSDK_CONFIG: home })).stat('config');
    expect(heard[0]?.body.toString()).toBe('grant_type=refresh_token&client_id=id&client_secret=secret&refresh_token=refresh');
    expect(heard[1]?.authorization).toBe(`Bearer ${token}`);
  });

  it('changes another identity for one of Google', async () => {
    answer = ({ url }) => {
      if (url.pathname === '/sts') return { status: 200, body: { access_token: 'federated', expires_in: 3600 } };
      if (url.pathname === '/act') return { status: 200, body: { accessToken: token, expireTime: '2099-01-01T00:00:00Z' } };
      return { status: 200, body: { size: '1' } };
    };
    const subject = join(folder, 'subject.json');
    await writeFile(subject, '{ "id_token": "from elsewhere" }');
    const path = join(folder, 'federated.json');
    const source = { file: subject, format: { type: 'json', subject_token_field_name: 'id_token' } };
    const described = {
      type: 'external_account',
      audience: 'pool',
      subject_token_type: 'jwt',
      token_url: `${speakerUrl}/sts`,
      credential_source: source,
    };
    await writeFile(path, JSON.stringify({ ...described, service_account_impersonation_url: `${speakerUrl}/act` }));
    await (await openSpeaker({ GOOGLE_APPLICATION_CREDENTIALS: path })).stat('config');
    expect(new URLSearchParams(String(heard[0]?.body)).get('subject_token')).toBe('from elsewhere');
    expect(heard.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer federated', `Bearer ${token}`]);
  });

  it('asks the machine at Google that it runs on', async () => {
    answer = ({ url }) =>
      url.pathname.startsWith('/computeMetadata/')
        ? { status: 200, body: { access_token: token, expires_in: 3600 } }
        : { status: 200, body: { size: '1' } };
    const elsewhere = { CLOUDSDK_CONFIG: folder, GCE_METADATA_HOST: new URL(speakerUrl).host };
    await (await openSpeaker(elsewhere)).stat('config');
    expect(heard[0]?.url.pathname).toBe('/computeMetadata/v1/instance/service-accounts/default/token');
    expect(heard[1]?.authorization).toBe(`Bearer ${token}`);
  });

  it('says that there are none', async () => {
    const failure = await failureOf((await openSpeaker({ CLOUDSDK_CONFIG: folder, GCE_METADATA_HOST: 'metadata.invalid' })).stat('config'));
    expect(failure.hint).toContain('gcloud auth application-default login');
  });

  it.each<[string, Answer, ErrorCode]>([
    ['refuses', { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } }, 'storage-setup'],
    ['has no time', { status: 503, body: 'later' }, 'storage-failed'],
  ])('says what is wrong when Google %s', async (_, said, code) => {
    answer = () => said;
    const storage = await openSpeaker({ GOOGLE_APPLICATION_CREDENTIALS: await keyFile() });
    expect((await failureOf(storage.stat('config'))).code).toBe(code);
  });

  it('says which file is no good', async () => {
    const path = join(folder, 'broken.json');
    await writeFile(path, '{ "type": "service_account"');
    for (const file of [path, join(folder, 'none.json')]) {
      const failure = await failureOf((await openSpeaker({ GOOGLE_APPLICATION_CREDENTIALS: file })).stat('config'));
      expect(failure.code).toBe('storage-setup');
      expect(failure.hint).toContain(file);
    }
    expect(heard).toEqual([]);
  });

  it.each([
    ['another host by http', { endpoint: 'http://example.com' }, {}],
    ['parameters', { region: 'x' }, {}],
    ['a class', {}, { storageClass: 'GLACIER' }],
    ['locks', {}, { lock: { mode: 'governance', forMs: 1000 } }],
    ['earlier versions', {}, { asOf: new Date(0) }],
  ] as const)('refuses %s', async (_, parameters, options) => {
    const address = { scheme: 'gs', bucket: 'bucket', prefix: '', parameters } as const;
    const failure = await failureOf(createGcsStorage(address, { environment: { GOOGLE_ACCESS_TOKEN: token }, ...options }));
    expect(failure.code).toBe('storage-url');
  });
});

describe('a bad line', () => {
  it('gives up on a server that is frozen, and at once at a signal', async () => {
    const storage = await openProxied();
    const path = join(folder, 'frozen');
    await writeFile(path, randomBytes(2 * mebibyte));
    await storage.put('config', text('1'));
    proxy.freeze();
    const calls = [
      storage.get('config'),
      storage.stat('config'),
      storage.put('new', text('x')),
      storage.putFile('pack', path),
      listAll(storage),
    ];
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure.code).toBe('storage-failed');
    const patient = await openProxied({});
    await expectInterruption(patient, path);
    await access(path);
  });

  it.each(cuts)('notices a body that is cut midway (%s), and the next attempt brings it whole', async (how) => {
    await expectCutNoticed(await openProxied(), proxy, how);
  });

  it.each(cuts)('notices a put that is cut midway (%s), and the next attempt stores it whole', async (how) => {
    const storage = await openProxied();
    await storage.put('config', text('before'));
    const data = randomBytes(2 * mebibyte);
    const path = join(folder, 'cut');
    await writeFile(path, data);
    for (const call of [() => storage.put('config', data), () => storage.putFile('config', path)]) {
      proxy.set({ cutRequest: { after: 100_000, how } });
      expect((await failureOf(call())).code).toBe('storage-failed');
      proxy.set({});
      expect(Buffer.from(await storage.get('config')).toString()).toBe('before');
    }
    proxy.set({ cutRequest: { after: 100_000, how }, times: 1 });
    await createRetryStorage(storage, { firstDelay: 1 }).putFile('config', path);
    expect(Buffer.compare(await storage.get('config'), data)).toBe(0);
  });

  it('notices a file that becomes shorter while it is sent', async () => {
    const storage = await openProxied({});
    const path = join(folder, 'shrinking');
    await writeFile(path, randomBytes(100 * 1024));
    const { sendFile } = await import('../http/file-body.ts');
    const failure = await failureOf(
      sendFile({ path, key: 'config', location: storage.location }, 200 * 1024, undefined, (body, signal) => {
        body.resume();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      }),
    );
    expect(failure.message).toContain('shorter');
  });
});
