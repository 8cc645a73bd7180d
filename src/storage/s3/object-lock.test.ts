/** What is put cannot be deleted before its time, not even with the key that put it; and what an attacker could do is undone by reading the past. */
import {
  DeleteObjectCommand,
  GetObjectLockConfigurationCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCeph, type Ceph } from '../../../test/harness/stores/ceph.ts';
import { systemClock, type Clock } from '../../util/clock.ts';
import { openStorage } from '../open-storage.ts';
import type { S3Address } from '../storage-address.ts';
import type { StorageLock, StorageOptions } from '../storage-options.ts';
import type { RetentionAccess, Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { createS3Storage } from './s3-storage.ts';

/* A store of several servers, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const hour = 3_600_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const isLockable = (key: string): boolean => !key.startsWith('locks/');

let ceph: Ceph;
let folder: string;
let prefix = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'));
  ceph = await startCeph();
  await ceph.createBucket('locked', { lock: true });
  await ceph.createBucket('defaulted', { lock: true });
  await ceph.createBucket('plain');
  await ceph.createBucket('versioned');
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await ceph.client.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }));
});
afterAll(async () => {
  await ceph.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Place {
  readonly url: string;
  readonly path: string;
  open(options?: StorageOptions): Promise<Storage>;
  locked(mode: StorageLock['mode'], clock?: Clock): Promise<{ storage: Storage; retention: RetentionAccess }>;
}

function place(bucket = 'locked'): Place {
  const path = `app-${(prefix += 1)}`;
  const url = `s3:${ceph.endpoint}/${bucket}/${path}`;
  const { environment } = ceph;
  const address: S3Address = { scheme: 's3', endpoint: ceph.endpoint, bucket, prefix: path, parameters: {} };
  return {
    url,
    path,
    open: (options) => openStorage(url, { environment, ...options }),
    locked: async (mode, clock = systemClock) => {
      const storage = await createS3Storage(address, { environment, lock: { mode, forMs: hour }, isLockable }, { clock });
      const { retention } = storage;
      if (retention === undefined) throw new Error('it has no locks');
      return { storage, retention };
    },
  };
}

describe.each(['governance', 'compliance'] as const)('%s', (mode) => {
  it('what is put is locked, for as long as was asked for', async () => {
    const { storage, retention } = await place().locked(mode);
    await storage.create();
    const before = systemClock.now().getTime();
    await storage.put('config', bytes('kept'), { ifAbsent: true });
    const path = join(folder, mode);
    await writeFile(path, randomBytes(2_000_000));
    await storage.putFile('data/00/pack', path);
    for (const key of ['config', 'data/00/pack']) {
      const until = await retention.lockedUntil(key);
      expect(until?.getTime()).toBeGreaterThan(before + hour - 2000);
      await expect(storage.remove(key)).rejects.toMatchObject({ code: 'storage-locked' });
      await expect(storage.put(key, bytes('other'))).rejects.toMatchObject({ code: 'storage-locked' });
    }
    await writeFile(path, bytes('other'));
    await expect(storage.putFile('config', path)).rejects.toMatchObject({ code: 'storage-locked' });
    await access(path);
    expect(await storage.get('config')).toEqual(bytes('kept'));
  });

  it('a lock is made longer, never shorter', async () => {
    const { storage, retention } = await place().locked(mode);
    await storage.put('data/00/a', bytes('kept'));
    const first = await retention.lockedUntil('data/00/a');
    await retention.extend('data/00/a', new Date(systemClock.now().getTime() + 60_000));
    expect(await retention.lockedUntil('data/00/a')).toEqual(first);
    const later = new Date(systemClock.now().getTime() + 5 * hour);
    await retention.extend('data/00/a', later);
    expect(Math.abs(Number((await retention.lockedUntil('data/00/a'))?.getTime()) - later.getTime())).toBeLessThan(1001);
    await expect(retention.extend('data/00/none', later)).rejects.toMatchObject({ code: 'storage-missing' });
    await expect(retention.lockedUntil('data/00/none')).rejects.toMatchObject({ code: 'storage-missing' });
  });
});

it('the server itself refuses to delete a locked version, whoever asks', async () => {
  const here = place();
  const { storage } = await here.locked('compliance');
  await storage.put('data/00/a', bytes('kept'));
  const [version] = await versionsOf(`${here.path}/data/00/a`);
  const target = { Bucket: 'locked', Key: `${here.path}/data/00/a`, VersionId: version };
  await expect(ceph.client.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  expect(await storage.get('data/00/a')).toEqual(bytes('kept'));
});

it('the same content again renews the lock: an earlier attempt whose answer was lost', async () => {
  const here = place();
  const { storage, retention } = await here.locked('governance');
  await storage.put('index/a', bytes('same'));
  const later = await here.locked('governance', { now: () => new Date(systemClock.now().getTime() + 600_000) });
  await createRetryStorage(later.storage).put('index/a', bytes('same'));
  expect(await versionsOf(`${here.path}/index/a`)).toHaveLength(1);
  expect((await retention.lockedUntil('index/a'))?.getTime()).toBeGreaterThan(systemClock.now().getTime() + hour + 300_000);
});

it('what is not for locking comes and goes, and leaves nothing behind', async () => {
  const here = place();
  const { storage, retention } = await here.locked('compliance');
  await storage.put('locks/one', bytes('1'));
  await storage.put('locks/one', bytes('2'));
  expect(await retention.lockedUntil('locks/one')).toBeUndefined();
  await storage.remove('locks/one');
  expect(await storage.stat('locks/one')).toBeUndefined();
  expect(await versionsOf(`${here.path}/locks/one`)).toEqual([]);
});

it('what is locked by a rule of the bucket, though it is not for locking, still goes', async () => {
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } } as const;
  await ceph.client.send(new PutObjectLockConfigurationCommand({ Bucket: 'defaulted', ObjectLockConfiguration }));
  const { storage } = await place('defaulted').locked('compliance');
  await storage.put('locks/one', bytes('1'));
  await storage.put('locks/one', bytes('2'));
  expect(await storage.get('locks/one')).toEqual(bytes('2'));
  await storage.remove('locks/one');
  expect(await storage.stat('locks/one')).toBeUndefined();
});

it('when its time is over, an object is deleted for good, and replaced', async () => {
  const here = place();
  const brief = await createS3Storage(
    { scheme: 's3', endpoint: ceph.endpoint, bucket: 'locked', prefix: here.path, parameters: {} },
    { environment: ceph.environment, lock: { mode: 'compliance', forMs: 2000 } },
  );
  await brief.put('data/00/a', bytes('first'));
  await brief.put('data/00/b', bytes('first'));
  for (const key of ['data/00/a', 'data/00/b']) while ((await brief.retention?.lockedUntil(key)) !== undefined) await sleep(200);
  await sleep(1000);
  await brief.remove('data/00/a');
  await brief.put('data/00/b', bytes('second'));
  expect(await versionsOf(`${here.path}/data/00/a`)).toEqual([]);
  expect(await versionsOf(`${here.path}/data/00/b`)).toHaveLength(1);
  expect(await brief.get('data/00/b')).toEqual(bytes('second'));
});

it('a legal hold is a lock', async () => {
  const here = place();
  const { storage } = await here.locked('governance');
  await storage.put('locks/held', bytes('x'));
  await (await here.open()).put('data/00/held', bytes('x'));
  await ceph.client.send(
    new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: `${here.path}/data/00/held`, LegalHold: { Status: 'ON' } }),
  );
  await expect(storage.remove('data/00/held')).rejects.toThrow(/until its legal hold is lifted/);
});

it('a bucket that cannot lock is refused, with what to do', async () => {
  const { storage } = await place('plain').locked('governance');
  for (const call of [() => storage.create(), () => storage.put('config', bytes('x'))])
    await expect(call()).rejects.toMatchObject({ code: 'storage-setup', hint: expect.stringContaining('object-lock-enabled') as unknown });
  expect(await storage.stat('config')).toBeUndefined();
});

describe('as of a time', () => {
  it.each(['locked', 'versioned'])('what was deleted and overwritten with the credentials of the host is back (%s)', async (bucket) => {
    const here = place(bucket);
    const storage = bucket === 'locked' ? (await here.locked('compliance')).storage : await here.open();
    const pack = randomBytes(500_000);
    const early = await momentAfter(async () => {
      await storage.put('config', bytes('true'));
    });
    const good = await momentAfter(async () => {
      await storage.put('data/00/a', pack);
      await storage.put('index/gone', bytes('i'));
      await storage.put('locks/l', bytes('l'));
      await storage.remove('locks/l');
    });
    /* The attacker. */
    for (const key of ['config', 'data/00/a', 'index/gone']) {
      const target = { Bucket: bucket, Key: `${here.path}/${key}` };
      if (key !== 'index/gone') await ceph.client.send(new PutObjectCommand({ ...target, Body: 'garbage' }));
      if (key !== 'config') await ceph.client.send(new DeleteObjectCommand(target));
    }
    await storage.put('data/00/later', bytes('later'));
    expect(await keysOf(storage)).toEqual(['config', 'data/00/later']);

    const past = await here.open({ asOf: good });
    expect(await keysOf(past)).toEqual(['config', 'data/00/a', 'index/gone']);
    expect(await past.get('config')).toEqual(bytes('true'));
    expect(Buffer.compare(await past.get('data/00/a'), pack)).toBe(0);
    expect(Buffer.compare(await past.get('data/00/a', { offset: 1000, length: 50 }), pack.subarray(1000, 1050))).toBe(0);
    expect(await past.stat('data/00/a')).toEqual({ key: 'data/00/a', size: 500_000 });
    await expect(past.get('data/00/later')).rejects.toMatchObject({ code: 'storage-missing' });
    expect(await past.stat('locks/l')).toBeUndefined();
    expect(await keysOf(await here.open({ asOf: early }))).toEqual(['config']);
  });

  it('nothing is written', async () => {
    const here = place('versioned');
    const past = await here.open({ asOf: systemClock.now() });
    for (const call of [() => past.create(), () => past.put('a', bytes('x')), () => past.putFile('a', folder), () => past.remove('a')])
      await expect(call()).rejects.toMatchObject({
        code: 'storage-refused',
        message: expect.stringContaining('for reading only') as unknown,
      });
    expect(await keysOf(past)).toEqual([]);
  });

  it('needs a bucket that keeps versions', async () => {
    const past = await place('plain').open({ asOf: systemClock.now() });
    await expect(keysOf(past)).rejects.toMatchObject({
      code: 'storage-setup',
      message: expect.stringContaining('no earlier versions') as unknown,
    });
  });
});

async function versionsOf(name: string): Promise<(string | undefined)[]> {
  const { Versions: versions = [] } = await ceph.client.send(new ListObjectVersionsCommand({ Bucket: 'locked', Prefix: name }));
  return versions.map(({ VersionId }) => VersionId);
}

async function keysOf(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list('')) keys.push(key);
  return keys.toSorted();
}

/** A time after some work and before what comes next, also for servers that count whole seconds. */
async function momentAfter(work: () => Promise<void>): Promise<Date> {
  await work();
  await sleep(1100);
  const moment = systemClock.now();
  await sleep(1100);
  return moment;
}

it('a bucket that is not there is made, with locks where those are wanted', async () => {
  const plain = await place('made').open();
  await plain.create();
  await plain.create();
  await plain.put('config', bytes('x'));
  const { storage } = await place('made-locked').locked('governance');
  await storage.create();
  const found = await ceph.client.send(new GetObjectLockConfigurationCommand({ Bucket: 'made-locked' }));
  expect(found.ObjectLockConfiguration?.ObjectLockEnabled).toBe('Enabled');
  await storage.put('config', bytes('x'));
  await expect(storage.remove('config')).rejects.toMatchObject({ code: 'storage-locked' });
});
