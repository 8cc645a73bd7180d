import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyIncrement } from './apply-increment.ts';
import { ChangedPages } from './changed-pages.ts';
import { combineIncrements } from './combine-increments.ts';
import { decodeIncrementalHeader, encodeIncrementalHeader, incrementalHeaderSize, restoredLength } from './incremental-file.ts';
import { IncrementalHeaderReader } from './incremental-header-reader.ts';
import { PageHasher } from './page-hasher.ts';
import { openPageMap, PageMapWriter } from './page-map.ts';
import { incrementalPath, isCutIntoPages, isRelationFile, pathOfIncremental } from './relation-file.ts';
import { selectChangedPages } from './select-changed-pages.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-pages-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;

/* Small pages, so that many cases fit. */
const pageSize = 1024;

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A file whose pages hold these numbers. */
const fileOf = (pages: readonly number[]): Buffer =>
  Buffer.concat(pages.map((value) => Buffer.alloc(pageSize, Buffer.from(value === 0 ? '\0' : `${value} `))));

const hashesOf = (file: Buffer): Buffer => {
  const hasher = new PageHasher(pageSize, file.length);
  hasher.push(file);
  return Buffer.from(hasher.hashes);
};

const pagesOf = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });

test('a page has the first eight bytes of its SHA-256, however the bytes come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 3000 }), async (bytes, size) => {
      const hasher = new PageHasher(pageSize, 0);
      for await (const chunk of inChunks(bytes, size)) hasher.push(chunk);
      const whole = Math.floor(bytes.length / pageSize);
      const wanted = Array.from({ length: whole }, (_, at) =>
        hash('sha256', bytes.subarray(at * pageSize, (at + 1) * pageSize), 'hex').slice(0, 16),
      );
      expect(hasher.hashes.toString('hex')).toBe(wanted.join(''));
      expect(Buffer.from(hasher.rest)).toEqual(Buffer.from(bytes.subarray(whole * pageSize)));
    }),
  );
});

test('whatever becomes of a file, its increment makes the new file of the old one', async () => {
  const changed = new ChangedPages(folder);
  await fc.assert(
    fc.asyncProperty(pagesOf, pagesOf, fc.integer({ min: 1, max: 5000 }), async (before, after, chunkSize) => {
      const old = fileOf(before);
      const fresh = fileOf(after);
      const selection = await selectChangedPages({
        content: inChunks(fresh, chunkSize),
        size: fresh.length,
        pageSize,
        previous: hashesOf(old),
        changed,
      });
      if (selection.kind !== 'increment') throw new Error('it went in whole');
      const { header } = selection;
      const same = after.filter((value, at) => before[at] === value).length;
      expect(header.blocks.length).toBe(after.length - same);
      expect(selection.hashes).toEqual(hashesOf(fresh));
      const increment = Buffer.concat([encodeIncrementalHeader(header, pageSize), ...changed.stream()]);
      changed.clear();
      writeFileSync(join(folder, 'INCREMENTAL.1'), increment);
      writeFileSync(join(folder, '1'), old);
      await applyIncrement({ from: join(folder, 'INCREMENTAL.1'), to: join(folder, '1'), name: '1', pageSize, signal });
      expect(readFileSync(join(folder, '1')).equals(fresh)).toBe(true);
      expect(restoredLength(header)).toBe(after.length);
    }),
    { numRuns: 200 },
  );
  changed.close();
});

test('changed pages that do not fit in memory wait in a temporary file; a file that is all new goes in whole', async () => {
  const large = 8192;
  const size = 40 * 1024 * 1024;
  const fresh = Buffer.alloc(size);
  for (let at = 0; at < size; at += large) fresh.writeUInt32LE(at + 1, at);
  const hasher = new PageHasher(large, size);
  hasher.push(fresh);
  const same = Buffer.from(hasher.hashes);
  const none = Buffer.alloc(same.length);
  const changed = new ChangedPages(folder);
  const compare = (previous: Buffer): ReturnType<typeof selectChangedPages> =>
    selectChangedPages({ content: inChunks(fresh, 100_001), size, pageSize: large, previous, changed });
  const whole = await compare(none);
  if (whole.kind !== 'whole') throw new Error('it was cut');
  const sent: Uint8Array[] = [];
  for await (const piece of whole.content) {
    sent.push(Uint8Array.from(piece));
    // What goes in whole is not kept beside.
    if (sent.length > 100) expect(changed.isFull).toBe(false);
  }
  expect(Buffer.concat(sent).equals(fresh)).toBe(true);
  expect(whole.hashes().equals(same)).toBe(true);
  changed.clear();
  /* Only the first page is as it was. */
  same.copy(none, 0, 0, 8);
  const selection = await compare(none);
  if (selection.kind !== 'increment') throw new Error('it went in whole');
  expect(selection.header.blocks.length).toBe(size / large - 1);
  expect(Buffer.concat(Array.from(changed.stream(), (piece) => Uint8Array.from(piece))).equals(fresh.subarray(large))).toBe(true);
  changed.clear();
  expect([...changed.stream()]).toEqual([]);
  changed.close();
});

