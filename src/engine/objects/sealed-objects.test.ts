import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError, type ErrorCode } from '../../errors.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { createMeterStorage } from '../../storage/wrap/meter-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { checkRepository } from '../check/check-repository.ts';
import { initRepository, openRepository, type Repository } from '../repository.ts';
import { backUpTree, makeBench, type BackupBench } from '../backup/testing/backup-bench.ts';
import { quietContext } from '../../../test/harness/repositories/restore-in-process.ts';
import { pieceSize, sealHeader, sealPiece, type ObjectHeader } from './object-format.ts';
import { openSealedObjects, type SealedObjects } from './sealed-objects.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-objects-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const places: readonly [string, () => Storage][] = [
  ['in memory', () => createMemoryStorage()],
  ['on disk', () => createLocalStorage(join(folder, 'repository'))],
];
const name = 'wal/7350/00000001/000000010000000000000003';
const header = { v: 1, start: '0/3000000', sentAt: '2026-11-20T10:00:00.000Z', note: 'zür' };

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'done' | undefined> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof HoldfastError ? error.code : undefined),
  );
}

async function namesBelow(objects: SealedObjects, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name: found } of objects.list(prefix)) names.push(found);
  return names.sort();
}

describe.each(places)('objects %s', (_, storageOf) => {
  let storage: Storage;
  let repository: Repository;
  let objects: SealedObjects;
  beforeAll(async () => {
    storage = storageOf();
    repository = await initRepository(storage, { password: 'x' });
    objects = openSealedObjects(repository);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text', Buffer.from('insert into orders;\n'.repeat(60_000))],
    ['noise', randomBytes(100_000)],
    ['exactly one piece of noise', randomBytes(pieceSize)],
    ['one byte more', randomBytes(pieceSize + 1)],
    ['a segment', Buffer.concat([randomBytes(5_000_000), Buffer.alloc(11_777_216)])],
  ])('of %s come back', async (_what, body) => {
    const stored = await objects.put(name, header, body);
    const got = await objects.get(name);
    expect([got.header, got.body.equals(body)]).toEqual([header, true]);
    expect(await objects.head(name)).toEqual(header);
    expect((await storage.stat(`holdfast/${name}`))?.size).toBe(stored);
    const listed = [];
    for await (const each of objects.list('wal/')) listed.push(each);
    expect(listed).toEqual([{ name, size: stored }]);
    expect((await openSealedObjects(await openRepository(storage, { password: 'x' })).get(name)).body.equals(body)).toBe(true);
  });

  test('are replaced, or not, and removed', async () => {
    await objects.put('a/b', 1, Buffer.from('first'));
    expect(await codeOf(objects.put('a/b', 2, Buffer.from('second'), { ifAbsent: true }))).toBe('storage-exists');
    expect(await objects.get('a/b')).toEqual({ header: 1, body: Buffer.from('first') });
    await objects.put('a/b', null, Buffer.from('third'));
    expect(await objects.get('a/b')).toEqual({ header: null, body: Buffer.from('third') });
    await objects.put('a/bc/d', [], Buffer.alloc(0), { ifAbsent: true });
    expect([await namesBelow(objects, 'a/'), await namesBelow(objects, 'a/bc'), await namesBelow(objects, 'a/b')]).toEqual([
      ['a/b', 'a/bc/d'],
      ['a/bc/d'],
      ['a/b', 'a/bc/d'],
    ]);
    expect(await namesBelow(objects, 'none/')).toEqual([]);
    await objects.remove('a/b');
    await objects.remove('a/b');
    expect([await codeOf(objects.get('a/b')), await codeOf(objects.head('a/b'))]).toEqual(['storage-missing', 'storage-missing']);
  });

  test('a header is read alone by one small read, a long one by two', async () => {
    const metered = createMeterStorage(storage);
    const measured = openSealedObjects(await openRepository(metered, { password: 'x' }));
    const reads = async (wanted: string): Promise<number> => {
      const before = metered.counts().get.bytes;
      await measured.head(wanted);
      return metered.counts().get.bytes - before;
    };
    await objects.put('small', header, randomBytes(3_000_000));
    await objects.put('large', { text: 'x'.repeat(3900) }, randomBytes(3_000_000));
    expect(await reads('small')).toBeLessThanOrEqual(1024);
    expect(await reads('large')).toBeLessThanOrEqual(8192);
    expect(await objects.head('large')).toEqual({ text: 'x'.repeat(3900) });
  });

  test('whatever byte is changed, it is noticed', async () => {
    const key = 'holdfast/flip';
    await objects.put('flip', header, Buffer.from('some text that compresses, some text that compresses'));
    const whole = Buffer.from(await storage.get(key));
    for (let at = 0; at < whole.length; at += at < 20 || at > 1000 ? 1 : 97) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      await storage.put(key, changed);
      expect([at, await codeOf(objects.get('flip'))]).toEqual([at, 'damaged']);
      if (at < 1024) expect([at, await codeOf(objects.head('flip'))]).toEqual([at, 'damaged']);
    }
  });

  test('cut or grown, it is noticed', async () => {
    const key = 'holdfast/cut';
    await objects.put('cut', header, randomBytes(pieceSize + 100_000));
    const whole = Buffer.from(await storage.get(key));
    for (const length of [0, 1, 8, 12, 500, 1023, 1024, 1025, 2000, pieceSize, whole.length - 1]) {
      await storage.put(key, whole.subarray(0, length));
      expect([length, await codeOf(objects.get('cut'))]).toEqual([length, 'damaged']);
      if (length < 1024) expect([length, await codeOf(objects.head('cut'))]).toEqual([length, 'damaged']);
    }
    await storage.put(key, Buffer.concat([whole, Buffer.alloc(1)]));
    expect(await codeOf(objects.get('cut'))).toBe('damaged');
  });

  test('objects, bodies and pieces that change places are noticed', async () => {
    const [a, b] = [randomBytes(2 * pieceSize), randomBytes(2 * pieceSize)];
    await objects.put('one', header, a);
    await objects.put('two', header, b);
    const [one, two] = [Buffer.from(await storage.get('holdfast/one')), Buffer.from(await storage.get('holdfast/two'))];
    await storage.put('holdfast/two', one);
    await expect(objects.get('two')).rejects.toThrow('"one" under another name');
    await expect(objects.head('two')).rejects.toThrow('"one" under another name');
    // An older body under a newer header of the same name, and two pieces of one body the wrong way round.
    await objects.put('two', { newer: true }, b);
    const newer = Buffer.from(await storage.get('holdfast/two'));
    await storage.put('holdfast/two', Buffer.concat([newer.subarray(0, 1024), two.subarray(1024)]));
    await expect(objects.get('two')).rejects.toThrow('piece 0 belongs elsewhere');
    const half = (newer.length - 1024) / 2;
    await storage.put(
      'holdfast/two',
      Buffer.concat([newer.subarray(0, 1024), newer.subarray(1024 + half), newer.subarray(1024, 1024 + half)]),
    );
    await expect(objects.get('two')).rejects.toThrow('piece 0 belongs elsewhere');
  });

  test('what no honest program would have written is refused within bounds', async () => {
    const { sealer } = repository;
    const forge = async (over: Partial<Record<keyof ObjectHeader, unknown>>, content: Uint8Array): Promise<void> => {
      const described = { name: 'forged', header: 1, size: content.length, stored: content.length, compressed: false, ...over };
      const { bytes, binding } = sealHeader(sealer, described as ObjectHeader);
      await storage.put('holdfast/forged', Buffer.concat([bytes, sealPiece(sealer, binding, 0, content)]));
    };
    await forge({}, Buffer.from('honest'));
    expect(await objects.get('forged')).toEqual({ header: 1, body: Buffer.from('honest') });
    const bomb = zlib.zstdCompressSync(Buffer.alloc(50_000_000));
    for (const [over, content] of [
      [{ size: 2 ** 31 }, Buffer.from('x')],
      [{ size: -1 }, Buffer.from('x')],
      [{ stored: 2 ** 31 }, Buffer.from('x')],
      [{ stored: 2 ** 30 }, Buffer.from('x')],
      [{ stored: 'x' }, Buffer.from('x')],
      [{ compressed: 1 }, Buffer.from('x')],
      [{ compressed: true, size: 2 ** 30 }, Buffer.from('no frame')],
      [{ compressed: true, size: 1000 }, bomb],
      [{ compressed: true, size: 60_000_000 }, bomb],
      [{ name: 7 }, Buffer.from('x')],
      [{ size: 2 }, Buffer.from('x')],
    ] as const) {
      await forge(over, content);
      expect([over, await codeOf(objects.get('forged'))]).toEqual([over, 'damaged']);
    }
    // A file of the repository's own format, and one sealed with another key.
    const others = await initRepository(createMemoryStorage(), { password: 'x' });
    await openSealedObjects(others).put('forged', 1, Buffer.from('x'));
    for (const bytes of [
      await storage.get('config'),
      await storage.get(`keys/${repository.keyId}`),
      await others.storage.get('holdfast/forged'),
      Buffer.concat([Buffer.from('HOLDFAST'), Buffer.alloc(4, 0xff), Buffer.alloc(2000)]),
      Buffer.concat([Buffer.from('HOLDFAST'), Buffer.alloc(2000)]),
    ]) {
      await storage.put('holdfast/forged', bytes);
      expect([await codeOf(objects.get('forged')), await codeOf(objects.head('forged'))]).toEqual(['damaged', 'damaged']);
    }
  });

  test('is never taken for a file of the format', async () => {
    const { bytes } = sealHeader(repository.sealer, { name: 'x', header: {}, size: 0, stored: 0, compressed: false });
    const plain = repository.openFile('snapshots/x', bytes.subarray(12)).toString('latin1');
    expect(() => void JSON.parse(plain)).toThrow('not valid JSON');
  });

  test('names that leave the folder, bodies and headers that are too large, and a signal', async () => {
    for (const bad of ['', '../config', 'a/../../config', '/a', 'a//b', 'a b', 'a/', `a/${'x'.repeat(600)}`]) {
      expect([bad, await codeOf(objects.put(bad, 1, Buffer.from('x')))]).toEqual([bad, 'storage-key']);
      expect([bad, await codeOf(objects.get(bad))]).toEqual([bad, 'storage-key']);
      expect([bad, await codeOf(objects.head(bad))]).toEqual([bad, 'storage-key']);
      expect([bad, await codeOf(objects.remove(bad))]).toEqual([bad, 'storage-key']);
    }
    expect(await codeOf(namesBelow(objects, '../'))).toBe('storage-key');
    expect(await codeOf(objects.put('long', 'x'.repeat(4096), Buffer.from('x')))).toBe('internal');
    expect(await codeOf(objects.put('long', 'x'.repeat(4094), Buffer.from('x')))).toBe('done');
    expect(await objects.head('long')).toHaveLength(4094);
    expect(await codeOf(objects.put('b', 1, Buffer.from('x'), { signal: AbortSignal.abort() }))).toBe('interrupted');
    expect(await codeOf(objects.get('long', AbortSignal.abort()))).toBe('interrupted');
    expect(await codeOf(objects.get('b'))).toBe('storage-missing');
  });
});

