import { hash, randomBytes } from 'node:crypto';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { makeSampleRepository, openSample, type SampleRepository } from '../check/testing/sample-repository.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { PackBuilder } from '../pack/pack-builder.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshots, type LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import { encodeTree } from '../tree/encode-tree.ts';
import type { TreeNode } from '../tree/node.ts';
import { catObject } from './cat-object.ts';
import { diffSnapshots, type SnapshotChange } from './diff-snapshots.ts';
import { findNodes } from './find-nodes.ts';
import { findNode, listNodes } from './list-nodes.ts';
import { readNode } from './read-node.ts';
import { walkTree } from './walk-tree.ts';

let sample: SampleRepository;
let repository: Repository;
let snapshots: LoadedSnapshot[];
let first: LoadedSnapshot;
let last: LoadedSnapshot;
const large = randomBytes(9_000_000);
beforeAll(async () => {
  sample = await makeSampleRepository(2);
  const data = join(sample.folder, 'data');
  writeFileSync(join(data, 'large.bin'), large);
  symlinkSync('constant.txt', join(data, 'sub', 'link'));
  sample.restic.run(['backup', '--host', 'web1', '--time', '2026-12-01 00:00:00', 'data']);
  repository = await openSample(sample.path);
  snapshots = await loadSnapshots(repository);
  first = snapshots[0] ?? expect.fail('there is no snapshot');
  last = snapshots.at(-1) ?? first;
});
afterAll(() => sample[Symbol.dispose]());

/** Where restic puts a folder that was given by a relative path. */
const root = '/data';

async function pathsOf(entries: AsyncIterable<{ path: string }>): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of entries) paths.push(path);
  return paths;
}

describe('list', () => {
  test('everything, in the order of restic ls', async () => {
    const listed = sample.judge(sample.path, 'ls', '--quiet', last.id).trim().split('\n');
    expect(await pathsOf(listNodes(repository, last))).toEqual(listed.filter((line) => line.startsWith('/')));
  });

  test('one folder, one level of it, one file', async () => {
    const sub = join(root, 'sub');
    expect(await pathsOf(listNodes(repository, last, sub))).toEqual([
      `${sub}/deep`,
      `${sub}/deep/text.txt`,
      `${sub}/link`,
      `${sub}/random.bin`,
    ]);
    expect(await pathsOf(listNodes(repository, last, `${sub}/`, { recursive: false }))).toEqual([
      `${sub}/deep`,
      `${sub}/link`,
      `${sub}/random.bin`,
    ]);
    expect(await pathsOf(listNodes(repository, last, `${sub}/link`))).toEqual([`${sub}/link`]);
    await expect(pathsOf(listNodes(repository, last, `${sub}/nothing`))).rejects.toSatisfy((error) => isError(error, 'path-missing'));
    await expect(pathsOf(listNodes(repository, last, `${sub}/link/x`))).rejects.toSatisfy((error) => isError(error, 'path-missing'));
  });
});

test.each([['*.txt'], ['sub'], ['*/deep/*'], ['/**/random.*'], ['only-?.bin']])('find %s as restic does', async (pattern) => {
  const found = JSON.parse(sample.judge(sample.path, 'find', '--json', pattern)) as { snapshot: string; matches: { path: string }[] }[];
  const expected = found.flatMap(({ snapshot, matches }) => matches.map(({ path }) => `${snapshot} ${path}`));
  const ours: string[] = [];
  for await (const { snapshot, path } of findNodes(repository, snapshots, { patterns: [pattern] })) ours.push(`${snapshot.id} ${path}`);
  expect(ours.sort()).toEqual(expected.sort());
  expect(ours.length).toBeGreaterThan(0);
});

test('find by time, by blob and without regard to case', async () => {
  expect(await pathsOf(findNodes(repository, [last], { patterns: ['LARGE.*'], ignoreCase: true }))).toEqual([join(root, 'large.bin')]);
  expect(await pathsOf(findNodes(repository, [last], { patterns: ['large.*'], newest: 0n }))).toEqual([]);
  expect(await pathsOf(findNodes(repository, [last], { patterns: ['large.*'], oldest: 0n }))).toHaveLength(1);
  const found = await findNode(repository, last, join(root, 'large.bin'));
  const [blob = ''] = 'node' in found ? (found.node.content ?? []) : [];
  expect(await pathsOf(findNodes(repository, snapshots, { blobs: [blob.slice(0, 10)] }))).toEqual([join(root, 'large.bin')]);
});

