/** What people meet who set a bucket up, or lose the line to it: each case is a real answer of a real server. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { hash, randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCeph, type Ceph, type S3Keys } from '../../../test/harness/stores/ceph.ts';
import { startFaultProxy, type FaultProxy } from '../../../test/harness/stores/fault-proxy.ts';
import type { ErrorCode } from '../../errors.ts';
import { openStorage } from '../open-storage.ts';
import type { S3Address } from '../storage-address.ts';
import type { StorageOptions } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { createS3Storage, type S3Internals } from './s3-storage.ts';

/* A store of several servers, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const mebibyte = 2 ** 20;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let ceph: Ceph;
let other: S3Keys;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  ceph = await startCeph({ storageClasses: true });
  other = await ceph.addUser('other');
  for (const bucket of ['plain', 'small', 'rights', 'faults']) await ceph.createBucket(bucket);
});
afterAll(async () => {
  await ceph.stop();
  await rm(folder, { recursive: true, force: true });
});

function open(bucket: string, options: StorageOptions = {}): Promise<Storage> {
  return openStorage(`s3:${ceph.endpoint}/${bucket}/app`, { environment: ceph.environment, ...options });
}

async function fails(call: Promise<unknown>, code: ErrorCode, text: RegExp): Promise<void> {
  const error: unknown = await call.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  const shown = error instanceof Error && 'hint' in error ? `${error.message} ${String(error.hint)}` : '';
  expect(shown).toMatch(text);
  expect(shown).not.toContain(ceph.secretKey);
  expect(shown).not.toContain(other.secretKey);
}

it.each([1, 6])(
  'a hash that the caller knows goes with a file of %d MiB: the server takes no other content under it',
  async (mebibytes) => {
    const storage = await open('plain');
    const content = randomBytes(mebibytes * mebibyte);
    const path = join(folder, `known-${mebibytes}`);
    const put = async (): Promise<void> => storage.putFile(`data/known-${mebibytes}`, path, { sha256: hash('sha256', content) });
    const other = Buffer.from(content);
    other[mebibyte - 1] = (other[mebibyte - 1] ?? 0) ^ 1;
    await writeFile(path, other);
    await fails(put(), 'storage-failed', /ContentSHA256Mismatch/);
    await fails(storage.get(`data/known-${mebibytes}`), 'storage-missing', /known/);
    await writeFile(path, content);
    await put();
    expect(content.equals(await storage.get(`data/known-${mebibytes}`))).toBe(true);
  },
);

describe('the address and the key', () => {
  it('a bucket that is not there', async () => {
    const storage = await open('nowhere');
    await fails(storage.put('config', bytes('x')), 'storage-setup', /no bucket "nowhere"/);
    await fails(storage.get('config'), 'storage-setup', /no bucket "nowhere"/);
  });

  it('a key that nobody knows, and a wrong secret', async () => {
    const unknown = await open('plain', { environment: { AWS_ACCESS_KEY_ID: 'NOBODY', AWS_SECRET_ACCESS_KEY: 'x' } });
    await fails(unknown.create(), 'storage-setup', /access key is not known.*AWS_ACCESS_KEY_ID/);
    const wrong = await open('plain', { environment: { AWS_ACCESS_KEY_ID: ceph.accessKey, AWS_SECRET_ACCESS_KEY: 'x' } });
    await fails(wrong.create(), 'storage-setup', /secret key does not belong/);
  });

  it('half a key', async () => {
    await fails(open('plain', { environment: { AWS_ACCESS_KEY_ID: 'A' } }), 'storage-setup', /AWS_SECRET_ACCESS_KEY is not set/);
  });

  it('a key from a profile in a file of its own', async () => {
    const path = join(folder, 'credentials');
    await writeFile(path, `[backups]\naws_access_key_id = ${ceph.accessKey}\naws_secret_access_key = ${ceph.secretKey}\n`);
    const storage = await open('plain', { environment: { AWS_PROFILE: 'backups', AWS_SHARED_CREDENTIALS_FILE: path } });
    await storage.put('snapshots/by-profile', bytes('x'));
    expect(await storage.stat('snapshots/by-profile')).toEqual({ key: 'snapshots/by-profile', size: 1 });
  });

  it('no key at all', async () => {
    const environment = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'), AWS_CONFIG_FILE: join(folder, 'none') };
    await fails((await open('plain', { environment })).create(), 'storage-setup', /no credentials.*AWS_PROFILE/);
  });

  it('a server that speaks no TLS', async () => {
    const storage = await openStorage(`s3:${ceph.endpoint.replace('http:', 'https:')}/plain`, { environment: ceph.environment });
    await fails(storage.create(), 'storage-setup', /does not speak TLS/);
  });

  it('a storage class that is not known', async () => {
    const storage = await open('plain', { storageClass: 'NO_SUCH_CLASS' });
    await fails(storage.put('data/00/a', bytes('x')), 'storage-setup', /storage class/);
    const known = await open('plain', { storageClass: 'STANDARD_IA' });
    await known.put('data/00/a', bytes('x'));
    const [listed] = await sizes(known);
    expect(listed).toEqual(['data/00/a', 1]);
  });
});

it('an archive class is for packs and archives, not for what finds them', async () => {
  const storage = await open('plain', { storageClass: 'GLACIER' });
  const classes: Record<string, string> = {};
  const keys = ['config', 'keys/k', 'index/i', 'snapshots/s', 'locks/l', 'holdfast/wal/w', 'data/00/glacier', 'app.tar.age'];
  for (const key of keys) {
    await storage.put(key, bytes('x'));
    const head = await ceph.client.send(new HeadObjectCommand({ Bucket: 'plain', Key: `app/${key}` }));
    classes[key] = head.StorageClass ?? 'STANDARD';
  }
  const archived = Object.keys(classes).filter((key) => classes[key] === 'GLACIER');
  expect(archived).toEqual(['data/00/glacier', 'app.tar.age']);
});

describe('rights', () => {
  it('none', async () => {
    const storage = await open('rights', { environment: other.environment });
    await fails(storage.create(), 'storage-refused', /access is denied; the key needs s3:ListBucket on the bucket rights/);
    await fails(storage.put('config', bytes('x')), 'storage-refused', /Cannot write config .* needs s3:PutObject on rights\/\*/);
  });

  it('only to read', async () => {
    await (await open('rights')).put('config', bytes('there'));
    await ceph.allow('rights', 'other', ['s3:GetObject', 's3:ListBucket']);
    const storage = await open('rights', { environment: other.environment });
    await storage.create();
    expect(await storage.get('config')).toEqual(bytes('there'));
    expect(await sizes(storage)).toEqual([['config', 5]]);
    await fails(storage.put('config', bytes('x')), 'storage-refused', /s3:PutObject/);
    await fails(storage.remove('config'), 'storage-refused', /s3:DeleteObject/);
    const path = join(folder, 'pack');
    await writeFile(path, randomBytes(mebibyte));
    await fails(storage.putFile('data/00/a', path), 'storage-refused', /s3:PutObject/);
    await access(path);
  });

  it('only to write', async () => {
    await ceph.allow('rights', 'other', ['s3:PutObject']);
    const storage = await open('rights', { environment: other.environment });
    await storage.put('written', bytes('x'));
    await storage.put('written-once', bytes('x'), { ifAbsent: true });
    await fails(storage.get('config'), 'storage-refused', /s3:GetObject/);
    await fails(sizes(storage), 'storage-refused', /s3:ListBucket/);
    /* What it wrote is its own: not even the owner of the bucket may read it. */
    const found = await sizes(await open('rights'));
    expect(found.map(([key]) => key)).toEqual(expect.arrayContaining(['config', 'written', 'written-once']));
  });
});

