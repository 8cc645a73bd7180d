import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isError, type ErrorCode } from '../../errors.ts';
import type { Storage } from '../storage.ts';

/** A storage for one test, empty, and how to get rid of it. */
export interface StorageUnderTest {
  readonly storage: Storage;
  cleanup(): Promise<void>;
}

/** What a place cannot do, declared, and asserted as it is. */
export interface StorageCapabilities {
  /** False: of several `ifAbsent` puts that run at the same time, more than one may win. A key taken before is still refused. Default true. */
  readonly exclusive?: boolean;
  /** False: who reads an object while it is replaced may get parts of both. Default true. */
  readonly replacesWhole?: boolean;
  /** False: who reads an object in the instant in which it is replaced may be told that there is none. Default true. */
  readonly staysWhileReplaced?: boolean;
}

const bigSize = 20 * 1024 * 1024;

/** The contract in `storage.ts` as tests. Every driver and every wrapper passes them all. */
export function storageContract(
  name: string,
  make: () => Promise<StorageUnderTest>,
  { exclusive = true, replacesWhole = true, staysWhileReplaced = true }: StorageCapabilities = {},
): void {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    let cleanup: () => Promise<void>;
    let folder: string;

    beforeEach(async () => {
      const made = await make();
      storage = made.storage;
      cleanup = () => made.cleanup();
      folder = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
      await storage.create();
    });

    afterEach(async () => {
      await storage.close();
      await cleanup();
      await rm(folder, { recursive: true, force: true });
    });

    async function fileOf(data: Uint8Array): Promise<string> {
      const path = join(folder, randomBytes(8).toString('hex'));
      await writeFile(path, data);
      return path;
    }

    it('creates a place twice without harm', async () => {
      await storage.put('config', bytes('kept'));
      await storage.create();
      expect(await text(storage.get('config'))).toBe('kept');
    });

    describe('reading', () => {
      it('returns every byte value as it was put', async () => {
        const data = Uint8Array.from({ length: 1024 }, (_, index) => index % 256);
        await storage.put('data/0f/binary', data);
        expect(same(await storage.get('data/0f/binary'), data)).toBe(true);
      });

      it('keeps an empty object', async () => {
        await storage.put('empty', new Uint8Array(0));
        expect(await storage.get('empty')).toHaveLength(0);
        expect(await storage.stat('empty')).toEqual({ key: 'empty', size: 0 });
        expect(await storage.get('empty', { offset: 0, length: 0 })).toHaveLength(0);
      });

      it('returns ranges exactly', async () => {
        const data = new Uint8Array(randomBytes(200_000));
        await storage.put('data/01/ranges', data);
        for (const [offset, length] of [
          [0, 1],
          [1, 0],
          [199_999, 1],
          [65_535, 2],
          [65_536, 65_536],
          [12_345, 150_000],
          [0, 200_000],
          [200_000, 0],
        ] as const) {
          const part = await storage.get('data/01/ranges', { offset, length });
          expect(same(part, data.subarray(offset, offset + length)), `${offset}+${length}`).toBe(true);
        }
      });

      it.each([
        [0, 11],
        [9, 2],
        [10, 1],
        [1000, 5],
        [0, 2 ** 40],
      ])('refuses a range that reaches past the end: %d+%d', async (offset, length) => {
        await storage.put('ten', bytes('0123456789'));
        await expectCode('storage-short', storage.get('ten', { offset, length }));
      });

      it('refuses a range that is none', async () => {
        await storage.put('ten', bytes('0123456789'));
        for (const [offset, length] of [
          [-1, 1],
          [0, -1],
          [0.5, 1],
          [0, Number.NaN],
        ] as const) {
          await expectCode('internal', storage.get('ten', { offset, length }));
        }
      });

      it('gives the caller memory of its own', async () => {
        await storage.put('own', bytes('abc'));
        const first = await storage.get('own');
        first.fill(0);
        expect(await text(storage.get('own'))).toBe('abc');
      });

      it('says what is missing', async () => {
        await storage.put('folder/object', bytes('x'));
        for (const key of ['nothing', 'no/such/folder', 'folder', 'folder/object/below']) {
          await expectCode('storage-missing', storage.get(key));
          await expectCode('storage-missing', storage.get(key, { offset: 0, length: 1 }));
          expect(await storage.stat(key)).toBeUndefined();
        }
      });
    });

    describe('putting', () => {
      it('replaces a whole object, also by a shorter one', async () => {
        await storage.put('config', bytes('a long first version'));
        await storage.put('config', bytes('second'));
        expect(await text(storage.get('config'))).toBe('second');
        expect(await storage.stat('config')).toEqual({ key: 'config', size: 6 });
      });

      it('does not depend on the memory it was given', async () => {
        const data = bytes('before');
        await storage.put('memory', data);
        data.fill(0);
        expect(await text(storage.get('memory'))).toBe('before');
      });

      it('stores a part of a larger buffer, and shared memory', async () => {
        await storage.put('part', bytes('0123456789').subarray(2, 5));
        expect(await text(storage.get('part'))).toBe('234');
        const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(65);
        await storage.put('shared', shared);
        expect(await text(storage.get('shared'))).toBe('AAAA');
      });

      it('refuses a taken key with ifAbsent and leaves the object alone', async () => {
        await storage.put('config', bytes('first'), { ifAbsent: true });
        await expectCode('storage-exists', storage.put('config', bytes('second'), { ifAbsent: true }));
        expect(await text(storage.get('config'))).toBe('first');
      });

      it(`lets ${exclusive ? 'exactly' : 'at least'} one of eight racing ifAbsent puts win`, async () => {
        const contents = Array.from({ length: 8 }, (_, index) => `racer ${index}`);
        const results = await Promise.allSettled(contents.map((content) => storage.put('locks/race', bytes(content), { ifAbsent: true })));
        const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [contents[index]] : []));
        if (exclusive) expect(winners).toHaveLength(1);
        expect(winners).toContain(await text(storage.get('locks/race')));
        for (const result of results) if (result.status === 'rejected') expect(isError(result.reason, 'storage-exists')).toBe(true);
        await expectCode('storage-exists', storage.put('locks/race', bytes('late'), { ifAbsent: true }));
        expect(winners).toContain(await text(storage.get('locks/race')));
      });

      it(`never shows a reader anything but a whole object${replacesWhole ? '' : ', once it is replaced'}`, async () => {
        const versions = [new Uint8Array(300_000).fill(1), new Uint8Array(700_000).fill(2)] as const;
        await storage.put('atomic', versions[0]);
        let writing = true;
        const writer = (async () => {
          for (let round = 0; round < 30; round += 1) await storage.put('atomic', versions[round % 2 === 0 ? 1 : 0]);
        })().finally(() => {
          writing = false;
        });
        let reads = 0;
        while (writing) {
          const seen = await storage.get('atomic').catch((error: unknown) => {
            if (staysWhileReplaced || !isError(error, 'storage-missing')) throw error;
            return undefined;
          });
          if (replacesWhole && seen !== undefined) expect(versions.some((version) => same(version, seen))).toBe(true);
          reads += 1;
          await setImmediate();
        }
        await writer;
        expect(same(await storage.get('atomic'), versions[0])).toBe(true);
        expect(reads).toBeGreaterThan(0);
      });

      it('takes many puts at once', async () => {
        const keys = Array.from({ length: 200 }, (_, index) => `data/${(index % 7).toString(16).padStart(2, '0')}/object-${index}`);
        await Promise.all(keys.map((key) => storage.put(key, bytes(`content of ${key}`))));
        for (const key of keys) expect(await text(storage.get(key))).toBe(`content of ${key}`);
        expect((await keysBelow(storage, 'data/')).toSorted()).toEqual(keys.toSorted());
      });

      it('stores 20 MiB', async () => {
        const data = new Uint8Array(randomBytes(bigSize));
        await storage.put('data/ff/big', data);
        expect(await storage.stat('data/ff/big')).toEqual({ key: 'data/ff/big', size: bigSize });
        expect(same(await storage.get('data/ff/big'), data)).toBe(true);
        const range = { offset: 9_000_001, length: 10_000_000 };
        expect(same(await storage.get('data/ff/big', range), data.subarray(9_000_001, 19_000_001))).toBe(true);
      });
    });

    describe('putting a file', () => {
      it('stores the content and removes the file', async () => {
        const data = new Uint8Array(randomBytes(bigSize));
        const path = await fileOf(data);
        await storage.putFile('data/ab/pack', path);
        expect(same(await storage.get('data/ab/pack'), data)).toBe(true);
        await expect(access(path)).rejects.toThrow('ENOENT');
      });

      it('replaces an object', async () => {
        await storage.put('config', bytes('first'));
        await storage.putFile('config', await fileOf(bytes('second')));
        expect(await text(storage.get('config'))).toBe('second');
      });

      it('keeps the file when the key is taken', async () => {
        await storage.put('config', bytes('first'));
        const path = await fileOf(bytes('second'));
        await expectCode('storage-exists', storage.putFile('config', path, { ifAbsent: true }));
        await access(path);
        expect(await text(storage.get('config'))).toBe('first');
      });

      it('stores with ifAbsent and removes the file', async () => {
        const path = await fileOf(bytes('only'));
        await storage.putFile('only', path, { ifAbsent: true });
        expect(await text(storage.get('only'))).toBe('only');
        await expect(access(path)).rejects.toThrow('ENOENT');
      });

      it('says that a file is not there, and stores nothing', async () => {
        await expectCode('storage-failed', storage.putFile('ghost', join(folder, 'no-such-file')));
        expect(await storage.stat('ghost')).toBeUndefined();
      });
    });

    describe('listing', () => {
      it('shows every object with its size, below a prefix or in all', async () => {
        await storage.put('config', bytes('1'));
        await storage.put('data/00/a', bytes('22'));
        await storage.put('data/01/b', bytes('333'));
        await storage.put('database', bytes('4444'));
        await storage.put('index/c', bytes('55555'));
        expect(await keysBelow(storage, '')).toEqual(['config', 'data/00/a', 'data/01/b', 'database', 'index/c']);
        expect(await keysBelow(storage, 'data/')).toEqual(['data/00/a', 'data/01/b']);
        expect(await keysBelow(storage, 'data/01/')).toEqual(['data/01/b']);
        const sizes = new Map<string, number>();
        for await (const info of storage.list('')) sizes.set(info.key, info.size);
        expect(Object.fromEntries(sizes)).toEqual({ 'config': 1, 'data/00/a': 2, 'data/01/b': 3, 'database': 4, 'index/c': 5 });
      });

      it('finds nothing in what is not there', async () => {
        await storage.put('config', bytes('1'));
        expect(await keysBelow(storage, 'snapshots/')).toEqual([]);
        expect(await keysBelow(storage, 'config/')).toEqual([]);
      });

      it('may be left early', async () => {
        await storage.put('index/a', bytes('1'));
        await storage.put('index/b', bytes('2'));
        let seen = 0;
        for await (const info of storage.list('index/')) {
          expect(info.size).toBe(1);
          seen += 1;
          break;
        }
        expect(seen).toBe(1);
        expect(await keysBelow(storage, 'index/')).toHaveLength(2);
      });

      it('bears objects that come and go meanwhile, and shows those that stay', async () => {
        const stay = Array.from({ length: 20 }, (_, index) => `index/stay-${index}`);
        await Promise.all(stay.map((key) => storage.put(key, bytes('x'))));
        let changing = true;
        const change = (async () => {
          for (let round = 0; round < 40; round += 1) {
            await storage.put(`index/go-${round}`, bytes('y'));
            await storage.remove(`index/go-${round}`);
          }
        })().finally(() => {
          changing = false;
        });
        while (changing) {
          expect((await keysBelow(storage, 'index/')).filter((key) => key.includes('stay'))).toHaveLength(20);
          await setImmediate();
        }
        await change;
      });
    });

    describe('removing', () => {
      it('removes, and again', async () => {
        await storage.put('locks/one', bytes('1'));
        await storage.put('locks/two', bytes('2'));
        await storage.remove('locks/one');
        await storage.remove('locks/one');
        await storage.remove('no/such/folder');
        await expectCode('storage-missing', storage.get('locks/one'));
        expect(await keysBelow(storage, 'locks/')).toEqual(['locks/two']);
      });

      it('leaves what lies below a key alone', async () => {
        await storage.put('locks/one', bytes('1'));
        await storage.remove('locks');
        expect(await text(storage.get('locks/one'))).toBe('1');
      });

      it('frees the key for ifAbsent', async () => {
        await storage.put('locks/one', bytes('1'), { ifAbsent: true });
        await storage.remove('locks/one');
        await storage.put('locks/one', bytes('2'), { ifAbsent: true });
        expect(await text(storage.get('locks/one'))).toBe('2');
      });
    });

    const badKeys = [
      '',
      '/',
      '/etc/passwd',
      '../outside',
      'data/../../outside',
      'data//x',
      'data/',
      '.hidden',
      'data/.hidden',
      'Upper',
      'a b',
      'a\\b',
      'a\nb',
      'a\0b',
      'ü',
      'x'.repeat(600),
      `data/${'y'.repeat(300)}`,
    ];
    it.each(badKeys)('refuses the key %j everywhere', async (key) => {
      const path = await fileOf(bytes('x'));
      await expectCode('storage-key', storage.get(key));
      await expectCode('storage-key', storage.put(key, bytes('x')));
      await expectCode('storage-key', storage.putFile(key, path));
      await expectCode('storage-key', storage.stat(key));
      await expectCode('storage-key', storage.remove(key));
      await access(path);
      expect(await keysBelow(storage, '')).toEqual([]);
    });

    it.each(['data', '/', '../', 'data/../', '.holdfast-staging/', 'data//'])('refuses to list %j', async (prefix) => {
      await expectCode('storage-key', keysBelow(storage, prefix));
    });

    it('stops at a signal', async () => {
      await storage.put('config', bytes('1'));
      const path = await fileOf(bytes('x'));
      const signal = AbortSignal.abort();
      await expectCode('interrupted', storage.get('config', undefined, signal));
      await expectCode('interrupted', storage.put('other', bytes('1'), { signal }));
      await expectCode('interrupted', storage.putFile('other', path, { signal }));
      await expectCode('interrupted', keysBelow(storage, '', signal));
      await access(path);
      expect(await keysBelow(storage, '')).toEqual(['config']);
    });
  });
}

/** Bytes of a text. */
function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

async function text(data: Promise<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(await data);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function keysBelow(storage: Storage, prefix: string, signal?: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of storage.list(prefix, signal)) keys.push(info.key);
  return keys.toSorted();
}

async function expectCode(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const failure: unknown = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  expect(isError(failure, code), `expected ${code}, but: ${String(failure)}`).toBe(true);
}
