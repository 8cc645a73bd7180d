/** How streams are cut, and which entries are refused. What they look like afterwards: operations/captured-tree.test.ts. */
import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restoreSnapshot } from '../../../test/harness/repositories/restore-in-process.ts';
import { isError } from '../../errors.ts';
import type { StreamEntry } from '../../sources/source.ts';
import { findNode } from '../browse/list-nodes.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshot } from '../snapshots/load-snapshots.ts';
import { fixedChunk } from './content-chunker.ts';
import { leastChunk } from './shared-state.ts';
import { backUpStreams, makeBench, type BackupBench } from './testing/backup-bench.ts';

let bench: BackupBench;
let repository: Repository;
beforeAll(async () => {
  bench = await makeBench();
  repository = await bench.open();
});
afterAll(() => bench[Symbol.dispose]());

const modified = new Date(Date.UTC(2026, 10, 20, 14, 30, 15));

type Described = Omit<StreamEntry, 'open' | 'modified'> & { readonly modified?: Date; readonly content?: Iterable<Uint8Array> };

function entry({ content, ...rest }: Described): StreamEntry {
  return {
    modified,
    ...rest,
    async *open() {
      if (content === undefined) throw new Error(`${rest.path} has no bytes and was opened`);
      yield* content;
    },
  };
}

async function* streams(entries: readonly Described[]): AsyncGenerator<StreamEntry> {
  for (const described of entries) yield entry(described);
}

async function saved(entries: readonly Described[]): Promise<string> {
  const { summary, problems } = await backUpStreams(repository, streams(entries));
  expect(problems).toEqual([]);
  return summary.snapshotId ?? '';
}

async function restored(id: string): Promise<string> {
  const target = bench.at(`to-${id.slice(0, 8)}`);
  await restoreSnapshot(repository, id, { target });
  return target;
}

async function blobsOf(id: string, path: string): Promise<readonly string[]> {
  const found = await findNode(repository, await loadSnapshot(repository, id), path);
  return ('node' in found && found.node.content) || [];
}

function* pieces(data: Buffer, size: number): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

describe('a file cut without a scan', () => {
  test.each([1, 8192, fixedChunk - 1, fixedChunk, fixedChunk + 1, 10 * fixedChunk + 8192])('of %i bytes', async (size) => {
    const content = randomBytes(size);
    const expected = [...pieces(content, fixedChunk)].map((piece) => hash('sha256', piece));
    for (const step of [32_768, 1_000_003, 12 * fixedChunk]) {
      const id = await saved([{ path: '/heap', chunks: 'fixed', content: pieces(content, step) }]);
      expect(await blobsOf(id, '/heap')).toEqual(expected);
    }
    expect(readFileSync(join(bench.restore(), 'heap')).equals(content)).toBe(true);
  });

  test('stores only what changed in place', async () => {
    const content = randomBytes(20 * fixedChunk);
    await saved([{ path: '/heap', chunks: 'fixed', content: pieces(content, 32_768) }]);
    content.fill(1, 7 * fixedChunk + 8192, 7 * fixedChunk + 16_384);
    const { summary } = await backUpStreams(repository, streams([{ path: '/heap', chunks: 'fixed', content: [content] }]));
    expect(summary.dataBlobs).toBe(1);
  });
});

describe('a size that is told beforehand', () => {
  test.each([
    ['right', 100_000, 100_000],
    ['too small', 100_000, 8192],
    ['too large', 100_000, leastChunk],
    ['far too large', 100_000, 2 ** 30],
    ['zero of a file that has bytes', 100_000, 0],
    ['too small by far', 5_000_000, 8192],
    ['senseless', 100_000, Number.NaN],
    ['negative', 100_000, -5],
  ])('%s: every byte is saved', async (_, length, size) => {
    const content = randomBytes(length);
    await saved([
      { path: '/hinted', content: pieces(content, 30_000), size },
      { path: '/next', content: [Buffer.from('next')], size: 4 },
      { path: '/nothing', content: [], size: 4 },
    ]);
    const target = bench.restore();
    expect(readFileSync(join(target, 'hinted')).equals(content)).toBe(true);
    expect(readFileSync(join(target, 'next'), 'utf8')).toBe('next');
    expect(readFileSync(join(target, 'nothing'))).toHaveLength(0);
  });

  test('gives a small file the blob that it has without', async () => {
    const content = randomBytes(400_000);
    const id = await saved([
      { path: '/hinted', content: pieces(content, 30_000), size: content.length },
      { path: '/plain', content: pieces(content, 30_000) },
      { path: '/fixed', content: pieces(content, 30_000), chunks: 'fixed' },
    ]);
    expect(await blobsOf(id, '/hinted')).toEqual([hash('sha256', content)]);
    expect(await blobsOf(id, '/plain')).toEqual([hash('sha256', content)]);
    expect(await blobsOf(id, '/fixed')).toEqual([hash('sha256', content)]);
  });
});

test('a thousand small files, cut either way', async () => {
  const contents = Array.from({ length: 1000 }, (_, at) => Buffer.alloc(8192 * (1 + (at % 3)), `file ${at} `));
  const id = await saved(
    contents.map((content, at) => ({
      path: `/base/${at % 7}/${at}`,
      content: [content],
      ...(at % 2 === 0 ? { chunks: 'fixed' } : { size: content.length }),
    })),
  );
  const target = await restored(id);
  for (const [at, content] of contents.entries()) expect(readFileSync(join(target, `base/${at % 7}/${at}`)).equals(content)).toBe(true);
});

test('entries that fit together nowhere are refused', async () => {
  const file = (path: string): Described => ({ path, content: [] });
  const folder = (path: string): Described => ({ path, type: 'folder' });
  const link = (path: string, linkTarget = 'x'): Described => ({ path, type: 'link', linkTarget });
  for (const entries of [
    [folder('/a'), folder('/a')],
    [folder('/a'), file('/a')],
    [file('/a'), folder('/a')],
    [link('/a'), folder('/a')],
    [link('/a'), file('/a/b')],
    [file('/a/b'), link('/a')],
    [link('/a'), link('/a')],
    [link('/a', '')],
    [link('/a', 'x\0y')],
    [folder('/')],
    [folder('/a/..')],
    [link('/../a')],
    [file('/a\0b')],
  ]) {
    const { length } = await repository.listFiles('snapshot');
    const failure = await backUpStreams(repository, streams(entries)).catch((error: unknown) => error);
    expect([entries.map(({ path }) => path), isError(failure, 'internal')]).toEqual([entries.map(({ path }) => path), true]);
    expect((await repository.listFiles('snapshot')).length).toBe(length);
  }
});