test('the header is PostgreSQL 17’s', () => {
  const header = encodeIncrementalHeader({ blocks: Uint32Array.of(3, 7), truncation: 9 }, 8192);
  expect(header.length).toBe(8192);
  expect(header.toString('hex', 0, 20)).toBe('0d1faed3020000000900000003000000' + '07000000');
  expect(header.subarray(20).every((byte) => byte === 0)).toBe(true);
  expect(encodeIncrementalHeader({ blocks: new Uint32Array(0), truncation: 9 }, 8192).toString('hex')).toBe('0d1faed30000000009000000');
  /* Where the numbers just fill a page, nothing is added. */
  expect([2045, 2046].map((count) => incrementalHeaderSize(count, 8192))).toEqual([8192, 16_384]);
});

test('a header is found again in a stream, and what does not fit is refused', () => {
  const blocks = fc.uniqueArray(fc.nat(5000), { maxLength: 600 }).map((list) => Uint32Array.from(list.toSorted((a, b) => a - b)));
  fc.assert(
    fc.property(blocks, fc.nat(6000), fc.integer({ min: 1, max: 3000 }), (list, truncation, chunkSize) => {
      const head = encodeIncrementalHeader({ blocks: list, truncation }, pageSize);
      const file = Buffer.concat([head, Buffer.alloc(list.length * pageSize, 1)]);
      const reader = new IncrementalHeaderReader({ name: 'x', size: file.length, pageSize });
      let pages = 0;
      for (let at = 0; at < file.length; at += chunkSize) pages += reader.push(file.subarray(at, at + chunkSize)).length;
      expect(reader.finish()).toEqual({ header: { blocks: list, truncation }, length: Math.max(truncation, (list.at(-1) ?? -1) + 1) });
      expect(pages).toBe(list.length * pageSize);
    }),
  );
  const head = encodeIncrementalHeader({ blocks: Uint32Array.of(1, 2), truncation: 3 }, pageSize);
  const size = pageSize * 3;
  const refused = (change: (bytes: Buffer) => void, bytes = size): void => {
    const copy = Buffer.from(head);
    change(copy);
    expect(() => decodeIncrementalHeader({ name: 'x', size: bytes, pageSize }, copy)).toThrow('Cannot trust x');
  };
  refused((bytes) => bytes.writeUInt8(1, 0));
  refused(() => {}, size - 1);
  refused((bytes) => bytes.writeUInt32LE(0xff_ff_ff_ff, 4));
  refused((bytes) => bytes.writeUInt32LE(0xff_ff_ff_ff, 8));
  refused((bytes) => bytes.writeUInt32LE(1, 16));
  refused((bytes) => bytes.writeUInt32LE(2 ** 27, 16));
});

test('any bytes make either a header or an error of the catalogue', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), fc.nat(20_000), (bytes, isMarked, size) => {
      const content = Buffer.from(bytes);
      if (isMarked && content.length >= 4) content.writeUInt32LE(0xd3_ae_1f_0d);
      try {
        decodeIncrementalHeader({ name: 'x', size, pageSize }, content);
      } catch (error) {
        expect(error).toMatchObject({ code: 'damaged' });
      }
    }),
  );
});

test('an increment goes to no link, and to nothing that is not there', async () => {
  const { symlinkSync } = await import('node:fs');
  const from = join(folder, 'INCREMENTAL.2');
  writeFileSync(from, encodeIncrementalHeader({ blocks: new Uint32Array(0), truncation: 0 }, pageSize));
  writeFileSync(join(folder, 'elsewhere'), 'kept');
  symlinkSync('elsewhere', join(folder, '2'));
  for (const to of [join(folder, '2'), join(folder, '3')])
    await expect(applyIncrement({ from, to, name: '2', pageSize, signal })).rejects.toMatchObject({ code: 'damaged' });
  expect(readFileSync(join(folder, 'elsewhere'), 'utf8')).toBe('kept');
});

test('a map tells of each file what was put in, and has the same bytes in whatever order they came', async () => {
  const path = fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom('a', 'b', '/', '1', 'é') });
  const files = fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 40 })), { selector: ([name]) => name, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(files, async (list) => {
      const entries = list.map(([name, seed]) => [name, Buffer.from(hash('sha256', seed, 'hex').repeat(seed.length), 'hex')] as const);
      const write = (order: typeof entries): Buffer => {
        const writer = new PageMapWriter(folder, pageSize);
        for (const [name, hashes] of order) writer.add(name, hashes);
        const bytes = Buffer.concat([...writer.stream()]);
        writer.close();
        return bytes;
      };
      const bytes = write(entries);
      expect(write(entries.toReversed()).equals(bytes)).toBe(true);
      const map = await openPageMap('pages.map', inChunks(bytes, 7), folder, pageSize);
      for (const [name, hashes] of entries) expect(map.read(name)).toEqual(hashes);
      expect(map.read('nowhere')).toBeUndefined();
      map.close();
      await expect(openPageMap('pages.map', inChunks(bytes, 100), folder, 8192)).rejects.toMatchObject({ code: 'damaged' });
      const cut = bytes.subarray(0, bytes.length - 1);
      await expect(openPageMap('pages.map', inChunks(cut, 100), folder, pageSize)).rejects.toMatchObject({ code: 'damaged' });
    }),
  );
});

