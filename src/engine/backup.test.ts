import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTrees } from '../../test/harness/trees/compare-trees.ts';
import { isLostByRestic } from '../../test/harness/trees/known-losses.ts';
import { makeTree } from '../../test/harness/trees/make-tree.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { findNode } from './browse/list-nodes.ts';
import { readNode } from './browse/read-node.ts';
import { backUpTree, filesBelow, makeBench, type BackedUp, type BackupBench } from './backup/testing/backup-bench.ts';
import { initRepository, type Repository } from './repository.ts';
import { loadSnapshots } from './snapshots/load-snapshots.ts';

let bench: BackupBench;
beforeAll(async () => {
  bench = await makeBench('/var/tmp');
});
afterAll(() => bench[Symbol.dispose]());

/** The folders above belong to a snapshot too: tries again until nobody else has worked in /var/tmp meanwhile (in /tmp somebody always does). */
async function whenQuiet(work: () => Promise<BackedUp>): Promise<BackedUp> {
  for (let round = 0; round < 20; round++) {
    const done = await work();
    if (done.summary.treeBlobs === 0) return done;
  }
  throw new Error('the folders above the tree never stayed the same');
}

async function contentOf(repository: Repository, path: string): Promise<string> {
  const snapshot = (await loadSnapshots(repository)).at(-1);
  if (snapshot === undefined) throw new Error('there is no snapshot');
  const found = await findNode(repository, snapshot, path);
  if (!('node' in found)) throw new Error('it is the root');
  const parts: Uint8Array[] = [];
  for await (const part of readNode(repository, found.node)) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('every kind of entry is stored right, by the judgement of restic', async () => {
  const tree = bench.at('everything');
  await makeTree(tree, { seed: 'everything' });
  const repository = await bench.open();
  const { problems, summary } = await backUpTree(repository, [tree]);
  expect(problems).toEqual([]);
  const differences = compareTrees(tree, `${bench.restore()}${tree}`).filter((line) => !isLostByRestic(line));
  expect(differences).toEqual([]);
  bench.restic.run(['check', '--read-data']);
  // And restic finds no difference to what it makes of the same files.
  bench.restic.run(['backup', '--host', 'other', '--force', tree]);
  const [ours, theirs] = (await loadSnapshots(await bench.open())).slice(-2);
  expect(theirs?.snapshot.hostname).toBe('other');
  const diff: string = bench.restic.run(['diff', ours?.id ?? '', theirs?.id ?? '']).toString();
  const lines = diff.split('\n').filter((line) => /^[+\-TM]/.test(line) && line.includes(`${tree}/`));
  expect(lines.filter((line) => !/special\/socket|links\/to-bytes|attributes\/link/.test(line))).toEqual([]);
  expect(summary.filesNew).toBeGreaterThan(100);
});

describe('with a parent', () => {
  const tree = (): string => bench.at('changing');
  let repository: Repository;
  beforeAll(async () => {
    mkdirSync(`${tree()}/sub/deep`, { recursive: true });
    for (const name of ['constant', 'touched', 'rewritten', 'grown', 'replaced', 'sub/one', 'sub/deep/two'])
      writeFileSync(`${tree()}/${name}`, `${name} content`);
    writeFileSync(`${tree()}/large`, randomBytes(3_000_000));
    symlinkSync('constant', `${tree()}/link`);
    repository = await bench.open();
    await backUpTree(repository, [tree()]);
  });

  test('an unchanged run adds nothing at all', async () => {
    let before: string[] = [];
    const { summary } = await whenQuiet(() => {
      before = filesBelow(bench.path);
      return backUpTree(repository, [tree()]);
    });
    const [parent, again] = (await loadSnapshots(repository)).slice(-2);
    expect(summary).toMatchObject({
      parentId: parent?.id,
      filesNew: 0,
      filesChanged: 0,
      filesUnmodified: 8,
      dirsNew: 0,
      dirsChanged: 0,
      dataBlobs: 0,
      treeBlobs: 0,
      dataAdded: 0,
    });
    const added = filesBelow(bench.path).filter((name) => !before.includes(name));
    expect(added).toEqual([`snapshots/${summary.snapshotId}`]);
    expect([again?.snapshot.tree, again?.snapshot.parent]).toEqual([parent?.snapshot.tree, parent?.id]);
  });

  test('and none is written where that is asked for', async () => {
    let before: string[] = [];
    const { summary } = await whenQuiet(() => {
      before = filesBelow(bench.path);
      return backUpTree(repository, [tree()], {}, { skipIfUnchanged: true });
    });
    expect(summary.snapshotId).toBeUndefined();
    expect(filesBelow(bench.path)).toEqual(before);
  });

  test('what changed is read: time, size, content under the same size and time, another file in its place', async () => {
    utimesSync(`${tree()}/touched`, 1, 1);
    appendFileSync(`${tree()}/grown`, '!');
    const { atime, mtime } = statSync(`${tree()}/rewritten`);
    writeFileSync(`${tree()}/rewritten`, 'REWRITTEN CONTENT'.slice(0, 'rewritten content'.length));
    utimesSync(`${tree()}/rewritten`, atime, mtime);
    writeFileSync(`${tree()}/other`, 'REPLACED content');
    const replaced = statSync(`${tree()}/replaced`);
    utimesSync(`${tree()}/other`, replaced.atime, replaced.mtime);
    renameSync(`${tree()}/other`, `${tree()}/replaced`);
    const { summary, problems } = await backUpTree(repository, [tree()]);
    expect(problems).toEqual([]);
    expect(summary).toMatchObject({ filesNew: 0, filesChanged: 4, filesUnmodified: 4, dataBlobs: 3 });
    for (const [name, content] of [
      ['touched', 'touched content'],
      ['grown', 'grown content!'],
      ['rewritten', 'REWRITTEN CONTENT'],
      ['replaced', 'REPLACED content'],
      ['sub/deep/two', 'sub/deep/two content'],
    ] as const)
      expect([name, await contentOf(repository, `${tree()}/${name}`)]).toEqual([name, content]);
  });

  test('forced: everything is read, and still nothing stored twice', async () => {
    const { summary } = await whenQuiet(() => backUpTree(repository, [tree()], {}, { force: true }));
    expect(summary).toMatchObject({ filesNew: 8, filesUnmodified: 0, dataBlobs: 0, treeBlobs: 0 });
    expect(summary.parentId).toBeUndefined();
  });

  test('a parent that has lost a tree or a blob is no hindrance', async () => {
    const [newest] = (await loadSnapshots(repository)).slice(-1);
    // A snapshot of what is not there: its tree is in no index.
    const broken = await repository.writeFile(
      'snapshot',
      Buffer.from(JSON.stringify({ ...newest?.snapshot, time: '2999-01-01T00:00:00Z', tree: 'ab'.repeat(32) })),
    );
    const { summary, problems } = await backUpTree(repository, [tree()]);
    expect([summary.parentId, problems, summary.filesNew, summary.dataBlobs]).toEqual([broken, [], 8, 0]);
    await repository.removeFile('snapshot', broken);
    bench.restic.run(['check']);
  });

  test('a file that became a folder, a folder that became a file, a link that became either', async () => {
    const before = bench.at('becoming');
    mkdirSync(`${before}/folder`, { recursive: true });
    writeFileSync(`${before}/file`, 'file');
    writeFileSync(`${before}/folder/inside`, 'inside');
    symlinkSync('file', `${before}/link`);
    await backUpTree(repository, [before]);
    rmSync(before, { recursive: true });
    mkdirSync(`${before}/file`, { recursive: true });
    writeFileSync(`${before}/file/inside`, 'now inside');
    writeFileSync(`${before}/folder`, 'now a file');
    writeFileSync(`${before}/link`, 'no link any more');
    await backUpTree(repository, [before]);
    expect(compareTrees(before, `${bench.restore()}${before}`)).toEqual([]);
  });
});

test('a dry run says what would be done and leaves the repository as it is', async () => {
  const tree = bench.at('dry');
  mkdirSync(tree);
  writeFileSync(`${tree}/file`, randomBytes(2_000_000));
  writeFileSync(`${tree}/small`, 'small');
  const before = filesBelow(bench.path);
  const repository = await bench.open();
  const dry = await backUpTree(repository, [tree], {}, { dryRun: true });
  expect(dry.summary.snapshotId).toBeUndefined();
  expect(filesBelow(bench.path)).toEqual(before);
  const real = await backUpTree(repository, [tree]);
  expect(real.summary).toMatchObject({
    filesNew: dry.summary.filesNew,
    dataBlobs: dry.summary.dataBlobs,
    treeBlobs: dry.summary.treeBlobs,
  });
  expect(dry.summary.dataBlobs).toBeGreaterThan(1);
});

test('what was stored is read by the same repository object, and is a parent', async () => {
  const repository = await initRepository(createMemoryStorage(), { password: 'x' });
  expect((await repository.loadIndex()).size).toBe(0);
  const tree = bench.at('same-process');
  mkdirSync(tree);
  for (let at = 0; at < 300; at++) writeFileSync(`${tree}/${at}`, `number ${at}`);
  const first = await backUpTree(repository, [tree]);
  expect(first.summary).toMatchObject({ filesNew: 300, dataBlobs: 300 });
  expect(await contentOf(repository, `${tree}/277`)).toBe('number 277');
  // Not a folder of this machine: the parent's trees come through the storage.
  appendFileSync(`${tree}/123`, ' changed');
  const second = await backUpTree(repository, [tree]);
  expect(second.summary).toMatchObject({
    parentId: first.summary.snapshotId,
    filesNew: 0,
    filesChanged: 1,
    filesUnmodified: 299,
    dataBlobs: 1,
  });
  expect(await contentOf(repository, `${tree}/123`)).toBe('number 123 changed');
  expect(second.problems).toEqual([]);
});

test('a parent whose pack is gone from a storage that is no folder of this machine', async () => {
  const storage = createMemoryStorage();
  const repository = await initRepository(storage, { password: 'x' });
  const tree = bench.at('lost-pack');
  mkdirSync(`${tree}/sub`, { recursive: true });
  writeFileSync(`${tree}/sub/file`, 'content');
  await backUpTree(repository, [tree]);
  const index = await repository.loadIndex();
  const [snapshot] = await loadSnapshots(repository);
  const { pack } = index.place(index.find(snapshot?.snapshot.tree ?? '', 'tree'));
  await storage.remove(`data/${pack.slice(0, 2)}/${pack}`);
  const { summary, problems } = await backUpTree(repository, [tree]);
  expect([summary.filesNew, summary.dataBlobs, problems]).toEqual([1, 0, []]);
});

test('the snapshot says what was asked for, and the summary is in it', async () => {
  const tree = bench.at('described');
  mkdirSync(tree);
  writeFileSync(`${tree}/file`, 'x');
  const repository = await bench.open();
  const time = new Date(Date.UTC(2026, 10, 20, 14, 30));
  const { summary } = await backUpTree(repository, [tree], {}, { host: 'web1', time, tags: ['a', 'b'], excludes: ['*.tmp'] });
  const listed: unknown = JSON.parse(bench.restic.run(['snapshots', '--json', summary.snapshotId ?? '']).toString());
  expect(listed).toMatchObject([{ time: '2026-11-20T14:30:00Z', hostname: 'web1', tags: ['a', 'b'], excludes: ['*.tmp'], paths: [tree] }]);
  const wire: unknown = JSON.parse((await repository.readFile('snapshot', summary.snapshotId ?? '')).toString());
  expect(wire).toMatchObject({ summary: { files_new: 1, total_bytes_processed: 1 } });
  expect(readFileSync(`${tree}/file`, 'utf8')).toBe('x');
});
