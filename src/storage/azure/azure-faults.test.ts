/** What Azure refuses and what breaks on the way, by real cases. */
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite, type Azurite } from '../../../test/harness/stores/azurite.ts';
import { startFaultProxy, type FaultProxy } from '../../../test/harness/stores/fault-proxy.ts';
import { HoldfastError } from '../../errors.ts';
import type { StorageEnvironment, StorageOptions } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { createAzureStorage, type AzureTuning } from './azure-storage.ts';
import { cuts, expectCutNoticed, expectInterruption } from '../testing/bad-line.ts';

const mebibyte = 1024 * 1024;
/* Milliseconds: short, and long enough for a server on a busy machine. */
const quick = { connect: 2500, silence: 2500 };

let azurite: Azurite;
let proxy: FaultProxy;
let folder: string;
let container = '';
const opened: Storage[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
  proxy = await startFaultProxy(azurite.port);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-azure-'));
}, 300_000);

afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  await proxy.stop();
  await azurite.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  proxy.set({});
  container = `faults-${randomBytes(6).toString('hex')}`;
  await (await open()).create();
});

interface Opening {
  readonly environment?: StorageEnvironment;
  readonly endpoint?: string;
  readonly bucket?: string;
  readonly tuning?: AzureTuning;
  readonly options?: StorageOptions;
}

async function open({
  environment = azurite.environment,
  endpoint = azurite.endpoint,
  bucket = container,
  tuning = {},
  options = {},
}: Opening = {}): Promise<Storage> {
  const address = { scheme: 'azure', bucket, prefix: 'app', parameters: { endpoint } } as const;
  const storage = await createAzureStorage(address, { environment, ...options }, tuning);
  opened.push(storage);
  return storage;
}

/** Through the proxy, with short limits. */
function openProxied(tuning: AzureTuning = {}): Promise<Storage> {
  return open({ endpoint: `http://127.0.0.1:${proxy.port}`, tuning: { limits: quick, ...tuning } });
}

/** An environment with a signature for the container that allows what is named. */
function signed(permissions: string, minutes = 60): StorageEnvironment {
  const signature = generateBlobSASQueryParameters(
    {
      containerName: container,
      permissions: ContainerSASPermissions.parse(permissions),
      startsOn: new Date(new Date(systemNow()).getTime() - 2 * 3_600_000),
      expiresOn: new Date(systemNow() + minutes * 60_000),
    },
    new StorageSharedKeyCredential(azurite.account, azurite.key),
  ).toString();
  return { AZURE_ACCOUNT_NAME: azurite.account, AZURE_ACCOUNT_SAS: `?${signature}` };
}

