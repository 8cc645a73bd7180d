/** What a driver does on a bad line, whichever server is at its other end. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { FaultProxy } from '../../../test/harness/stores/fault-proxy.ts';
import { isError } from '../../errors.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';

/** The ways in which a line ends. */
export const cuts = ['close', 'reset', 'freeze'] as const;

const mebibyte = 2 ** 20;

/** Every call ends at its signal, on a server that is frozen. `path` is a file of this machine. */
export async function expectInterruption(storage: Storage, path: string): Promise<void> {
  for (const start of [
    (signal: AbortSignal) => storage.get('config', undefined, signal),
    (signal: AbortSignal) => storage.put('new', new TextEncoder().encode('x'), { signal }),
    (signal: AbortSignal) => storage.putFile('pack', path, { signal }),
    (signal: AbortSignal) => storage.list('', signal)[Symbol.asyncIterator]().next(),
  ]) {
    const stop = new AbortController();
    const call = start(stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(call).rejects.toSatisfy((error) => isError(error, 'interrupted'));
  }
}

/** A body that is cut midway is never taken for a whole one, and the next attempt brings it. */
export async function expectCutNoticed(storage: Storage, proxy: FaultProxy, how: (typeof cuts)[number]): Promise<void> {
  const data = randomBytes(3 * mebibyte);
  await storage.put('data/00/pack', data);
  proxy.set({ cut: { after: mebibyte, how } });
  for (const range of [undefined, { offset: 1, length: 2 * mebibyte }])
    await expect(storage.get('data/00/pack', range)).rejects.toSatisfy((error) => isError(error, 'storage-failed'));
  proxy.set({ cut: { after: mebibyte, how }, times: 1 });
  const found = await createRetryStorage(storage, { firstDelay: 1 }).get('data/00/pack');
  expect(Buffer.compare(found, data)).toBe(0);
  expect(proxy.hits()).toBe(1);
}
