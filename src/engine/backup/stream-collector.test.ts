import { hash, randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import type { StreamEntry } from '../../sources/source.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { initRepository, type Repository } from '../repository.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { backUpStreams, backUpTree, filesBelow, makeBench, type BackupBench } from './testing/backup-bench.ts';

let bench: BackupBench;
let repository: Repository;
beforeAll(async () => {
  bench = await makeBench();
  repository = await bench.open();
});
afterAll(() => bench[Symbol.dispose]());

const modified = new Date(Date.UTC(2026, 10, 20, 14, 30, 15, 250));

function entry(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, mode?: number): StreamEntry {
  return {
    path,
    modified,
    ...(mode === undefined ? {} : { mode }),
    async *open() {
      yield* chunks;
    },
  };
}

async function* streams(...entries: readonly StreamEntry[]): AsyncGenerator<StreamEntry> {
  yield* entries;
}

/** Cut into pieces of these sizes, again and again. */
function* pieces(data: Buffer, ...sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < data.length; turn++) yield data.subarray(at, (at += sizes[turn % sizes.length] ?? data.length));
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof HoldfastError ? error.code : error),
  );
}

describe('streams', () => {
  test('of all sizes and pieces come back as files, with the folders they are said to be in', async () => {
    const large = randomBytes(20_000_000);
    const contents: Readonly<Record<string, Buffer>> = {
      '/db/one.dump': large,
      '/db/empty': Buffer.alloc(0),
      '/db/deep/er/tiny': Buffer.from('x'),
      '/db/zeros': Buffer.alloc(3_000_000),
      '/globals.sql': Buffer.from('create role anna;\n'),
    };
    const entries = [
      entry('/db/one.dump', pieces(large, 65_536, 1, 1_000_003, 0, 17)),
      entry('/db/empty', []),
      entry('/db/deep/er/tiny', [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0)], 0o640),
      entry('/db/zeros', pieces(Buffer.alloc(3_000_000), 3_000_000)),
      entry('/globals.sql', pieces(Buffer.from('create role anna;\n'), 1)),
    ];
    const { summary, problems } = await backUpStreams(repository, streams(...entries));
    expect(problems).toEqual([]);
    expect(summary).toMatchObject({ filesNew: 5, dirsNew: 3, totalBytesProcessed: 23_000_019 });
    bench.restic.run(['check', '--read-data']);
    const target = bench.restore();
    for (const [path, content] of Object.entries(contents))
      expect([path, readFileSync(`${target}${path}`).equals(content)]).toEqual([path, true]);
    expect([statSync(`${target}/db/deep/er/tiny`).mode & 0o777, statSync(`${target}/globals.sql`).mode & 0o777]).toEqual([0o640, 0o600]);
    expect(statSync(`${target}/globals.sql`).mtimeMs).toBe(modified.getTime());
  });

  test('are cut where a file of the same bytes is', async () => {
    const content = randomBytes(9_000_000);
    await backUpStreams(repository, streams(entry('/dump', pieces(content, 131_071))));
    writeFileSync(bench.at('dump'), content);
    expect((await backUpTree(repository, [bench.at('dump')])).summary).toMatchObject({ filesNew: 1, dataBlobs: 0 });
    expect((await backUpStreams(repository, streams(entry('/again', pieces(content, 500_000))))).summary.dataBlobs).toBe(0);
  });

  test('none at all', async () => {
    const { summary } = await backUpStreams(repository, streams());
    expect(summary).toMatchObject({ filesNew: 0, totalBytesProcessed: 0 });
    bench.restic.run(['check']);
  });

  test('whose source uses its buffer again', async () => {
    const buffer = Buffer.alloc(100_000);
    const sum: Buffer[] = [];
    async function* reusing(): AsyncGenerator<Uint8Array> {
      for (let round = 0; round < 50; round++) {
        buffer.fill(round);
        sum.push(Buffer.from(buffer));
        yield buffer;
        await setImmediate();
      }
    }
    await backUpStreams(repository, streams(entry('/reused', reusing())));
    expect(hash('sha256', readFileSync(`${bench.restore()}/reused`))).toBe(hash('sha256', Buffer.concat(sum)));
  });
});

