import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLocalStorage } from '../local/local-storage.ts';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import { storageContract } from '../testing/contract.ts';
import { createMeterStorage, type MeteredCall } from './meter-storage.ts';

storageContract('meter around memory', async () => ({ storage: createMeterStorage(createMemoryStorage()), cleanup: async () => {} }));

it('counts calls, failures and bytes by operation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-meter-'));
  try {
    const calls: MeteredCall[] = [];
    const storage = createMeterStorage(createLocalStorage(join(folder, 'repository')), (call) => calls.push(call));
    expect('local' in storage).toBe(false);
    const before = storage.counts();
    await storage.create();
    await storage.put('config', new Uint8Array(100));
    await writeFile(join(folder, 'pack'), new Uint8Array(1000));
    await storage.putFile('data/0f/pack', join(folder, 'pack'));
    await storage.get('data/0f/pack', { offset: 10, length: 30 });
    await storage.get('config');
    await expect(storage.get('nothing')).rejects.toThrow('not there');
    await storage.stat('config');
    for await (const info of storage.list('')) if (info.size > 0) break;
    await storage.remove('config');
    expect(storage.counts()).toEqual({
      create: { calls: 1, failures: 0, bytes: 0 },
      put: { calls: 1, failures: 0, bytes: 100 },
      putFile: { calls: 1, failures: 0, bytes: 1000 },
      get: { calls: 3, failures: 1, bytes: 130 },
      stat: { calls: 1, failures: 0, bytes: 0 },
      list: { calls: 1, failures: 0, bytes: 0 },
      remove: { calls: 1, failures: 0, bytes: 0 },
    });
    expect(before.get.calls).toBe(0);
    expect(calls.map((call) => call.operation)).toEqual(['create', 'put', 'putFile', 'get', 'get', 'get', 'stat', 'list', 'remove']);
    expect(calls[5]).toEqual({ operation: 'get', key: 'nothing', bytes: 0, failed: true });
  } finally {
    await rm(folder, { recursive: true });
  }
});