it('a full quota', async () => {
  await ceph.setQuota('small', mebibyte);
  const storage = await open('small');
  await storage.put('data/00/a', new Uint8Array(mebibyte / 2));
  await fails(storage.put('data/00/b', new Uint8Array(mebibyte)), 'storage-quota', /the quota of the bucket.*used up/);
});

describe('a file', () => {
  const internals: S3Internals = { largestSinglePut: 6 * mebibyte, partSize: 5 * mebibyte };
  const address = (): S3Address => ({ scheme: 's3', endpoint: ceph.endpoint, bucket: 'plain', prefix: 'app', parameters: {} });

  it('that is large goes up in parts', async () => {
    const storage = await createS3Storage(address(), { environment: ceph.environment }, internals);
    const content = randomBytes(17 * mebibyte + 3);
    const path = join(folder, 'large');
    await writeFile(path, content);
    await storage.putFile('data/00/large', path);
    expect(Buffer.compare(await storage.get('data/00/large'), content)).toBe(0);
    await expect(access(path)).rejects.toThrow('ENOENT');
    await writeFile(path, content);
    await fails(storage.putFile('data/00/large', path, { ifAbsent: true }), 'storage-exists', /there already/);
    await fails(storage.putFile('data/00/other', path, { signal: AbortSignal.abort() }), 'interrupted', /interrupted/);
    await access(path);
  });

  it('that becomes shorter on its way stays, and nothing is stored', async () => {
    const storage = await createS3Storage(address(), { environment: ceph.environment }, internals);
    const path = join(folder, 'shrinking');
    await writeFile(path, randomBytes(17 * mebibyte));
    const put = storage.putFile('data/00/shrinking', path);
    await truncate(path, 3 * mebibyte);
    await fails(put, 'storage-failed', /shorter/);
    expect((await stat(path)).size).toBe(3 * mebibyte);
    expect(await storage.stat('data/00/shrinking')).toBeUndefined();
  });
});