describe('a source that fails', () => {
  const lost = new HoldfastError('postgres-dump-cut', { title: 'the database', reason: 'its end is missing' });

  async function* failing(after: number): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < after; sent += 1_000_000) yield randomBytes(1_000_000);
    throw lost;
  }

  test.each([0, 3_000_000, 40_000_000])('after %i bytes: no snapshot, a sound repository, and the next run works', async (after) => {
    const before = (await repository.listFiles('snapshot')).length;
    const work = backUpStreams(repository, streams(entry('/first', [Buffer.from('first')]), entry('/second', failing(after))));
    await expect(work).rejects.toBe(lost);
    expect((await repository.listFiles('snapshot')).length).toBe(before);
    expect(filesBelow(bench.path).filter((name) => !/^(config|data|index|keys|snapshots|locks)/.test(name))).toEqual([]);
    bench.restic.run(['check', '--read-data']);
    expect((await backUpStreams(repository, streams(entry('/first', [Buffer.from('first')])))).summary.snapshotId).toBeDefined();
  });

  test('between two streams', async () => {
    async function* broken(): AsyncGenerator<StreamEntry> {
      yield entry('/first', [Buffer.from('first')]);
      throw lost;
    }
    await expect(backUpStreams(repository, broken())).rejects.toBe(lost);
  });

  test('is told to clean up when the storage fails', async () => {
    const full = new HoldfastError('storage-full', { location: 'here' });
    const failingStorage = await initRepository(overridden({ putFile: () => Promise.reject(full) }), { password: 'x' });
    let cleaned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield randomBytes(1_000_000);
          await setImmediate();
        }
      } finally {
        cleaned = true;
      }
    }
    await expect(backUpStreams(failingStorage, streams(entry('/endless', endless())))).rejects.toBe(full);
    expect(cleaned).toBe(true);
  });

  test('that has two streams of one path, or one where another needs a folder', async () => {
    const x = [Buffer.from('x')];
    for (const paths of [['/a', '/a'], ['/a', '/a/b'], ['/a/b', '/a'], ['/'], ['/a/../b'], ['/a/.']]) {
      const { length } = await repository.listFiles('snapshot');
      expect([paths, await codeOf(backUpStreams(repository, streams(...paths.map((path) => entry(path, x)))))]).toEqual([
        paths,
        'internal',
      ]);
      expect((await repository.listFiles('snapshot')).length).toBe(length);
    }
  });
});

/** A storage in memory with some calls replaced. */
function overridden(calls: Partial<Storage>): Storage {
  const storage = createMemoryStorage();
  return {
    location: storage.location,
    create: () => storage.create(),
    get: (key, range, signal) => storage.get(key, range, signal),
    put: (key, data, options) => storage.put(key, data, options),
    putFile: (key, path, options) => storage.putFile(key, path, options),
    stat: (key) => storage.stat(key),
    list: (prefix, signal) => storage.list(prefix, signal),
    remove: (key) => storage.remove(key),
    close: () => storage.close(),
    ...calls,
  };
}

test('a storage slower than the source holds the source back', async () => {
  const memory = createMemoryStorage();
  let isOpen = false;
  const waiting: (() => void)[] = [];
  const slow = overridden({
    putFile: async (key, path, options) => {
      if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
      await memory.putFile(key, path, options);
    },
  });
  const held = await initRepository(slow, { password: 'x' });
  let produced = 0;
  let last = 500_000_000;
  async function* producing(): AsyncGenerator<Uint8Array> {
    for (; produced < last; produced += 1_000_000) yield randomBytes(1_000_000);
  }
  const work = backUpStreams(held, streams(entry('/large', producing())));
  // Nothing gets through: after a while the source stands still, far from its end.
  let seen = -1;
  while (seen !== produced || produced === 0) {
    seen = produced;
    await setTimeout(1000);
  }
  expect(produced).toBeLessThan(300_000_000);
  last = produced + 3_000_000;
  isOpen = true;
  for (const resume of waiting) resume();
  const { summary } = await work;
  expect(summary.totalBytesProcessed).toBe(last);
});

describe('an interrupted run', () => {
  test('ends in the middle of a stream, keeps what is stored, and leaves nothing lying about', async () => {
    const controller = new AbortController();
    const data = randomBytes(60_000_000);
    async function* interrupted(): AsyncGenerator<Uint8Array> {
      for (const chunk of pieces(data, 1_000_000)) {
        yield chunk;
        await setImmediate();
      }
      controller.abort();
      await setTimeout(60_000, undefined, { ref: false }); // and takes no notice
    }
    const before = (await repository.listFiles('index')).length;
    expect(await codeOf(backUpStreams(repository, streams(entry('/cut', interrupted())), { signal: controller.signal }))).toBe(
      'interrupted',
    );
    expect(filesBelow(bench.path).filter((name) => !/^(config|data|index|keys|snapshots|locks)/.test(name))).toEqual([]);
    expect((await repository.listFiles('index')).length).toBeGreaterThan(before);
    bench.restic.run(['check', '--read-data']);
    // What was stored need not be stored again.
    const { summary } = await backUpStreams(repository, streams(entry('/cut', pieces(data, 777_777))));
    expect(summary.dataAdded).toBeLessThan(data.length - 10_000_000);
    expect((await loadSnapshots(repository)).at(-1)?.id).toBe(summary.snapshotId);
  });

  test('by the loss of its lock says so', async () => {
    const controller = new AbortController();
    const lost = new HoldfastError('lock-lost', { location: 'here', age: '30 minutes' });
    async function* losing(): AsyncGenerator<Uint8Array> {
      yield randomBytes(1000);
      controller.abort(lost);
      yield randomBytes(1000);
    }
    await expect(backUpStreams(repository, streams(entry('/x', losing())), { signal: controller.signal })).rejects.toBe(lost);
  });

  test('before it began', async () => {
    expect(await codeOf(backUpStreams(repository, streams(entry('/x', [Buffer.from('x')])), { signal: AbortSignal.abort() }))).toBe(
      'interrupted',
    );
    expect(await codeOf(backUpTree(repository, [bench.folder], {}, { signal: AbortSignal.abort() }))).toBe('interrupted');
  });
});