test('diff tells what restic diff does', async () => {
  const changes: SnapshotChange[] = [];
  const summary = await diffSnapshots(repository, first, last, (change) => changes.push(change), { metadata: true });
  const marks = { added: '+', removed: '-', content: 'M', type: 'T', metadata: 'U' };
  const ours = changes.map(({ kind, path, before, after }) => `${marks[kind]} ${path}${(after ?? before)?.type === 'dir' ? '/' : ''}`);
  const theirs = sample.judge(sample.path, 'diff', '--metadata', first.id, last.id).split('\n');
  const changed = theirs.flatMap((line) => (/^([-+MTU])\s+(\/.*)$/.exec(line) ?? []).slice(1, 3).join(' ') || []);
  // Access times are no change for us.
  expect(ours.filter((line) => !line.startsWith('U')).sort()).toEqual(changed.filter((line) => !line.startsWith('U')).sort());
  expect(theirs.join('\n')).toMatch(
    new RegExp(`Files:\\s+${summary.added.files} new,\\s+${summary.removed.files} removed,\\s+${summary.changedFiles} changed`),
  );
  expect(theirs.join('\n')).toMatch(new RegExp(`Data Blobs:\\s+${summary.added.dataBlobs} new,\\s+${summary.removed.dataBlobs} removed`));
  expect(theirs.join('\n')).toMatch(new RegExp(`Tree Blobs:\\s+${summary.added.treeBlobs} new,\\s+${summary.removed.treeBlobs} removed`));
  expect((await diffSnapshots(repository, last, last, () => expect.fail('no change'))).added.bytes).toBe(0);
});

test('the content of a file is what it was, in more than one piece', async () => {
  const found = await findNode(repository, last, join(root, 'large.bin'));
  if (!('node' in found)) expect.fail('it is a file');
  const parts: Uint8Array[] = [];
  for await (const part of readNode(repository, found.node)) parts.push(part);
  expect(parts.length).toBeGreaterThan(1);
  expect(Buffer.concat(parts).equals(large)).toBe(true);
});

test('cat shows each kind of object, and no secret of a key', async () => {
  const parse = async (type: 'config' | 'snapshot' | 'index' | 'key' | 'tree' | 'pack', id: string) =>
    JSON.parse(Buffer.from(await catObject(repository, { type, id })).toString()) as Record<string, unknown>;
  expect(await parse('config', '')).toEqual(JSON.parse(sample.judge(sample.path, 'cat', 'config')));
  expect(await parse('snapshot', last.id.slice(0, 8))).toEqual(JSON.parse(sample.judge(sample.path, 'cat', 'snapshot', last.id)));
  expect(
    Buffer.from(await catObject(repository, { type: 'tree', id: last.snapshot.tree }))
      .toString()
      .trim(),
  ).toBe(sample.judge(sample.path, 'cat', 'blob', last.snapshot.tree).trim());
  expect(Object.keys(await parse('key', repository.keyId))).toEqual(['created', 'username', 'hostname', 'kdf', 'N', 'r', 'p']);
  const index = await repository.loadIndex();
  const pack = index.packs[0] ?? '';
  const inPack = Array.from({ length: index.size }, (_, entry) => entry).filter((entry) => index.packOf(entry) === 0);
  expect((await parse('pack', pack))['blobs']).toHaveLength(inPack.length);
  await expect(catObject(repository, { type: 'blob', id: 'ffffffff' })).rejects.toSatisfy((error) => isError(error, 'object-missing'));
  await expect(catObject(repository, { type: 'snapshot', id: '' })).rejects.toSatisfy((error) => isError(error, 'object-missing'));
});

test('what is skipped is not entered', async () => {
  const paths: string[] = [];
  for await (const entry of walkTree(repository, last.snapshot.tree)) {
    paths.push(entry.path);
    if (entry.path === `${root}/sub`) entry.skip();
  }
  expect(paths).toContain(`${root}/sub`);
  expect(paths.filter((path) => path.startsWith(`${root}/sub/`))).toEqual([]);
});

test('folders deeper than any file system allows are hostile', async () => {
  const writer = new IndexWriter(repository);
  const builder = new PackBuilder(repository, writer);
  let subtree = '';
  for (let depth = 0; depth < 4100; depth++) {
    const tree = encodeTree(subtree === '' ? [] : [folder(subtree)]);
    subtree = hash('sha256', tree);
    await builder.addSealed({ id: subtree, type: 'tree', uncompressedLength: 0 }, repository.sealer.seal(tree));
  }
  await builder.finish();
  await writer.finish();
  const deep = await openSample(sample.path);
  await expect(pathsOf(walkTree(deep, subtree))).rejects.toSatisfy((error) => isError(error, 'hostile'));
});

function folder(subtree: string): TreeNode {
  const time = '2026-11-20T10:00:00Z';
  return {
    name: 'd',
    type: 'dir',
    mode: 0o755 + 2 ** 31,
    mtime: time,
    atime: time,
    ctime: time,
    uid: 0,
    gid: 0,
    inode: 0,
    deviceId: 0,
    size: 0,
    links: 0,
    subtree,
  };
}
