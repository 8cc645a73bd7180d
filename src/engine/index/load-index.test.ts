import { randomFillSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { growRepository } from '../../../test/harness/repositories/grow-repository.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { keyOf } from '../layout.ts';
import { initRepository, Repository } from '../repository.ts';
import { KeptFolder } from '../kept/kept-folder.ts';
import type { BlobIndex } from './blob-index.ts';
import { loadBlobIndex } from './load-index.ts';

const above = mkdtempSync(join(tmpdir(), 'holdfast-load-'));
afterAll(() => rmSync(above, { recursive: true, force: true }));

const first = await initRepository(createMemoryStorage(), { password: 'x' });
/** Enough files for an image to be made. */
const files = 40;
let storage: Storage;
let folder = '';
let reads: string[] = [];

/** The same repository as another run opens it, which looks what that run reads. */
function openAnew(keeps = true): Repository {
  reads = [];
  const watched: Storage = {
    ...bound(storage),
    get: (key, range, signal) => {
      reads.push(key);
      return storage.get(key, range, signal);
    },
  };
  const { config, masterKey, keyId, clock } = first;
  return new Repository(watched, config, masterKey, keyId, clock, keeps ? new KeptFolder(folder, masterKey) : undefined);
}

function bound(inner: Storage): Storage {
  return {
    location: inner.location,
    create: () => inner.create(),
    get: (key, range, signal) => inner.get(key, range, signal),
    put: (key, data, options) => inner.put(key, data, options),
    putFile: (key, path, options) => inner.putFile(key, path, options),
    stat: (key) => inner.stat(key),
    list: (prefix, signal) => inner.list(prefix, signal),
    remove: (key) => inner.remove(key),
    close: () => inner.close(),
  };
}

const grow = (seed: string, indexFiles: number, blobs = indexFiles * 20): Promise<void> =>
  growRepository(openAnew(false), { snapshots: 0, blobs, indexFiles, seed });

/** All that an index says, whatever the order it was loaded in. */
function contentOf(index: BlobIndex): string[] {
  return Array.from({ length: index.size }, (_, entry) => {
    const place = index.place(entry);
    if (!index.findAll(index.idOf(entry), place.type).includes(entry)) throw new Error('an entry is not found by its id');
    return JSON.stringify([index.idOf(entry), place]);
  }).sort();
}

const truth = async (): Promise<string[]> => contentOf(await loadBlobIndex(openAnew(false)));
const imagePath = (): string => join(folder, 'index-1');

beforeEach(async () => {
  folder = mkdtempSync(join(above, 'one-'));
  storage = createMemoryStorage();
  await grow('first', files);
});

describe('an index that was kept', () => {
  test('says what the files say, and none of them is read', async () => {
    const loaded = contentOf(await loadBlobIndex(openAnew()));
    expect(reads).toHaveLength(files);
    const again = await loadBlobIndex(openAnew());
    expect(reads).toEqual([]);
    expect(contentOf(again)).toEqual(loaded);
    expect(loaded).toEqual(await truth());
    expect(again.has('00'.repeat(32), 'data')).toBe(false);
    for (const [number, id] of again.packs.entries()) expect(again.packNumber(id)).toBe(number);
  });

  test('is added to by files that came since, until there are many', async () => {
    await loadBlobIndex(openAnew());
    const { ino } = statSync(imagePath());
    await grow('second', 5, 11);
    expect(contentOf(await loadBlobIndex(openAnew()))).toEqual(await truth());
    await loadBlobIndex(openAnew());
    expect(reads).toHaveLength(5);
    expect(statSync(imagePath()).ino).toBe(ino);
    await grow('third', 30, 60);
    expect(contentOf(await loadBlobIndex(openAnew()))).toEqual(await truth());
    expect(statSync(imagePath()).ino).not.toBe(ino);
    const last = contentOf(await loadBlobIndex(openAnew()));
    expect(reads).toEqual([]);
    expect(last).toEqual(await truth());
  });

  test('is not used when one of its files is gone', async () => {
    await loadBlobIndex(openAnew());
    const [gone = ''] = await openAnew().listIds('index');
    await storage.remove(keyOf('index', gone));
    const index = await loadBlobIndex(openAnew());
    expect(reads).toHaveLength(files - 1);
    expect(contentOf(index)).toEqual(await truth());
    expect(index.size).toBeLessThan(files * 20);
  });

  test('takes blobs of a run, each once, however many', async () => {
    await loadBlobIndex(openAnew());
    const index = await loadBlobIndex(openAnew());
    const before = contentOf(index);
    const ids = randomFillSync(new Uint32Array(40_000 * 8));
    const claimed = (): number => {
      let won = 0;
      for (let at = 0; at < ids.length; at += 8) {
        const entry = index.claim(ids.subarray(at, at + 8), 'data');
        if (entry < 0) continue;
        index.settle(entry, 1, at, 100, 0);
        won += 1;
      }
      return won;
    };
    expect(claimed()).toBe(40_000);
    expect(claimed()).toBe(0);
    expect(index.size).toBe(before.length + 40_000);
    // What a run adds is not in what is kept.
    expect(contentOf(await loadBlobIndex(openAnew()))).toEqual(before);
  });

  test('and was spoilt since is made anew', async () => {
    await loadBlobIndex(openAnew());
    const bytes = readFileSync(imagePath());
    bytes[bytes.length - 40] = (bytes.at(-40) ?? 0) ^ 4;
    writeFileSync(imagePath(), bytes);
    expect(contentOf(await loadBlobIndex(openAnew()))).toEqual(await truth());
    await loadBlobIndex(openAnew());
    expect(reads).toEqual([]);
  });
});

test('a small index is not kept', async () => {
  storage = createMemoryStorage();
  await grow('small', 3, 900);
  await loadBlobIndex(openAnew());
  expect(existsSync(imagePath())).toBe(false);
});

test('many blobs in few files are', async () => {
  storage = createMemoryStorage();
  await grow('large', 1, 30_000);
  await loadBlobIndex(openAnew());
  expect(existsSync(imagePath())).toBe(true);
  await loadBlobIndex(openAnew());
  expect(reads).toEqual([]);
});

test('a damaged index file is damage, and nothing is kept of what was read beside it', async () => {
  const [damaged = ''] = await openAnew().listIds('index');
  await storage.put(keyOf('index', damaged), Buffer.alloc(100));
  await expect(loadBlobIndex(openAnew())).rejects.toThrow(damaged);
  expect(existsSync(imagePath())).toBe(false);
});
