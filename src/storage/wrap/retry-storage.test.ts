import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HoldfastError } from '../../errors.ts';
import { createLocalStorage } from '../local/local-storage.ts';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import { storageContract } from '../testing/contract.ts';
import type { Fault } from '../testing/fault-plan.ts';
import { createFaultyStorage, type FaultyStorage } from '../testing/faulty-storage.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from './retry-storage.ts';

const soon = { firstDelay: 1, longestDelay: 2 };

storageContract('retry around memory', async () => ({ storage: createRetryStorage(createMemoryStorage(), soon), cleanup: async () => {} }));

storageContract('retry around a storage where every call may fail', async () => {
  const faults: Fault[] = [
    { operation: 'put', chance: 0.2, effect: { kind: 'fail-after' } },
    { operation: 'putFile', chance: 0.2, effect: { kind: 'fail-after' } },
    { operation: 'get', chance: 0.1, effect: { kind: 'short' } },
    { operation: 'list', chance: 0.002, effect: { kind: 'fail' } },
    ...(['put', 'putFile', 'get', 'stat', 'remove'] as const).map((operation): Fault => ({
      operation,
      chance: 0.1,
      effect: { kind: 'fail' },
    })),
  ];
  return {
    storage: createRetryStorage(createFaultyStorage(createMemoryStorage(), faults), { ...soon, retries: 12 }),
    cleanup: async () => {},
  };
});

describe('retry storage', () => {
  let memory: Storage;
  let folder: string;
  beforeEach(async () => {
    memory = createMemoryStorage();
    await memory.put('index/a', bytes('a'));
    folder = await mkdtemp(join(tmpdir(), 'holdfast-retry-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function over(...faults: readonly Fault[]): { storage: Storage; faulty: FaultyStorage; told: HoldfastError[] } {
    const faulty = createFaultyStorage(memory, faults);
    const told: HoldfastError[] = [];
    return { storage: createRetryStorage(faulty, { ...soon, onRetry: (failure) => told.push(failure) }), faulty, told };
  }

  it('tries again what failed, and tells', async () => {
    const { storage, faulty, told } = over(
      { operation: 'get', times: 2, effect: { kind: 'fail' } },
      { operation: 'get', from: 3, times: 1, effect: { kind: 'short' } },
    );
    expect(await storage.get('index/a')).toEqual(bytes('a'));
    expect(faulty.injected).toBe(3);
    expect(told.map((failure) => failure.code)).toEqual(['storage-failed', 'storage-failed', 'storage-short']);
  });

  it('gives up after the attempts allowed', async () => {
    const { storage, faulty } = over({ effect: { kind: 'fail' } });
    await expect(storage.stat('index/a')).rejects.toMatchObject({ code: 'storage-failed' });
    expect(faulty.injected).toBe(8);
  });

  it('tries nothing again in a place that was given up, until something succeeds there', async () => {
    const { storage, faulty } = over({ times: 9, effect: { kind: 'fail' } }, { from: 11, times: 1, effect: { kind: 'fail' } });
    await expect(storage.stat('index/a')).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(storage.stat('index/a')).rejects.toMatchObject({ code: 'storage-failed' });
    expect(faulty.injected).toBe(9);
    await storage.stat('index/a');
    expect(await storage.stat('index/a')).toEqual({ key: 'index/a', size: 1 });
    expect(faulty.injected).toBe(10);
  });

  it.each(['storage-missing', 'storage-full', 'storage-denied', 'storage-exists'] as const)('does not try %s again', async (code) => {
    const { storage, faulty } = over({ effect: { kind: 'fail', code } });
    await expect(storage.put('index/b', bytes('b'))).rejects.toMatchObject({ code });
    expect(faulty.injected).toBe(1);
  });

  it('knows its own object again when the answer to an ifAbsent put was lost', async () => {
    const { storage, faulty } = over({ operation: 'put', times: 1, effect: { kind: 'fail-after' } });
    await storage.put('config', bytes('mine'), { ifAbsent: true });
    expect(faulty.injected).toBe(1);
    expect(await memory.get('config')).toEqual(bytes('mine'));
  });

  it('does not take the object of another for its own', async () => {
    const { storage } = over({ operation: 'put', times: 1, effect: { kind: 'fail' } });
    await memory.put('config', bytes('else'));
    await expect(storage.put('config', bytes('mine'), { ifAbsent: true })).rejects.toMatchObject({ code: 'storage-exists' });
    expect(await memory.get('config')).toEqual(bytes('else'));
  });

  it('does not take an equal object for its own when no attempt failed before', async () => {
    const { storage } = over();
    await memory.put('config', bytes('same'));
    await expect(storage.put('config', bytes('same'), { ifAbsent: true })).rejects.toMatchObject({ code: 'storage-exists' });
  });

  it('compares again when comparing fails', async () => {
    const { storage, faulty } = over(
      { operation: 'put', times: 1, effect: { kind: 'fail-after' } },
      { operation: 'get', times: 2, effect: { kind: 'fail' } },
    );
    await storage.put('config', bytes('mine'), { ifAbsent: true });
    expect(faulty.injected).toBe(3);
  });

  it.each([
    ['mine', undefined],
    ['other', 'storage-exists'],
  ])('puts a file whose first answer was lost, where the key then holds "%s"', async (stored, code) => {
    const path = join(folder, 'file');
    await writeFile(path, 'mine');
    await memory.put('data/0f/pack', bytes(stored));
    const { storage } = over({ operation: 'putFile', times: 1, effect: { kind: 'fail' } });
    const call = storage.putFile('data/0f/pack', path, { ifAbsent: true });
    if (code === undefined) {
      await call;
      await expect(access(path)).rejects.toThrow('ENOENT');
    } else {
      await expect(call).rejects.toMatchObject({ code });
      await access(path);
    }
  });

  it('stores again what a put that failed has stored', async () => {
    const { storage } = over({ operation: 'put', times: 2, effect: { kind: 'fail-after' } });
    await storage.put('index/b', bytes('b'));
    expect(await memory.get('index/b')).toEqual(bytes('b'));
  });

  it('goes on with a listing that broke off, telling each object once', async () => {
    const keys = ['index/a', 'index/b', 'index/c', 'index/d'];
    for (const key of keys) await memory.put(key, bytes(key));
    const { storage, faulty } = over(
      { operation: 'list', from: 3, times: 1, effect: { kind: 'fail' } },
      { operation: 'list', from: 6, times: 1, effect: { kind: 'fail' } },
    );
    const seen: string[] = [];
    for await (const info of storage.list('index/')) seen.push(info.key);
    expect(seen).toEqual(keys);
    expect(faulty.injected).toBe(2);
  });

  it('stops waiting at a signal', async () => {
    const stop = new AbortController();
    const failing = createFaultyStorage(memory, [{ effect: { kind: 'fail' } }]);
    const storage = createRetryStorage(failing, {
      firstDelay: 1_000_000,
      longestDelay: 1_000_000,
      onRetry: () => setImmediate(() => stop.abort()),
    });
    await expect(storage.get('index/a', undefined, stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(failing.injected).toBe(1);
  });

  it('passes local access on', () => {
    expect(createRetryStorage(createLocalStorage(folder)).local?.path('config')).toBe(join(folder, 'config'));
    expect('local' in createRetryStorage(memory)).toBe(false);
  });
});

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