function systemNow(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

async function failureOf(call: Promise<unknown>): Promise<HoldfastError> {
  const failure: unknown = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (!(failure instanceof HoldfastError)) throw new Error(`a HoldfastError was expected, but: ${String(failure)}`);
  /* Whatever shows an error shows no secret. */
  const shown = inspect(failure, { depth: 20, showHidden: true });
  expect(shown).not.toContain(azurite.key);
  expect(shown).not.toMatch(/sig=(?!")/);
  return failure;
}

function failuresOf(...calls: readonly Promise<unknown>[]): Promise<HoldfastError[]> {
  return Promise.all(calls.map(failureOf));
}

async function listAll(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list('')) keys.push(key);
  return keys;
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe('credentials', () => {
  it('says that a key is not the right one', async () => {
    const storage = await open({ environment: { ...azurite.environment, AZURE_ACCOUNT_KEY: randomBytes(64).toString('base64') } });
    for (const failure of await failuresOf(
      storage.get('config'),
      storage.stat('config'),
      storage.put('config', text('x')),
      storage.remove('config'),
      listAll(storage),
      storage.create(),
    )) {
      expect(failure.code).toBe('storage-setup');
      expect(failure.hint).toContain('AZURE_ACCOUNT_KEY');
    }
  });

  it.each([
    ['no account', {}, 'AZURE_ACCOUNT_NAME'],
    ['a key that is none', { AZURE_ACCOUNT_NAME: 'account', AZURE_ACCOUNT_KEY: 'not base64!' }, 'AZURE_ACCOUNT_KEY'],
    ['a signature that is none', { AZURE_ACCOUNT_NAME: 'account', AZURE_ACCOUNT_SAS: 'sv=2020' }, 'AZURE_ACCOUNT_SAS'],
    ['a name that is none', { AZURE_ACCOUNT_NAME: 'evil.example/', AZURE_ACCOUNT_KEY: 'a'.repeat(88) }, 'AZURE_ACCOUNT_NAME'],
    ['half a connection string', { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=x' }, 'AZURE_STORAGE_CONNECTION_STRING'],
    [
      'an authority that is not there',
      { AZURE_ACCOUNT_NAME: 'account', AZURE_ACCOUNT_KEY: 'a'.repeat(88), RESTIC_CACERT: '/no/such/file' },
      'PEM',
    ],
  ])('refuses %s before anything is sent', async (_, environment, hint) => {
    const address = { scheme: 'azure', bucket: 'container', prefix: '', parameters: {} } as const;
    const failure = await failureOf(createAzureStorage(address, { environment }));
    expect(failure.code).toBe('storage-setup');
    expect(failure.hint).toContain(hint);
  });

  it.each([
    ['parameters', { parameters: { region: 'x' } }, {}],
    ['an endpoint', { parameters: { endpoint: 'ftp://host' } }, {}],
    ['a tier', {}, { storageClass: 'GLACIER' }],
    ['locks', {}, { lock: { mode: 'governance', forMs: 1000 } }],
    ['earlier versions', {}, { asOf: new Date(0) }],
  ] as const)('refuses %s that Azure does not have', async (_, part, options) => {
    const address = { scheme: 'azure', bucket: 'container', prefix: '', parameters: {}, ...part } as const;
    const failure = await failureOf(createAzureStorage(address, { environment: azurite.environment, ...options }));
    expect(failure.code).toBe('storage-url');
  });

  it('sends no token over http', async () => {
    const failure = await failureOf(open({ environment: { AZURE_ACCOUNT_NAME: azurite.account } }));
    expect(failure.code).toBe('storage-url');
  });

  it('opens by a connection string, and by the names of the command line of Azure', async () => {
    const { account, key, endpoint } = azurite;
    const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint}/${account};`;
    const address = { scheme: 'azure', bucket: container, prefix: 'app', parameters: {} } as const;
    const byString = await createAzureStorage(address, { environment: { AZURE_STORAGE_CONNECTION_STRING: connection } });
    opened.push(byString);
    await byString.put('config', text('1'));
    const byNames = await open({ environment: { AZURE_STORAGE_ACCOUNT: account, AZURE_STORAGE_KEY: key } });
    expect(await byNames.stat('config')).toEqual({ key: 'config', size: 1 });
    const file = join(folder, 'key');
    await writeFile(file, `${key}\n`);
    const byFile = await open({ environment: { AZURE_ACCOUNT_NAME: account, AZURE_ACCOUNT_KEY_FILE: file } });
    expect(await byFile.stat('config')).toEqual({ key: 'config', size: 1 });
  });
});

describe('signatures', () => {
  it('does all with a full one', async () => {
    const storage = await open({ environment: signed('rcwdl') });
    await storage.create();
    await storage.put('config', text('1'));
    expect(await listAll(storage)).toEqual(['config']);
    expect(await storage.get('config')).toHaveLength(1);
    await storage.remove('config');
    expect(await storage.stat('config')).toBeUndefined();
  });

  it.each([
    ['rl', 'write', 'SAS: c and w'],
    ['rlcw', 'remove', 'SAS: d'],
    ['cwdl', 'read', 'SAS: r'],
    ['rcwd', 'list', 'permission l'],
  ])('with %j says what it lacks to %s', async (permissions, action, right) => {
    await (await open()).put('config', text('1'));
    const storage = await open({ environment: signed(permissions) });
    const path = join(folder, 'pack');
    await writeFile(path, randomBytes(1000));
    const calls: Record<string, () => Promise<unknown>> = {
      write: () => storage.putFile('data/00/pack', path),
      remove: () => storage.remove('config'),
      read: () => storage.get('config'),
      list: () => listAll(storage),
    };
    const failure = await failureOf(calls[action]?.() ?? Promise.resolve());
    expect(failure.code).toBe('storage-refused');
    expect(failure.hint).toContain(right);
    await access(path);
    expect(await listAll(await open())).toEqual(['config']);
  });

  it('that may only create leaves what is there alone', async () => {
    const storage = await open({ environment: signed('cl') });
    await storage.put('config', text('first'), { ifAbsent: true });
    /* Azure itself has a word of its own for this; Azurite only says that it is not allowed. */
    for (const options of [{ ifAbsent: true }, {}])
      expect((await failureOf(storage.put('config', text('2'), options))).code).toBe('storage-refused');
    expect(Buffer.from(await (await open()).get('config')).toString()).toBe('first');
  });

  it('that has expired says so', async () => {
    const failure = await failureOf((await open({ environment: signed('rcwdl', -60) })).get('config'));
    expect(failure.code).toBe('storage-setup');
    expect(failure.hint).toContain('AZURE_ACCOUNT_SAS');
  });
});

describe('places', () => {
  it('says that a container is not there, and makes it', async () => {
    const bucket = `${container}-new`;
    const storage = await open({ bucket });
    for (const failed of await failuresOf(
      storage.get('config'),
      storage.stat('config'),
      storage.put('config', text('x')),
      storage.remove('config'),
      listAll(storage),
    )) {
      expect(failed.code).toBe('storage-setup');
    }
    await storage.create();
    expect(await listAll(storage)).toEqual([]);
  });

  it('puts packs in the tier that was asked for, and locks in none', async () => {
    const storage = await open({ options: { storageClass: 'cool' } });
    for (const key of ['data/00/pack', 'locks/one']) await storage.put(key, text('x'));
    expect(await tierOf('data/00/pack')).toBe('Cool');
    expect(await tierOf('locks/one')).toBe('Hot');
  });

  it('says that a blob must come back from the archive first', async () => {
    const storage = await open({ options: { storageClass: 'Archive' } });
    for (const key of ['data/00/pack', 'index/one']) await storage.put(key, text('x'));
    expect(await storage.get('index/one')).toHaveLength(1);
    const failure = await failureOf(storage.get('data/00/pack'));
    expect(failure.code).toBe('storage-refused');
    expect(failure.message).toContain('archive tier');
    expect(await listAll(storage)).toEqual(['data/00/pack', 'index/one']);

    const { archive } = storage;
    if (archive === undefined) throw new Error('Azure has an archive');
    const archived: string[] = [];
    for await (const { key } of archive.list('')) archived.push(key);
    expect(archived).toEqual(['data/00/pack']);
    expect([await archive.stateOf('data/00/pack'), await archive.stateOf('index/one')]).toEqual(['archived', 'ready']);
    await archive.retrieve('data/00/pack', 'standard');
    // The emulator needs no hours.
    expect(await archive.stateOf('data/00/pack')).toBe('ready');
    expect(await storage.get('data/00/pack')).toHaveLength(1);
    expect((await failureOf(archive.stateOf('data/00/none'))).code).toBe('storage-missing');
  });

  async function tierOf(key: string): Promise<string | undefined> {
    const client = new BlobServiceClient(
      `${azurite.endpoint}/${azurite.account}`,
      new StorageSharedKeyCredential(azurite.account, azurite.key),
    );
    return (await client.getContainerClient(container).getBlobClient(`app/${key}`).getProperties()).accessTier;
  }
});

describe('a bad line', () => {
  it('gives up on a server that is frozen, and at once at a signal', async () => {
    const storage = await openProxied();
    const path = join(folder, 'frozen');
    await writeFile(path, randomBytes(2 * mebibyte));
    await storage.put('config', text('1'));
    proxy.freeze();
    for (const failed of await failuresOf(
      storage.get('config'),
      storage.stat('config'),
      storage.put('new', text('x')),
      storage.putFile('pack', path),
      listAll(storage),
    )) {
      expect(failed.code).toBe('storage-failed');
    }
    const patient = await open({ endpoint: `http://127.0.0.1:${proxy.port}` });
    await expectInterruption(patient, path);
    await access(path);
  });

  it('gives up on a server that takes the connection and does not speak', async () => {
    const mute = createServer(() => {});
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const address = mute.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const failure = await failureOf((await open({ endpoint: `https://127.0.0.1:${port}`, tuning: { limits: quick } })).get('config'));
    mute.close();
    expect(failure.code).toBe('storage-failed');
    expect(failure.message).toContain('no connection within');
  });

  it('says that nothing answers', async () => {
    const failure = await failureOf((await open({ endpoint: 'http://127.0.0.1:1' })).get('config'));
    expect(failure.code).toBe('storage-failed');
    expect(failure.message).toContain('nothing answers');
    proxy.set({ refuse: true });
    expect((await failureOf((await openProxied()).get('config'))).code).toBe('storage-failed');
  });

  it.each(cuts)('notices a body that is cut midway (%s), and the next attempt brings it whole', async (how) => {
    await expectCutNoticed(await openProxied(), proxy, how);
  });

  it.each(cuts)('shows nothing of a put that is cut midway (%s)', async (how) => {
    const sound = await open();
    await sound.put('config', text('before'));
    const [whole, blocks] = [await openProxied(), await openProxied({ largestWhole: 1000, blockSize: 256 * 1024 })];
    const data = randomBytes(2 * mebibyte);
    const path = join(folder, 'cut');
    await writeFile(path, data);
    proxy.set({ cutRequest: { after: 100_000, how } });
    for (const call of [() => whole.put('config', data), () => whole.putFile('config', path), () => blocks.putFile('config', path)]) {
      expect((await failureOf(call())).code).toBe('storage-failed');
      expect(Buffer.from(await sound.get('config')).toString()).toBe('before');
    }
    proxy.set({ cutRequest: { after: 100_000, how }, times: 1 });
    await createRetryStorage(blocks, { firstDelay: 1 }).putFile('config', path);
    expect(Buffer.compare(await sound.get('config'), data)).toBe(0);
  });

  it('keeps to the number of connections it was given', async () => {
    let [open_, most] = [0, 0];
    const counter = createServer((client) => {
      open_ += 1;
      most = Math.max(most, open_);
      client.on('error', () => {}).on('close', () => (open_ -= 1));
      setTimeout(() => client.destroy(), 20);
    });
    counter.listen(0, '127.0.0.1');
    await once(counter, 'listening');
    const address = counter.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const storage = await open({ endpoint: `http://127.0.0.1:${port}`, options: { connections: 3 } });
    await Promise.all(Array.from({ length: 12 }, () => failureOf(storage.get('config'))));
    counter.close();
    expect(most).toBe(3);
  });
});
