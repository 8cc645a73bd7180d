import { expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import type { Clock } from '../../util/clock.ts';
import { storageContract } from '../testing/contract.ts';
import { createMemoryStorage } from './memory-storage.ts';

storageContract('memory', async () => ({ storage: createMemoryStorage('test'), cleanup: async () => {} }));

const day = 86_400_000;

function adjustableClock(): Clock & { advance(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  return { now: () => new Date(now), advance: (ms) => void (now += ms) };
}

test('with a lock, what was put stays until its time, and longer where that is asked for', async () => {
  const clock = adjustableClock();
  const storage = createMemoryStorage('locked', {
    lock: { mode: 'compliance', forMs: 10 * day, clock, isLockable: (key) => !key.startsWith('locks/') },
  });
  const { retention } = storage;
  await storage.put('data/a', Buffer.from('a'));
  await storage.put('locks/a', Buffer.from('a'));
  await storage.remove('locks/a');
  await expect(storage.remove('data/a')).rejects.toSatisfy((error) => isError(error, 'storage-locked'));
  await expect(storage.put('data/a', Buffer.from('b'))).rejects.toSatisfy((error) => isError(error, 'storage-locked'));
  expect(await retention?.lockedUntil('data/a')).toEqual(new Date(Date.UTC(2026, 0, 11)));
  await retention?.extend('data/a', new Date(Date.UTC(2026, 0, 5)));
  expect(await retention?.lockedUntil('data/a')).toEqual(new Date(Date.UTC(2026, 0, 11)));
  await retention?.extend('data/a', new Date(Date.UTC(2026, 0, 21)));
  clock.advance(19 * day);
  await expect(storage.remove('data/a')).rejects.toSatisfy((error) => isError(error, 'storage-locked'));
  clock.advance(2 * day);
  expect(await retention?.lockedUntil('data/a')).toBeUndefined();
  await storage.remove('data/a');
  await expect(retention?.lockedUntil('data/a')).rejects.toSatisfy((error) => isError(error, 'storage-missing'));
});

test('one that only takes more refuses to remove and to replace', async () => {
  const storage = createMemoryStorage('append-only', { appendOnly: true });
  await storage.put('data/a', Buffer.from('a'));
  for (const key of ['data/a', 'data/b']) await expect(storage.remove(key)).rejects.toSatisfy((error) => isError(error, 'storage-denied'));
  await expect(storage.put('data/a', Buffer.from('b'))).rejects.toSatisfy((error) => isError(error, 'storage-denied'));
  await storage.put('locks/a', Buffer.from('a'));
  await storage.remove('locks/a');
});
