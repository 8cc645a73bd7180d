import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import type { Storage } from '../storage.ts';
import { storageContract } from './contract.ts';
import type { Fault } from './fault-plan.ts';
import { createFaultyStorage } from './faulty-storage.ts';

storageContract('a faulty storage without faults', async () => ({
  storage: createFaultyStorage(createMemoryStorage(), []),
  cleanup: async () => {},
}));

describe('faulty storage', () => {
  const content = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);

  async function over(...faults: readonly Fault[]): Promise<{ storage: Storage; memory: Storage }> {
    const memory = createMemoryStorage();
    for (const key of ['index/a', 'index/b', 'index/c']) await memory.put(key, content);
    return { memory, storage: createFaultyStorage(memory, faults) };
  }

  it('hits the calls of the plan by operation, key and number', async () => {
    const { storage } = await over({ operation: 'get', key: /\/b$/, from: 2, times: 1, effect: { kind: 'fail', code: 'storage-denied' } });
    await storage.get('index/a');
    await storage.get('index/a');
    await storage.get('index/b');
    await expect(storage.get('index/b')).rejects.toMatchObject({ code: 'storage-denied' });
    await storage.get('index/b');
    await storage.stat('index/b');
  });

  it('flips one bit, the same for the same seed', async () => {
    const flipped = [];
    for (const seed of [1, 1, 2]) {
      const storage = createFaultyStorage((await over()).memory, [{ effect: { kind: 'flip' } }], seed);
      flipped.push(Buffer.from(await storage.get('index/a')).toString('hex'));
    }
    expect(flipped[0]).toBe(flipped[1]);
    expect(flipped[0]).not.toBe(flipped[2]);
    const { storage } = await over({ effect: { kind: 'flip', bit: 17 } });
    const data = await storage.get('index/a');
    expect(data[2]).toBe(2 ^ 2);
    expect(Buffer.compare(data.subarray(3), content.subarray(3))).toBe(0);
  });

  it('reads short: noticed, and not', async () => {
    await expect((await over({ effect: { kind: 'short' } })).storage.get('index/a')).rejects.toMatchObject({ code: 'storage-short' });
    expect(await (await over({ effect: { kind: 'truncate' } })).storage.get('index/a')).toHaveLength(500);
  });

  it('makes objects vanish', async () => {
    const { storage } = await over({ key: /b$/, effect: { kind: 'vanish' } });
    await expect(storage.get('index/b')).rejects.toMatchObject({ code: 'storage-missing' });
    expect(await storage.stat('index/b')).toBeUndefined();
    expect(await keysOf(storage)).toEqual(['index/a', 'index/c']);
  });

  it('fails after the work, and does no work without failing', async () => {
    const { storage, memory } = await over(
      { operation: 'put', key: /stored/, effect: { kind: 'fail-after' } },
      { operation: 'put', key: /lost/, effect: { kind: 'lose' } },
      { operation: 'remove', key: /a$/, effect: { kind: 'lose' } },
    );
    await expect(storage.put('stored', content)).rejects.toMatchObject({ code: 'storage-failed' });
    await storage.put('lost', content);
    await storage.remove('index/a');
    expect(await keysOf(memory)).toEqual(['index/a', 'index/b', 'index/c', 'stored']);
  });

  it('breaks a listing off, and delays calls until a signal', async () => {
    const { storage } = await over(
      { operation: 'list', from: 2, effect: { kind: 'fail' } },
      { operation: 'get', effect: { kind: 'delay', milliseconds: 1_000_000 } },
    );
    await expect(keysOf(storage)).rejects.toMatchObject({ code: 'storage-failed' });
    const stop = new AbortController();
    const get = storage.get('index/a', undefined, stop.signal);
    stop.abort();
    await expect(get).rejects.toMatchObject({ code: 'interrupted' });
  });
});

async function keysOf(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of storage.list('')) keys.push(info.key);
  return keys.toSorted();
}