describe.each([1, 2] as const)('beside a repository of version %i', (version) => {
  let bench: BackupBench;
  let path: string;
  let repository: Repository;
  beforeAll(async () => {
    bench = await makeBench();
    path = bench.at(`version-${version}`);
    repository = await initRepository(createLocalStorage(path), { password: 'x', version });
    writeFileSync(bench.at('file'), randomBytes(2_000_000));
    await backUpTree(repository, [bench.at('file')]);
    writeFileSync(bench.at('file'), randomBytes(2_000_000));
    await backUpTree(repository, [bench.at('file')]);
  });
  afterAll(() => bench[Symbol.dispose]());

  test('neither restic nor our own check and prune touch or mind them', async () => {
    const objects = openSealedObjects(repository);
    const body = Buffer.from('wal '.repeat(100_000));
    await objects.put(name, header, body);
    const judge = (...args: string[]): string => bench.restic.run(['-r', path, ...args]).toString();
    expect(judge('check', '--read-data')).toContain('no errors were found');
    judge('forget', '--keep-last', '1', '--prune');
    judge('prune', '--max-unused', '0');
    judge('rebuild-index');
    expect(judge('check', '--read-data')).toContain('no errors were found');
    expect(judge('stats', '--mode', 'raw-data')).not.toContain('holdfast');
    expect(await objects.get(name)).toEqual({ header, body });
    const report = await checkRepository(
      await openRepository(createLocalStorage(path), { password: 'x' }),
      { readData: 'all' },
      quietContext(),
    );
    expect([report.errors, report.notices]).toEqual([[], []]);
    expect(await objects.get(name)).toEqual({ header, body });
  });

  test('what is cut on the disk is noticed', async () => {
    const objects = openSealedObjects(repository);
    await objects.put('wal/cut', header, randomBytes(50_000));
    const file = join(path, 'holdfast', 'wal', 'cut');
    expect(existsSync(file)).toBe(true);
    truncateSync(file, readFileSync(file).length - 1);
    expect(await codeOf(objects.get('wal/cut'))).toBe('damaged');
    truncateSync(file, 700);
    expect(await codeOf(objects.head('wal/cut'))).toBe('damaged');
    await objects.remove('wal/cut');
    expect(readdirSync(join(path, 'holdfast', 'wal'))).not.toContain('cut');
  });
});
