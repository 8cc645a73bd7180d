import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import { storageContract } from '../testing/contract.ts';
import { createThrottleStorage } from './throttle-storage.ts';

storageContract('throttle around memory', async () => ({
  storage: createThrottleStorage(createMemoryStorage(), { uploadRate: 2e9, downloadRate: 2e9 }),
  cleanup: async () => {},
}));

/** A clock that moves only when somebody waits. */
function slowTime(start = 1_000_000) {
  const time = {
    now: start,
    waited: [] as number[],
    clock: { now: () => new Date(time.now) },
    wait: async (milliseconds: number) => {
      time.waited.push(milliseconds);
      time.now += milliseconds;
    },
  };
  return time;
}

describe('throttle storage', () => {
  it('lets bytes pass at the rate allowed, up and down apart', async () => {
    const time = slowTime();
    const storage = createThrottleStorage(createMemoryStorage(), { uploadRate: 1000, downloadRate: 500, ...time });
    await storage.put('a', new Uint8Array(2000));
    await storage.put('b', new Uint8Array(500));
    await storage.get('a', { offset: 0, length: 250 });
    await storage.stat('a');
    expect(time.waited).toEqual([2000, 500, 500]);
  });

  it('makes calls at the same time share the rate', async () => {
    const time = slowTime();
    const waits: number[] = [];
    const storage = createThrottleStorage(createMemoryStorage(), {
      uploadRate: 1000,
      clock: time.clock,
      wait: async (milliseconds) => void waits.push(milliseconds),
    });
    await Promise.all([1, 2, 3].map((number) => storage.put(`k${number}`, new Uint8Array(1000))));
    expect(waits).toEqual([1000, 2000, 3000]);
  });

  it('counts files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-throttle-'));
    const time = slowTime();
    const storage = createThrottleStorage(createMemoryStorage(), { uploadRate: 1000, ...time });
    await writeFile(join(folder, 'f'), new Uint8Array(3000));
    await storage.putFile('f', join(folder, 'f'));
    expect(time.waited).toEqual([3000]);
    await rm(folder, { recursive: true });
  });

  it('saves up no unused time, and does not wait for a clock that was set back', async () => {
    const time = slowTime();
    const storage = createThrottleStorage(createMemoryStorage(), { uploadRate: 1000, ...time });
    await storage.put('a', new Uint8Array(1000));
    time.now += 3_600_000;
    await storage.put('b', new Uint8Array(1000));
    time.now -= 7_200_000;
    await storage.put('c', new Uint8Array(1000));
    /* What was owed when the clock was last seen is owed again, and no more. */
    expect(time.waited).toEqual([1000, 1000, 2000]);
  });

  it('ends the wait at a signal', async () => {
    const storage = createThrottleStorage(createMemoryStorage(), { uploadRate: 1 });
    const stop = new AbortController();
    const put = storage.put('a', new Uint8Array(1_000_000), { signal: stop.signal });
    stop.abort();
    await expect(put).rejects.toMatchObject({ code: 'interrupted' });
    expect(await storage.stat('a')).toBeUndefined();
  });

  it('refuses a rate that is none', () => {
    expect(() => createThrottleStorage(createMemoryStorage(), { uploadRate: 0 })).toThrow('0 bytes a second');
  });
});