describe('a bad line', () => {
  let proxy: FaultProxy;
  let storage: Storage;
  const content = randomBytes(3 * mebibyte);
  beforeAll(async () => {
    proxy = await startFaultProxy(ceph.port);
    await (await open('faults')).put('data/00/a', content);
  });
  afterAll(() => proxy.stop());
  beforeEach(async () => {
    proxy.set({});
    storage = await overProxy({ connect: 2000, silence: 1500 });
  });

  function overProxy(limits: { connect: number; silence: number }): Promise<Storage> {
    const address = { scheme: 's3', endpoint: `http://127.0.0.1:${proxy.port}`, bucket: 'faults', prefix: 'app', parameters: {} } as const;
    return createS3Storage(address, { environment: ceph.environment }, { limits });
  }

  it.each(['close', 'reset'] as const)('a body that is cut midway (%s) is worth a retry', async (how) => {
    proxy.set({ cut: { after: 1_000_000, how }, times: 1 });
    await fails(storage.get('data/00/a'), 'storage-failed', /connection was cut/);
    expect(proxy.hits()).toBe(1);
    proxy.set({ cut: { after: 1_000_000, how }, times: 2 });
    const patient = createRetryStorage(storage, { firstDelay: 1 });
    expect(Buffer.compare(await patient.get('data/00/a'), content)).toBe(0);
    expect(proxy.hits()).toBe(2);
  });

  it.each(['close', 'reset'] as const)('a put that is cut midway (%s) leaves nothing behind', async (how) => {
    proxy.set({ cutRequest: { after: 1_000_000, how } });
    const path = join(folder, `cut-${how}`);
    await writeFile(path, content);
    await fails(storage.putFile('data/00/cut', path), 'storage-failed', /connection was cut|server answers/);
    await access(path);
    expect(await (await open('faults')).stat('data/00/cut')).toBeUndefined();
  });

  it('refused connections', async () => {
    proxy.set({ refuse: true });
    await fails(storage.get('data/00/a'), 'storage-failed', /connection was cut/);
    await fails(sizes(storage), 'storage-failed', /connection was cut/);
    const nowhere = await openStorage('s3:http://127.0.0.1:1/faults', { environment: ceph.environment });
    await fails(nowhere.stat('config'), 'storage-failed', /ECONNREFUSED/);
  });

  it('a server that freezes: before its answer, within it, and while it takes a file', async () => {
    proxy.set({ cutRequest: { after: 0, how: 'freeze' } });
    await fails(storage.get('data/00/a'), 'storage-failed', /does not answer/);
    proxy.set({ cut: { after: 1_000_000, how: 'freeze' } });
    await fails(storage.get('data/00/a'), 'storage-failed', /does not answer/);
    proxy.set({ cutRequest: { after: 1_000_000, how: 'freeze' } });
    await fails(storage.put('data/00/frozen', content), 'storage-failed', /does not answer/);
  });

  it('a signal ends what waits for a frozen server', async () => {
    const patient = await overProxy({ connect: 60_000, silence: 60_000 });
    proxy.set({ cut: { after: 1_000_000, how: 'freeze' } });
    const stop = new AbortController();
    const reading = patient.get('data/00/a', undefined, stop.signal);
    while (proxy.hits() === 0) await sleep(10);
    stop.abort();
    await fails(reading, 'interrupted', /interrupted/);
  });

  it('a bit that turns on the way down is there for the engine to see', async () => {
    proxy.set({ flip: { at: 2_000_000 } });
    const read = await storage.get('data/00/a');
    expect(proxy.hits()).toBe(1);
    expect(read.length).toBe(content.length);
    expect(Buffer.compare(read, content)).not.toBe(0);
  });

  it('a bit that turns on the way up is noticed by the server, and nothing is stored', async () => {
    const path = join(folder, 'flipped');
    await writeFile(path, content);
    const puts = [(place: Storage) => place.putFile('data/00/flipped', path), (place: Storage) => place.put('data/00/flipped', content)];
    for (const put of puts) {
      proxy.set({ flipRequest: { at: 2_000_000 }, times: 1 });
      /* With connections of its own: the proxy has cut those there were. */
      await fails(put(await overProxy({ connect: 2000, silence: 1500 })), 'storage-failed', /server answers/);
      expect(proxy.hits()).toBe(1);
      expect(await (await open('faults')).stat('data/00/flipped')).toBeUndefined();
    }
    await access(path);
    proxy.set({ flipRequest: { at: 2_000_000 }, times: 1 });
    await createRetryStorage(storage, { firstDelay: 1 }).putFile('data/00/flipped', path);
    expect(Buffer.compare(await storage.get('data/00/flipped'), content)).toBe(0);
  });

  it('more calls than connections wait in line', async () => {
    const narrow = await openStorage(`s3:${ceph.endpoint}/faults/app`, { environment: ceph.environment, connections: 1 });
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, index) => narrow.get('data/00/a', { offset: index * 1000, length: 1000 })),
    );
    for (const [index, part] of all.entries()) expect(Buffer.compare(part, content.subarray(index * 1000, index * 1000 + 1000))).toBe(0);
  });

  it('a slow line with chance resets is borne by the retry wrapper', async () => {
    proxy.set({ latency: { from: 0, to: 3 }, cut: { after: 300, how: 'reset' }, chance: 0.3 });
    const patient = createRetryStorage(await overProxy({ connect: 10_000, silence: 60_000 }), {
      firstDelay: 1,
      longestDelay: 20,
      retries: 12,
    });
    const keys = Array.from({ length: 40 }, (_, index) => `index/${index}`);
    await Promise.all(keys.map((key) => patient.put(key, bytes(key), { ifAbsent: true })));
    for (const key of keys) expect(await patient.get(key)).toEqual(bytes(key));
    expect(proxy.hits()).toBeGreaterThan(0);
  });
});

it('what was put survives a power cut of the servers', async () => {
  const durable = await startCeph({ store: 'bluestore' });
  try {
    await durable.createBucket('kept');
    const storage = await openStorage(`s3:${durable.endpoint}/kept`, { environment: durable.environment });
    const content = randomBytes(2 * mebibyte);
    await storage.put('data/00/a', content);
    await durable.kill();
    await fails(storage.get('data/00/a'), 'storage-failed', /ECONNREFUSED|cut/);
    await durable.restart();
    const patient = createRetryStorage(storage, { retries: 30, firstDelay: 100, longestDelay: 1000 });
    expect(Buffer.compare(await patient.get('data/00/a'), content)).toBe(0);
  } finally {
    await durable.stop();
  }
});

async function sizes(storage: Storage): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { key, size } of storage.list('')) found.push([key, size]);
  return found;
}
