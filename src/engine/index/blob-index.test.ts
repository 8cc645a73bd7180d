import { randomBytes, randomFillSync } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BlobType } from '../pack/pack-header.ts';
import { BlobIndex } from './blob-index.ts';
import { EntryBlock } from './entry-block.ts';
import type { ClaimWork } from './testing/claim-worker.ts';

function wordsOf(id: string): Uint32Array {
  return new Uint32Array(Uint8Array.from(Buffer.from(id, 'hex')).buffer);
}

function idOfNumber(number: number): string {
  return Buffer.from(Uint32Array.of(number).buffer).toString('hex').padEnd(64, '0');
}

/** Ids that share long beginnings and ends, so that nothing but all of their bytes tells them apart. */
const id = fc.oneof(
  fc.integer({ min: 0, max: 30 }).map((number) => number.toString(16).padStart(64, '0')),
  fc.integer({ min: 0, max: 30 }).map((number) => number.toString(16).padEnd(64, 'f')),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
);
const type = fc.constantFrom<BlobType>('data', 'tree');
const place = fc.tuple(
  fc.integer({ min: 0, max: 0x7fff_fffe }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.integer({ min: 32, max: 0xffff_ffff }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const step = fc.record({ kind: fc.constantFrom('add', 'claim', 'find'), id, type, place });

test('does what a Map of lists would do', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const index = BlobIndex.create();
      const model = new Map<string, number[][]>();
      for (const { kind, id: blobId, type: blobType, place: where } of steps) {
        const key = `${blobType} ${blobId}`;
        const known = model.get(key) ?? [];
        if (kind === 'add') {
          index.add(wordsOf(blobId), blobType, ...where);
          model.set(key, [...known, where]);
        } else if (kind === 'claim') {
          const entry = index.claim(wordsOf(blobId), blobType);
          expect(entry >= 0).toBe(known.length === 0);
          if (entry < 0) continue;
          index.settle(entry, ...where);
          model.set(key, [where]);
        }
        expect(index.has(blobId, blobType)).toBe(model.has(key));
      }
      for (const [key, places] of model) {
        const [blobType = '', blobId = ''] = key.split(' ');
        const entries = index.findAll(blobId, blobType === 'tree' ? 'tree' : 'data');
        expect(
          entries.map((entry) => [index.packOf(entry), index.offsetOf(entry), index.lengthOf(entry), index.uncompressedLengthOf(entry)]),
        ).toEqual(places);
        for (const entry of entries)
          expect([index.idOf(entry), index.typeOf(entry), index.findSame(entry)]).toEqual([blobId, blobType, entries[0]]);
        expect(index.find(blobId, blobType === 'tree' ? 'tree' : 'data')).toBe(entries[0]);
      }
    }),
    { numRuns: 200 },
  );
});

test('many entries at once are as if they had come one by one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(id, type, place), { maxLength: 40 }), { maxLength: 6 }), (blocks) => {
      const [one, many] = [BlobIndex.create(), BlobIndex.create()];
      for (const entries of blocks) {
        const block = new EntryBlock();
        for (const [blobId, blobType, where] of entries) {
          one.add(wordsOf(blobId), blobType, ...where);
          block.add(wordsOf(blobId), blobType, ...where);
        }
        many.addAll(block.words);
      }
      expect(many.size).toBe(one.size);
      for (const [blobId, blobType] of blocks.flat()) expect(many.findAll(blobId, blobType)).toEqual(one.findAll(blobId, blobType));
      for (let entry = 0; entry < one.size; entry += 1)
        expect([many.idOf(entry), many.packOf(entry), many.place(entry)]).toEqual([one.idOf(entry), one.packOf(entry), one.place(entry)]);
    }),
    { numRuns: 100 },
  );
});

test('a block takes more than it had room for', () => {
  const block = new EntryBlock();
  for (let number = 0; number < 5000; number += 1) block.add(Uint32Array.of(number, 0, 0, 0, 0, 0, 0, 0), 'data', 1, number, 40, 0);
  const index = BlobIndex.create();
  index.addAll(block.words);
  expect(index.size).toBe(5000);
  for (const number of [0, 1023, 1024, 4999]) expect(index.offsetOf(index.find(idOfNumber(number), 'data'))).toBe(number);
});

