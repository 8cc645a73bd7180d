import { expect, test } from 'vitest';
import { copyWal, type CopiedWal } from './copy-wal.ts';
import { openWalArchive } from './open-wal-archive.ts';
import type { KeptBase } from './plan-expiry.ts';
import { atItsMinute as at, makeArchive, position, type MadeArchive } from './testing/build-archive.ts';
import { createMemoryObjects, type MemoryObjects } from './testing/memory-objects.ts';

const fork = position(8, 300);
const signal = new AbortController().signal;

function make(until = position(14, 500)): Promise<MadeArchive> {
  return makeArchive(
    [
      { timeline: 1, from: position(2), to: fork, at },
      { timeline: 2, from: position(8), to: until, at },
    ],
    { 2: [[1, fork]] },
  );
}

function copy({ objects, archive }: MadeArchive, to: MemoryObjects, bases: readonly KeptBase[]): Promise<CopiedWal> {
  return copyWal({ from: objects, to, systemId: archive.systemId, bases, signal });
}

const base = { timeline: 1, startLsn: position(5, 40) };

test('what the base backups need comes along, and can be read there', async () => {
  const made = await make();
  const to = createMemoryObjects();
  const copied = await copy(made, to, [base]);
  // Segments 5 to 7, a part of 8 and its history; 8 to 13 of the second timeline and a part of 14.
  expect(copied.objects).toBe(3 + 1 + 1 + 6 + 1);
  const there = openWalArchive(to, made.archive.systemId);
  const [first, second] = await there.coverage();
  expect(first?.ranges).toEqual([{ start: position(5), end: fork }]);
  expect(second?.ranges).toEqual([{ start: position(8), end: position(14, 500) }]);
  expect(await there.readHistory(2)).toEqual(await made.archive.readHistory(2));
});

test('a second time only what is new, and parts give way to the whole segment', async () => {
  const early = await make();
  const to = createMemoryObjects();
  await copy(early, to, [base]);
  expect((await copy(early, to, [base])).objects).toBe(0);
  const later = await make(position(16, 100));
  const copied = await copy(later, to, [base]);
  expect(copied.objects).toBe(2 + 1);
  const [, second] = await openWalArchive(to, later.archive.systemId).timelines();
  expect([...(second?.parts.keys() ?? [])]).toHaveLength(1);
  expect((await openWalArchive(to, later.archive.systemId).coverage())[1]?.ranges).toEqual([
    { start: position(8), end: position(16, 100) },
  ]);
});

test('nothing without a base backup there', async () => {
  const made = await make();
  const to = createMemoryObjects();
  expect(await copy(made, to, [])).toEqual({ objects: 0, bytes: 0 });
});

test('a part that a receiver removes meanwhile comes as the whole segment', async () => {
  const made = await make();
  const later = await make(position(15));
  const to = createMemoryObjects();
  const racing = {
    ...made.objects,
    list: (prefix: string) => made.objects.list(prefix),
    get: async (name: string) => {
      if (name.includes('.part.') && name.includes('/00000002/')) {
        await made.objects.remove(name);
        const whole = name.slice(0, name.indexOf('.part.'));
        const { header, body } = await later.objects.get(whole);
        await made.objects.put(whole, header, body);
      }
      return made.objects.get(name);
    },
    head: (name: string) => made.objects.head(name),
    put: () => Promise.reject(new Error('nothing is written where it is copied from')),
    remove: () => Promise.reject(new Error('nothing is removed where it is copied from')),
  };
  await copyWal({ from: racing, to, systemId: made.archive.systemId, bases: [base], signal });
  const [, second] = await openWalArchive(to, made.archive.systemId).coverage();
  expect(second?.ranges).toEqual([{ start: position(8), end: position(15) }]);
});