test('any bytes make either a map or an error of the catalogue', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      const content = Buffer.concat([Buffer.from('HFPAGES1\0\x04\0\0\x08\0\0\0', 'latin1'), bytes]);
      const map = await openPageMap('pages.map', inChunks(content, 50), folder, pageSize).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      );
      if (map instanceof Error) expect(map).toMatchObject({ code: 'damaged' });
      else map.close();
    }),
  );
});

test('relation files are known by their names', () => {
  for (const path of [
    'base/5/16384',
    'global/1262',
    'base/5/16384_fsm',
    'base/5/16384_vm.1',
    'base/5/16384.12',
    'base/5/16400_init',
    'pg_tblspc/16500/PG_15_202209061/5/16501',
  ])
    expect(isRelationFile(path), path).toBe(true);
  for (const path of [
    'global/pg_control',
    'base/5/PG_VERSION',
    'base/5/pg_filenode.map',
    'pg_xact/0000',
    'base/16384',
    'base/5/16384_old',
    'base/5/t3_16384',
    'base/5/sub/16384',
    '../base/5/16384',
    'base/5/16384\n',
    'pg_tblspc/16500/5/16501',
  ])
    expect(isRelationFile(path), path).toBe(false);
  expect(isCutIntoPages('base/5/1', 80 * 1024, 8192)).toBe(true);
  expect(isCutIntoPages('base/5/1', 80 * 1024 + 1, 8192)).toBe(false);
  expect(isCutIntoPages('base/5/1', 8192, 8192)).toBe(false);
  expect(incrementalPath('base/5/16384.1')).toBe('base/5/INCREMENTAL.16384.1');
  expect(pathOfIncremental('base/5/INCREMENTAL.16384.1')).toBe('base/5/16384.1');
  expect(pathOfIncremental('base/5/INCREMENTAL.other')).toBeUndefined();
  expect(pathOfIncremental('pg_xact/INCREMENTAL.0000')).toBeUndefined();
});

test('a file and a chain of increments stream what applying them one after the other makes', async () => {
  const changed = new ChangedPages(folder);
  await fc.assert(
    fc.asyncProperty(fc.array(pagesOf, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 5000 }), async (versions, chunkSize) => {
      const files = versions.map(fileOf);
      const increments: Buffer[] = [];
      for (const [at, file] of files.slice(1).entries()) {
        const previous = hashesOf(files[at] ?? Buffer.alloc(0));
        const selection = await selectChangedPages({ content: inChunks(file, chunkSize), size: file.length, pageSize, previous, changed });
        if (selection.kind !== 'increment') throw new Error('it went in whole');
        increments.unshift(Buffer.concat([encodeIncrementalHeader(selection.header, pageSize), ...changed.stream()]));
        changed.clear();
      }
      const paged = (bytes: Buffer) => ({ name: 'x', size: bytes.length, pageSize, content: inChunks(bytes, chunkSize) });
      const pieces: Uint8Array[] = [];
      for await (const piece of combineIncrements({ increments: increments.map(paged), whole: paged(files[0] ?? Buffer.alloc(0)) }))
        pieces.push(Uint8Array.from(piece));
      expect(Buffer.concat(pieces).equals(files.at(-1) ?? Buffer.alloc(0))).toBe(true);
    }),
  );
  changed.close();
});

test('below the truncation length what no increment has is the earlier file’s, and zeros where that is shorter', async () => {
  const whole = fileOf([1, 2]);
  const paged = (bytes: Buffer) => ({ name: 'x', size: bytes.length, pageSize, content: inChunks(bytes, 500) });
  const combine = async (...increments: readonly Buffer[]): Promise<Buffer> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of combineIncrements({ increments: increments.map(paged), whole: paged(whole) }))
      pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  };
  const only = (truncation: number, ...blocks: readonly number[]): Buffer =>
    Buffer.concat([encodeIncrementalHeader({ blocks: Uint32Array.from(blocks), truncation }, pageSize), ...blocks.map(() => fileOf([3]))]);
  expect((await combine(only(4))).equals(fileOf([1, 2, 0, 0]))).toBe(true);
  expect((await combine(only(1, 3))).equals(fileOf([1, 0, 0, 3]))).toBe(true);
  /* Longer again after it was cut off: the old page must not come back. */
  expect((await combine(only(2), only(1))).equals(fileOf([1, 0]))).toBe(true);
  writeFileSync(join(folder, '4'), whole);
  for (const [name, increment] of [
    ['first', only(1)],
    ['second', only(2)],
  ] as const) {
    writeFileSync(join(folder, name), increment);
    await applyIncrement({ from: join(folder, name), to: join(folder, '4'), name: '4', pageSize, signal });
  }
  expect(readFileSync(join(folder, '4')).equals(fileOf([1, 0]))).toBe(true);
  await expect(combine(only(1, 3).subarray(0, 2 * pageSize - 1))).rejects.toMatchObject({ code: 'damaged' });
});
