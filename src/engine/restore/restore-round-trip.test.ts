import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTrees } from '../../../test/harness/trees/compare-trees.ts';
import { makeTree } from '../../../test/harness/trees/make-tree.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import { createMeterStorage } from '../../storage/wrap/meter-storage.ts';
import type { Repository } from '../repository.ts';
import { parseTime } from '../tree/node.ts';
import { nanosecondsOf, secondsOf } from './entry-time.ts';
import { planRestore } from './plan-restore.ts';
import { backUpWithRestic, latestSnapshot, openWithPassword, restic, restoreLatest } from './testing/restore-bench.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-restore-'));
const source = join(base, 'source');
const repositoryPath = join(base, 'repository');
let repository: Repository;
let targets = 0;
const newTarget = (): string => join(base, `target-${++targets}`);

beforeAll(async () => {
  await makeTree(source, { seed: 'restore' });
  repository = await backUpWithRestic(repositoryPath, source);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('a tree with every kind of entry', () => {
  test('comes back as restic restores it, and as it was', async () => {
    const target = newTarget();
    const judge = newTarget();
    const { summary, problems } = await restoreLatest(repository, { target, verify: true });
    expect(problems).toEqual([]);
    restic(repositoryPath, 'restore', 'latest', '--target', judge);
    // restic keeps holes only where it is asked to; the target's own metadata is in no snapshot.
    expect(compareTrees(judge, target, { ignore: ['holes'], skip: (path) => path === '.' })).toEqual([]);
    expect(compareTrees(source, target, { ignore: ['holes'], skip: (path) => path === '.' || isBeyondRestic(path) })).toEqual([]);
    expect(summary.problems).toBe(0);
    expect(summary.verified).toBeGreaterThan(100);
  });

  test('comes back the same from a storage that is no folder of this machine', async () => {
    const target = newTarget();
    const remote = await openWithPassword(createMeterStorage(createLocalStorage(repositoryPath)));
    expect(remote.storage.local).toBeUndefined();
    const { problems } = await restoreLatest(remote, { target, verify: true });
    expect(problems).toEqual([]);
    expect(compareTrees(source, target, { ignore: ['holes'], skip: (path) => path === '.' || isBeyondRestic(path) })).toEqual([]);
  });

  test('a second restore over the first writes nothing and leaves all as it is', async () => {
    const target = newTarget();
    await restoreLatest(repository, { target });
    const { summary, problems } = await restoreLatest(repository, { target, delete: true });
    expect(problems).toEqual([]);
    expect(summary.deletions).toBe(0);
    expect(compareTrees(source, target, { ignore: ['holes'], skip: (path) => path === '.' || isBeyondRestic(path) })).toEqual([]);
  });
});

/** What restic 0.14 does not record: sockets, attributes of links, targets of links that are not UTF-8. */
function isBeyondRestic(path: string): boolean {
  return ['special/socket', 'attributes/link', 'links/to-bytes'].includes(path);
}

describe('times', () => {
  test.each([
    '2025-01-02T03:04:05Z',
    '1969-12-31T23:59:59.999999999Z',
    '0000-03-01T00:00:00Z',
    '9999-12-31T23:59:59.1+14:00',
    '2024-02-29T12:00:00.000000001-09:30',
    '1900-02-28T00:00:00.5Z',
  ])('%s', (time) => {
    expect(BigInt(secondsOf(time)) * 1_000_000_000n + BigInt(nanosecondsOf(time))).toBe(parseTime(time));
  });
});

describe('contents', () => {
  let folder: string;
  let contents: Repository;
  const large = randomBytes(9_000_000);
  beforeAll(async () => {
    folder = join(base, 'contents');
    mkdirSync(join(folder, 'sub/deep'), { recursive: true });
    writeFileSync(join(folder, 'large'), large);
    writeFileSync(join(folder, 'copy'), large);
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'sparse'), 'begins');
    truncateSync(join(folder, 'sparse'), 40_000_000);
    writeFileSync(join(folder, 'sub/deep/Note.txt'), 'a note');
    writeFileSync(join(folder, 'sub/other.log'), 'a log');
    writeFileSync(join(folder, 'setuid'), 'x');
    chmodSync(join(folder, 'setuid'), 0o6755);
    linkSync(join(folder, 'copy'), join(folder, 'sub/linked'));
    symlinkSync('../large', join(folder, 'sub/link'));
    contents = await backUpWithRestic(join(base, 'contents-repository'), folder);
  });

  test('large, shared, empty and sparse files, links and setuid', async () => {
    const target = newTarget();
    const { summary } = await restoreLatest(contents, { target });
    expect(compareTrees(folder, target, { ignore: ['holes'], skip: (path) => path === '.' })).toEqual([]);
    expect(statSync(join(target, 'sparse')).blocks * 512).toBeLessThan(2_000_000);
    expect(statSync(join(target, 'sub/linked')).ino).toBe(statSync(join(target, 'copy')).ino);
    expect(statSync(join(target, 'setuid')).mode & 0o7777).toBe(0o6755);
    expect(summary).toMatchObject({ files: 8, folders: 2, others: 1, problems: 0, unchanged: 0 });
  });

  test('without holes where they are not wanted', async () => {
    const target = newTarget();
    await restoreLatest(contents, { target, sparse: false });
    expect(statSync(join(target, 'sparse')).blocks * 512).toBeGreaterThanOrEqual(40_000_000);
  });

  test('one folder of the snapshot lies directly in the target', async () => {
    const target = newTarget();
    await restoreLatest(contents, { target, subPath: '/sub' });
    expect(readFileSync(join(target, 'deep/Note.txt'), 'utf8')).toBe('a note');
    await expect(restoreLatest(contents, { target, subPath: '/nowhere' })).rejects.toMatchObject({ code: 'path-missing' });
  });

  test.each([
    [{ include: ['*.txt'] }, ['sub', 'sub/deep', 'sub/deep/Note.txt']],
    [{ include: ['note.txt'] }, []],
    [{ includeInsensitive: ['note.txt'] }, ['sub', 'sub/deep', 'sub/deep/Note.txt']],
    [{ include: ['/sub'], exclude: ['*.log'] }, ['sub', 'sub/deep', 'sub/deep/Note.txt', 'sub/link', 'sub/linked']],
    [{ exclude: ['/sub', 'large', 'copy', 'sparse'] }, ['empty', 'setuid']],
    [{ excludeInsensitive: ['/SUB', 'LARGE', 'copy', 'spar*'] }, ['empty', 'setuid']],
  ])('patterns %j', async (patterns, expected) => {
    const plan = await planRestore(
      contents,
      await latestSnapshot(contents),
      { target: join(base, 'nowhere'), dryRun: true, ...patterns },
      { events: () => {}, signal: new AbortController().signal },
    );
    expect([...plan.actions()].map(({ path }) => path.slice(join(base, 'nowhere').length + 1)).toSorted()).toEqual(expected);
  });

  test('a folder above a selected file gets its metadata, and only that file', async () => {
    const target = newTarget();
    utimesSync(join(folder, 'sub'), 1, 1);
    await restoreLatest(contents, { target, include: ['Note.txt'] });
    expect(readFileSync(join(target, 'sub/deep/Note.txt'), 'utf8')).toBe('a note');
    expect(lstatSync(join(target, 'sub')).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(target, 'sub/other.log'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
