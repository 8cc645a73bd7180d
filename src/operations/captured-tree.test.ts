/** Streams with folders, links, owners and modes: a data directory as a server sends it, restored by holdfast and by restic, and read back. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restoreSnapshot } from '../../test/harness/repositories/restore-in-process.ts';
import { compareTrees } from '../../test/harness/trees/compare-trees.ts';
import { backUpStreams, makeBench, type BackupBench } from '../engine/backup/testing/backup-bench.ts';
import type { Repository } from '../engine/repository.ts';
import { loadSnapshot } from '../engine/snapshots/load-snapshots.ts';
import type { CapturedEntry, StreamEntry } from '../sources/source.ts';
import { openCapturedTree } from './captured-tree.ts';

let bench: BackupBench;
let repository: Repository;
beforeAll(async () => {
  bench = await makeBench();
  repository = await bench.open();
});
afterAll(() => bench[Symbol.dispose]());

const modified = new Date(Date.UTC(2026, 10, 20, 14, 30, 15));
const earlier = new Date(Date.UTC(2019, 1, 28, 23, 59, 59));
const postgres = { uid: 4711, gid: 4712, user: 'postgres', group: 'database' };

type Described = Omit<StreamEntry, 'open' | 'modified'> & { readonly modified?: Date; readonly content?: Iterable<Uint8Array> };

async function* streams(entries: readonly Described[]): AsyncGenerator<StreamEntry> {
  for (const { content, ...rest } of entries)
    yield {
      modified,
      ...rest,
      async *open() {
        if (content === undefined) throw new Error(`${rest.path} has no bytes and was opened`);
        yield* content;
      },
    };
}

async function saved(entries: readonly Described[]): Promise<string> {
  const { summary, problems } = await backUpStreams(repository, streams(entries));
  expect(problems).toEqual([]);
  return summary.snapshotId ?? '';
}

async function listed(id: string): Promise<CapturedEntry[]> {
  const tree = openCapturedTree(repository, await loadSnapshot(repository, id), new AbortController().signal);
  const entries: CapturedEntry[] = [];
  for await (const each of tree.entries()) entries.push(each);
  return entries;
}

const dataDirectory: readonly Described[] = [
  { path: '/p/data/base/1/1259', content: [randomBytes(8192)], mode: 0o600, owner: postgres, chunks: 'fixed' },
  { path: '/p/data/pg_wal', type: 'folder', mode: 0o700, owner: postgres, modified: earlier },
  { path: '/p/data', type: 'folder', mode: 0o700, owner: postgres, modified: earlier },
  { path: '/p/data/base', type: 'folder', mode: 0o2750, owner: postgres, modified: earlier },
  { path: '/p/data/pg_tblspc', type: 'folder', mode: 0o1770, owner: postgres },
  { path: '/p/data/pg_tblspc/16400', type: 'link', linkTarget: '../../tablespaces/16400', owner: postgres, modified: earlier },
  { path: '/p/tablespaces/16400/PG_15/empty', content: [], mode: 0o640, owner: { uid: 0, gid: 7 } },
  { path: '/p/data/dangling', type: 'link', linkTarget: '/nowhere/zür' },
];

describe('a data directory', () => {
  test('comes back the same from holdfast and from restic, and says what it is', async () => {
    const id = await saved(dataDirectory);
    bench.restic.run(['check', '--read-data']);
    const judged = bench.restore();
    const target = bench.at('by-holdfast');
    expect((await restoreSnapshot(repository, id, { target, verify: true })).problems).toBe(0);
    expect(compareTrees(judged, target, { skip: (path) => path === '.' })).toEqual([]);
    const told = new Map((await listed(id)).map((each) => [each.path, each]));
    expect(told.get('/p')).toMatchObject({ type: 'folder', mode: 0o755 });
    expect(told.get('/p/data')).toEqual({ path: '/p/data', type: 'folder', mode: 0o700, size: 0, modified: earlier, owner: postgres });
    expect(told.get('/p/data/pg_wal')).toMatchObject({ type: 'folder', mode: 0o700, modified: earlier });
    expect(told.get('/p/data/base')).toMatchObject({ mode: 0o2750, modified: earlier });
    expect(told.get('/p/data/base/1')).toMatchObject({ mode: 0o755 });
    expect(told.get('/p/data/pg_tblspc')).toMatchObject({ mode: 0o1770 });
    expect(told.get('/p/data/pg_tblspc/16400')).toMatchObject({
      type: 'link',
      mode: 0o777,
      linkTarget: '../../tablespaces/16400',
      modified: earlier,
      owner: postgres,
    });
    expect(told.get('/p/data/dangling')).toMatchObject({ linkTarget: '/nowhere/zür' });
    expect(told.get('/p/tablespaces/16400/PG_15/empty')).toMatchObject({ type: 'file', size: 0, mode: 0o640, owner: { uid: 0, gid: 7 } });
    expect(told.get('/p/data/base/1/1259')).toMatchObject({ type: 'file', size: 8192, owner: postgres, modified });
  });

  test('is the same snapshot whatever the order of its entries', async () => {
    const trees = [];
    for (const entries of [dataDirectory, dataDirectory.toReversed()]) {
      const { summary } = await backUpStreams(repository, streams(entries), { time: modified });
      trees.push((await loadSnapshot(repository, summary.snapshotId ?? '')).snapshot.tree);
    }
    expect(trees[1]).toBe(trees[0]);
  });

  test('of nothing but an empty folder', async () => {
    const id = await saved([{ path: '/only', type: 'folder', mode: 0o700 }]);
    expect(await listed(id)).toMatchObject([{ path: '/only', type: 'folder', mode: 0o700 }]);
    const target = bench.at('empty');
    await restoreSnapshot(repository, id, { target });
    expect(compareTrees(bench.restore(), target, { skip: (path) => path === '.' })).toEqual([]);
  });
});