test('packs have numbers, given at the first mention or by name', () => {
  const index = BlobIndex.create();
  expect([index.packNumber('aa'), index.packNumber('bb'), index.packNumber('aa')]).toEqual([0, 1, 0]);
  index.namePack(2, 'cc');
  expect([index.packNumber('cc'), index.packNumber('dd'), index.packs]).toEqual([2, 3, ['aa', 'bb', 'cc', 'dd']]);
  index.add(wordsOf('01'.repeat(32)), 'tree', 3, 5, 132, 0);
  const entry = index.find('01'.repeat(32), 'tree');
  expect(index.place(entry)).toEqual({ pack: 'dd', type: 'tree', offset: 5, length: 132, uncompressedLength: 0 });
  expect(index.contentLengthOf(entry)).toBe(100);
});

describe('a million blobs', () => {
  const count = 1_000_000;
  const ids = randomFillSync(Buffer.from(new SharedArrayBuffer(count * 32)));

  test.each([
    ['that were not expected', 0],
    ['that were', count],
  ])('%s: found over all levels, in less than 100 bytes each', (_, expected) => {
    const index = BlobIndex.create(expected);
    for (let at = 0; at < count; at++)
      index.add(new Uint32Array(ids.buffer, at * 32, 8), at % 2 === 0 ? 'data' : 'tree', at % 5000, at, 1000, 0);
    expect(index.size).toBe(count);
    const { control, entries, slots } = index.shared;
    expect((control.byteLength + entries.byteLength + slots.byteLength) / count).toBeLessThan(100);
    let wrong = 0;
    for (let at = 0; at < count; at += 37) {
      const blobId = ids.toString('hex', at * 32, at * 32 + 32);
      const entry = index.find(blobId, at % 2 === 0 ? 'data' : 'tree');
      if (entry !== at || index.offsetOf(entry) !== at || index.has(blobId, at % 2 === 0 ? 'tree' : 'data')) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(index.has(randomBytes(32).toString('hex'), 'data')).toBe(false);
  });

  test('what one thread adds another sees, also after growth', async () => {
    const some = 60_000;
    const index = BlobIndex.create();
    const shared = new SharedArrayBuffer(some * 32);
    Buffer.from(shared).set(ids.subarray(0, some * 32));
    const won = await claimInTwoThreads(index, shared);
    const winners = new Map<number, number>();
    for (const at of won.flatMap((list) => [...list])) winners.set(at, (winners.get(at) ?? 0) + 1);
    // Every id is won; twice only by two who looked in the instant when a level was opened: nearly never.
    expect(winners.size).toBe(some);
    expect([...winners.values()].filter((times) => times > 1).length).toBeLessThan(20);
    expect(won.every((list) => list.length > 0)).toBe(true);
    let wrong = 0;
    for (let at = 0; at < some; at++) {
      const blobId = ids.toString('hex', at * 32, at * 32 + 32);
      const entry = index.find(blobId, at % 3 === 0 ? 'tree' : 'data');
      if (entry < 0 || index.packOf(entry) !== at % 1000 || index.offsetOf(entry) !== at || index.idOf(entry) !== blobId) wrong += 1;
    }
    expect(wrong).toBe(0);
  });
});

async function claimInTwoThreads(index: BlobIndex, ids: SharedArrayBuffer): Promise<Int32Array[]> {
  const gate = new SharedArrayBuffer(4);
  const works: ClaimWork[] = [
    { shared: index.shared, ids, first: 0, step: 1, gate },
    // A little ahead, so that the two meet again and again.
    { shared: index.shared, ids, first: 11, step: 1, gate },
  ];
  return Promise.all(
    works.map(
      (workerData) =>
        new Promise<Int32Array>((resolve, reject) => {
          const worker = new Worker(new URL('./testing/claim-worker.ts', import.meta.url), { workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
}
