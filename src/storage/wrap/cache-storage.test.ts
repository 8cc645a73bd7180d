import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import { storageContract } from '../testing/contract.ts';
import { createFaultyStorage } from '../testing/faulty-storage.ts';
import type { Storage } from '../storage.ts';
import { cacheFolderOf } from './cache-folder.ts';
import { createCacheStorage, type CachedStorage } from './cache-storage.ts';
import { createMeterStorage, type MeteredStorage } from './meter-storage.ts';

/* Also with keys whose objects do change: a put must replace the copy. */
storageContract('cache around memory, all cacheable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cache-'));
  const cleanup = (): Promise<void> => rm(folder, { recursive: true });
  return { storage: createCacheStorage(createMemoryStorage(), { folder, isCacheable: () => true }), cleanup };
});

storageContract('cache around memory, nothing cacheable', async () => ({
  storage: createCacheStorage(createMemoryStorage(), { folder: '/nonexistent', isCacheable: () => false }),
  cleanup: async () => {},
}));

storageContract('cache whose folder cannot be made', async () => ({
  storage: createCacheStorage(createMemoryStorage(), { folder: '/proc/holdfast', isCacheable: () => true }),
  cleanup: async () => {},
}));

describe('cache storage', () => {
  let folder: string;
  let memory: Storage;
  let meter: MeteredStorage;
  let storage: CachedStorage;
  const content = new Uint8Array(randomBytes(300_000));
  const isCacheable = (key: string): boolean => !key.startsWith('data/');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-cache-'));
    memory = createMemoryStorage();
    await memory.put('index/a', content);
    await memory.put('data/0f/x', content);
    meter = createMeterStorage(memory);
    storage = createCacheStorage(meter, { folder, isCacheable });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const gets = (): number => meter.counts().get.calls;

  it('asks the storage once, and another process not at all', async () => {
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(same(await storage.get('index/a'), content)).toBe(true);
    const other = createCacheStorage(meter, { folder, isCacheable });
    expect(same(await other.get('index/a', { offset: 70_000, length: 100_000 }), content.subarray(70_000, 170_000))).toBe(true);
    expect(gets()).toBe(1);
    await storage.get('data/0f/x');
    await storage.get('data/0f/x');
    expect(gets()).toBe(3);
  });

  it('brings an object once for many ranges at the same time', async () => {
    const ranges = Array.from({ length: 20 }, (_, index) => ({ offset: index * 1000, length: 5000 }));
    const parts = await Promise.all(ranges.map((range) => storage.get('index/a', range)));
    for (const [index, part] of parts.entries()) expect(same(part, content.subarray(index * 1000, index * 1000 + 5000))).toBe(true);
    expect(gets()).toBe(1);
    expect(meter.counts().get.bytes).toBe(300_000);
  });

  it('keeps what it puts', async () => {
    await storage.put('snapshots/s', content);
    await writeFile(join(folder, 'file'), content);
    await storage.putFile('index/f', join(folder, 'file'));
    expect(same(await storage.get('snapshots/s'), content)).toBe(true);
    expect(same(await storage.get('index/f'), content)).toBe(true);
    expect(gets()).toBe(0);
  });

  it('keeps a file that is said to be read often, and gives it when its kind is known', async () => {
    await writeFile(join(folder, 'pack'), content);
    await storage.putFile('data/trees', join(folder, 'pack'), { readOften: true });
    await memory.remove('data/trees');
    const later = createCacheStorage(memory, { folder, isCacheable: () => true });
    expect(same(await later.get('data/trees'), content)).toBe(true);
  });

  it('keeps the newer object where an older one was still being read', async () => {
    const large = new Uint8Array(8_000_000).fill(1);
    for (let round = 0; round < 20; round += 1) {
      const key = `index/race-${round}`;
      await memory.put(key, large);
      const reading = storage.get(key);
      /* The older copy is being written, or is about to be. */
      while (round % 2 === 0 && !(await readdir(folder)).some((name) => name.startsWith('.draft-'))) await setImmediate();
      await Promise.all([reading, storage.put(key, new Uint8Array([2]))]);
      expect(await storage.get(key)).toEqual(new Uint8Array([2]));
    }
  });

  it('keeps nothing of a put that failed', async () => {
    const failing = createCacheStorage(createFaultyStorage(memory, [{ operation: 'put', effect: { kind: 'fail' } }]), {
      folder,
      isCacheable,
    });
    await expect(failing.put('index/b', content)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(failing.get('index/b')).rejects.toMatchObject({ code: 'storage-missing' });
  });

  it.each([0, 1, 65_535, 65_536, 299_999, 300_001, 300_025])('never serves a copy with a flipped bit in byte %d', async (place) => {
    await storage.get('index/a');
    await flipBit(join(folder, 'index/a'), place);
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(gets()).toBe(2);
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(gets()).toBe(2);
  });

  it('notices damage in the blocks of a range', async () => {
    await storage.get('index/a');
    await flipBit(join(folder, 'index/a'), 70_000);
    await storage.get('index/a', { offset: 0, length: 1000 });
    expect(gets()).toBe(1);
    expect(same(await storage.get('index/a', { offset: 69_990, length: 20 }), content.subarray(69_990, 70_010))).toBe(true);
    expect(gets()).toBe(2);
  });

  it.each([0, 1, 15, 16, 100, 65_552, 299_999, 300_000, 300_035])('never serves a copy cut to %d bytes', async (size) => {
    await storage.get('index/a');
    await truncate(join(folder, 'index/a'), size);
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(gets()).toBe(2);
  });

  it('never serves the copy of another object', async () => {
    await storage.get('index/a');
    await memory.put('index/b', new Uint8Array(10));
    await writeFile(join(folder, 'index/b'), await readFile(join(folder, 'index/a')));
    expect(await storage.get('index/b')).toHaveLength(10);
  });

  it('brings an object again after invalidate: the way out of a flip that came from the storage', async () => {
    const flipping = createFaultyStorage(memory, [{ operation: 'get', times: 1, effect: { kind: 'flip' } }]);
    storage = createCacheStorage(flipping, { folder, isCacheable });
    expect(same(await storage.get('index/a'), content)).toBe(false);
    expect(same(await storage.get('index/a'), content)).toBe(false);
    await storage.invalidate('index/a');
    expect(same(await storage.get('index/a'), content)).toBe(true);
  });

  it('keeps its size, the oldest go first', async () => {
    storage = createCacheStorage(meter, { folder, isCacheable, maximumBytes: 1_000_000 });
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      await memory.put(`index/${name}`, content);
      await storage.get(`index/${name}`);
      await utimes(join(folder, 'index', name), 1000 + index, 1000 + index);
    }
    expect((await readdir(join(folder, 'index'))).toSorted()).toEqual(['a', 'b', 'c']);
    await storage.put('index/d', content);
    expect((await readdir(join(folder, 'index'))).toSorted()).toEqual(['c', 'd']);
    /* A copy larger than the whole cache is not kept. */
    await storage.put('index/large', new Uint8Array(1_100_000));
    expect(await readdir(join(folder, 'index'))).not.toContain('large');
  });

  it('goes on without a folder that cannot be used, and says so once', async () => {
    const problems: string[] = [];
    await writeFile(join(folder, 'a-file'), 'x');
    storage = createCacheStorage(meter, { folder: join(folder, 'a-file'), isCacheable, onProblem: (reason) => problems.push(reason) });
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(same(await storage.get('index/a'), content)).toBe(true);
    expect(problems).toHaveLength(1);
  });

  it('is private, and marked so that backups pass over it', async () => {
    await storage.get('index/a');
    expect((await stat(join(folder, 'index/a'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, 'CACHEDIR.TAG'), 'utf8')).toMatch(/^Signature: 8a477f597d28d172789f06886806bc55/);
    expect('local' in storage).toBe(false);
  });
});

it('belongs where XDG says', () => {
  expect(cacheFolderOf('abc123', { XDG_CACHE_HOME: '/var/cache' })).toBe('/var/cache/holdfast/abc123');
  expect(cacheFolderOf('abc123', { XDG_CACHE_HOME: 'relative' })).toBe(join(homedir(), '.cache/holdfast/abc123'));
  expect(() => cacheFolderOf('../x', {})).toThrow('not of the allowed form');
});

async function flipBit(path: string, place: number): Promise<void> {
  const data = await readFile(path);
  data[place] = (data[place] ?? 0) ^ 4;
  await writeFile(path, data);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
