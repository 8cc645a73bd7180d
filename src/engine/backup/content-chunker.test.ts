import { hash, randomBytes, randomInt } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomPolynomial } from '../chunk/polynomial.ts';
import { chunkSizes } from '../chunk/testing/reference-rabin.ts';
import { createKernelMemory, loadKernels } from '../kernels/kernels.ts';
import { ContentChunker } from './content-chunker.ts';
import { FileContent } from './file-content.ts';
import { createSharedState, leastChunk, memorySize, mostChunk, regionSize, type SharedState } from './shared-state.ts';

const threads = 3;
const polynomial = randomPolynomial();
let shared: SharedState;
let chunker: ContentChunker;
const workers: Worker[] = [];

beforeAll(() => {
  shared = createSharedState(createKernelMemory(memorySize(threads)));
  chunker = new ContentChunker(shared, threads, loadKernels(shared.memory), polynomial, () => {});
  for (let i = 1; i < threads; i++) workers.push(new Worker(new URL('./testing/hash-worker.ts', import.meta.url), { workerData: shared }));
});
afterAll(async () => {
  chunker.finish();
  await Promise.all(workers.map((worker) => worker.terminate()));
});

/** Reads like a file of these bytes, in pieces of at most `most`, or of any size. */
function reader(data: Uint8Array, mostAtOnce = Infinity): (address: number, most: number) => number {
  let at = 0;
  return (address, most) => {
    const size = Math.min(most, data.length - at, mostAtOnce === 0 ? randomInt(1, 700_000) : mostAtOnce);
    chunker.bytes.set(data.subarray(at, at + size), address);
    at += size;
    return size;
  };
}

/** The hashes of the blobs of each content, in order; all are under way at once. */
function cut(contents: readonly Uint8Array[], mostAtOnce?: number): string[][] {
  const owners = contents.map((data) => {
    let completed = 0;
    const content: FileContent = new FileContent(() => (completed += 1));
    let told = 0;
    const size =
      data.length > 0 && data.length <= leastChunk
        ? chunker.addSmall(content, data.length, reader(data, mostAtOnce))
        : chunker.addLarge(content, reader(data, mostAtOnce), (bytes) => (told += bytes));
    expect(size).toBe(data.length);
    if (data.length > leastChunk) expect(told).toBe(data.length);
    content.close();
    return { content, completed: () => completed };
  });
  // Whatever is unfinished is handed over by the next large content.
  const last = new FileContent(() => {});
  chunker.addLarge(last, reader(new Uint8Array(0)), () => {});
  while (chunker.collect(true));
  return owners.map(({ content, completed }) => {
    expect(completed()).toBe(1);
    return content.blobs;
  });
}

/** The same by the reference. */
function expected(data: Uint8Array): string[] {
  let at = 0;
  return chunkSizes(data, polynomial).map((size) => hash('sha256', data.subarray(at, (at += size))));
}

const text = (length: number): Buffer =>
  Buffer.from('insert into orders values (17, now(), 3.99);\n'.repeat(Math.ceil(length / 44))).subarray(0, length);
const lane = 16_384;

describe('blobs are those of the reference', () => {
  test('for sizes around the least chunk, the lanes of the kernel and the region', () => {
    const edges = [
      0,
      1,
      63,
      64,
      65,
      leastChunk - 1,
      leastChunk,
      leastChunk + 1,
      leastChunk + lane,
      leastChunk + 4 * lane - 1,
      leastChunk + 4 * lane,
      leastChunk + 4 * lane + 1,
    ];
    for (const size of edges) {
      const contents = [randomBytes(size), new Uint8Array(size), text(size)];
      expect(cut(contents)).toEqual(contents.map(expected));
    }
  });

  test('for what has no cut before the most a chunk may have', () => {
    // One byte again and again: the digest never changes, so either every place is a cut or none is.
    const data = new Uint8Array(mostChunk + leastChunk + 5).fill(1);
    const [first] = chunkSizes(data, polynomial);
    expect([leastChunk, mostChunk]).toContain(first);
    for (const size of [mostChunk - 1, mostChunk, mostChunk + 1, data.length]) {
      const blobs: string[] = [];
      for (let at = 0; at < size; at += first ?? size) blobs.push(hash('sha256', data.subarray(at, Math.min(size, at + (first ?? size)))));
      expect(cut([data.subarray(0, size)])).toEqual([blobs]);
    }
  });

  test('for zeros, which are cut at every first chance', () => {
    const data = new Uint8Array(5 * leastChunk + 3);
    expect(chunkSizes(data, polynomial)).toEqual([leastChunk, leastChunk, leastChunk, leastChunk, leastChunk, 3]);
    expect(cut([data])).toEqual([expected(data)]);
  });

  test('for large random content, read in any pieces', () => {
    const data = Buffer.concat([randomBytes(2 * regionSize + 12_345), new Uint8Array(700_000), randomBytes(1_000_000)]);
    const blobs = expected(data);
    expect(cut([data])).toEqual([blobs]);
    expect(cut([data], 0)).toEqual([blobs]);
    expect(cut([data], 65_521)).toEqual([blobs]);
  });

  test('for many contents of any size, one after the other', () => {
    const size = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 3000 }) },
      fc.integer({ min: 0, max: leastChunk + 10 }),
      fc.integer({ min: leastChunk, max: 3 * leastChunk }),
    );
    const kind = fc.constantFrom(randomBytes, text, (length: number) => new Uint8Array(length));
    fc.assert(
      fc.property(fc.array(fc.tuple(size, kind), { maxLength: 60 }), (list) => {
        const contents = list.map(([length, make]) => make(length));
        expect(cut(contents)).toEqual(contents.map(expected));
      }),
      { numRuns: 12 },
    );
  });

  test('for more small contents than there are slots for blobs', () => {
    const contents = Array.from({ length: 40_000 }, (_, at) => Buffer.from(`content ${at}`));
    expect(cut(contents).flat()).toEqual(contents.map((data) => hash('sha256', data)));
  });
});

test('a file that shrank after it was looked at is as long as what was read', () => {
  const blobs: string[] = [];
  const owner = { expect: () => {}, add: (id: string) => void blobs.push(id) };
  expect(chunker.addSmall(owner, 1000, reader(Buffer.from('short')))).toBe(5);
  expect(chunker.addSmall(owner, 1000, reader(new Uint8Array(0)))).toBe(0);
  chunker.addLarge(owner, reader(new Uint8Array(0)), () => {});
  while (chunker.collect(true));
  expect(blobs).toEqual([hash('sha256', 'short')]);
});

test('a file that grew is read no further than it was long', () => {
  const blobs: string[] = [];
  expect(chunker.addSmall({ expect: () => {}, add: (id) => void blobs.push(id) }, 5, reader(Buffer.from('longer now')))).toBe(5);
  chunker.addLarge({ expect: () => {}, add: () => {} }, reader(new Uint8Array(0)), () => {});
  while (chunker.collect(true));
  expect(blobs).toEqual([hash('sha256', 'longe')]);
});
