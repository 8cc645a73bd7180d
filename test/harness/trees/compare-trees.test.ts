import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { joinBytes } from './byte-paths.ts';
import { compareTrees } from './compare-trees.ts';
import { makeTree } from './make-tree.ts';
import { runOnPaths, runTool } from './run-on-paths.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-trees-'));
const original = join(base, 'original');
const copy = join(base, 'copy');
const root = process.getuid?.() === 0;

beforeAll(async () => {
  await makeTree(original, { seed: 'compare' });
});
beforeEach(() => {
  rmSync(copy, { recursive: true, force: true });
  runTool(['cp', '-a', '--sparse=auto', original, copy]);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Changes an entry of the copy without touching the time of its folder. */
function changeQuietly(change: (path: (name: string) => string) => void): string[] {
  change((name) => join(copy, name));
  return compareTrees(original, copy, { skip: (path) => ['links', 'contents', 'special', 'folders', 'names'].includes(path) });
}

test('a faithful copy has no difference', () => {
  expect(compareTrees(original, copy)).toEqual([]);
});

test('a missing and an added entry', () => {
  const differences = changeQuietly((path) => renameSync(path('contents/empty'), path('contents/renamed')));
  expect(differences).toEqual(['contents/empty: only in the first', 'contents/renamed: only in the second']);
});

test('a missing entry whose name is not UTF-8', () => {
  changeQuietly(() => rmSync(joinBytes(join(copy, 'names'), Buffer.from('latin-1-caf\xe9', 'latin1'))));
  expect(compareTrees(original, copy, { ignore: ['mtime'] })).toEqual(['names/latin-1-caf\\xe9: only in the first']);
});

test('an empty folder that is missing', () => {
  expect(changeQuietly((path) => rmdirSync(path('folders/only-folders/a/b/c')))).toContain('folders/only-folders/a/b/c: only in the first');
});

test('another type', () => {
  const differences = changeQuietly((path) => {
    rmSync(path('contents/empty'));
    mkdirSync(path('contents/empty'));
  });
  expect(differences).toEqual(['contents/empty: type is file and folder']);
});

test.each([
  ['FIFO', 'special/fifo'],
  ['socket', 'special/socket'],
])('a %s that came back as a file', (type, name) => {
  const differences = changeQuietly((path) => {
    rmSync(path(name));
    writeFileSync(path(name), '');
  });
  expect(differences).toEqual([`${name}: type is ${type} and file`]);
});

test('permission bits, the special ones among them', () => {
  expect(changeQuietly((path) => chmodSync(path('modes/file-4755'), 0o755))).toEqual(['modes/file-4755: mode is 4755 and 0755']);
  expect(changeQuietly((path) => chmodSync(path('modes/folder-1777'), 0o777))).toContain('modes/folder-1777: mode is 1777 and 0777');
});

test.runIf(root)('the owner and the group, of a file and of a symbolic link', () => {
  expect(changeQuietly((path) => lchownSync(path('contents/empty'), 7, 0))).toEqual(['contents/empty: owner is 0:0 and 7:0']);
  expect(changeQuietly((path) => lchownSync(path('links/to-file'), 0, 8))).toContain('links/to-file: owner is 0:0 and 0:8');
});

test('one nanosecond', () => {
  runOnPaths(['touch', '-d', '1970-01-01T00:00:00.000000002Z'], [Buffer.from(join(copy, 'times/one-nanosecond'))]);
  expect(compareTrees(original, copy)).toEqual(['times/one-nanosecond: mtime is 1 and 2']);
});

test('the time of a folder and of a symbolic link', () => {
  lutimesSync(join(copy, 'folders/empty'), 1, 1);
  lutimesSync(join(copy, 'links/dangling'), 1, 1);
  expect(compareTrees(original, copy).map((line) => line.replace(/ and .*/, ''))).toEqual([
    'folders/empty: mtime is 1677906367987654321',
    'links/dangling: mtime is 1567926365432109876',
  ]);
});

test('content of the same size', () => {
  const path = join(copy, 'contents/large-noise');
  const bytes = readFileSync(path);
  bytes[3_000_000] = (bytes[3_000_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  expect(compareTrees(original, copy, { ignore: ['mtime'] })).toEqual([
    expect.stringMatching(/^contents\/large-noise: content is [0-9a-f]{64} and [0-9a-f]{64}$/),
  ]);
});

test('another size', () => {
  appendFileSync(join(copy, 'contents/size-4096'), 'x');
  expect(compareTrees(original, copy, { ignore: ['mtime', 'content'] })).toEqual(['contents/size-4096: size is 4096 and 4097']);
});

test('the target of a link, its bytes and its dots', () => {
  const differences = changeQuietly((path) => {
    for (const [name, target] of [
      ['to-bytes', 'café/\u00ff'],
      ['with-dots', 'target'],
    ] as const) {
      rmSync(path(`links/${name}`));
      symlinkSync(target, path(`links/${name}`));
    }
  }).filter((line) => !line.includes('mtime'));
  expect(differences).toEqual([
    'links/to-bytes: target is caf\\xe9/\\xff and café/ÿ',
    'links/with-dots: target is ./other/../target and target',
  ]);
});

test('names of one file that came apart, and files that were joined', () => {
  const apart = changeQuietly((path) => {
    rmSync(path('links/hard-two'));
    runTool(['cp', '-p', path('links/hard-one'), path('links/hard-two')]);
  });
  expect(apart).toEqual(['links/hard-two: links is the same file as links/hard-one and nothing']);
  const joined = changeQuietly((path) => {
    rmSync(path('links/not-linked'));
    linkSync(path('links/hard-pair-a'), path('links/not-linked'));
  }).filter((line) => !line.includes('mtime'));
  expect(joined).toContain('links/not-linked: links is nothing and the same file as links/hard-pair-a');
});

test('extended attributes: changed, lost, lost on an odd name, and an access control list', () => {
  const change = (words: readonly string[], path: Buffer): void => void runOnPaths(words, [path]);
  const inCopy = (name: string): Buffer => joinBytes(copy, Buffer.from(name, 'latin1'));
  change(['setfattr', '-n', 'user.comment', '-v', 'other'], inCopy('attributes/several'));
  change(['setfattr', '-x', 'user.long'], inCopy('attributes/binary'));
  for (const name of ['bytes-\xff', 'line\nbreak', 'back\\101']) change(['setfattr', '-x', 'user.comment'], inCopy(`attributes/${name}`));
  change(['setfacl', '-n', '-m', 'u:12345:r--'], inCopy('attributes/listed'));
  change(['setfacl', '-k'], inCopy('attributes/default-list'));
  const differences = compareTrees(original, copy);
  expect(differences.map((line) => line.replace(/ is .*/, ''))).toEqual([
    'attributes/back\\x5c101: xattrs',
    'attributes/binary: xattrs',
    'attributes/bytes-\\xff: xattrs',
    'attributes/default-list: xattrs',
    'attributes/line\\x0abreak: xattrs',
    'attributes/listed: xattrs',
    'attributes/several: xattrs',
  ]);
});

test.runIf(root)('attributes that only root sees', () => {
  runOnPaths(['setfattr', '-h', '-x', 'trusted.note'], [Buffer.from(join(copy, 'attributes/link'))]);
  runOnPaths(['setfattr', '-x', 'security.capability'], [Buffer.from(join(copy, 'attributes/capable'))]);
  expect(compareTrees(original, copy)).toEqual([
    'attributes/capable: xattrs is security.capability=0x0100000200040000000000000000000000000000 and nothing',
    'attributes/link: xattrs is trusted.note=0x6f662061206c696e6b and nothing',
  ]);
});

test.runIf(root)('the numbers of a device', () => {
  const path = join(copy, 'special/character-device');
  rmSync(path);
  runTool(['mknod', '-m', '600', path, 'c', '1', '5']);
  expect(compareTrees(original, copy, { ignore: ['mtime'] })).toEqual(['special/character-device: device is 259 and 261']);
});

test('holes that were filled', () => {
  const path = join(copy, 'special/sparse');
  writeFileSync(path, readFileSync(path));
  expect(compareTrees(original, copy, { ignore: ['mtime'] })).toEqual(['special/sparse: holes is with holes and without holes']);
  truncateSync(path, 0);
  expect(compareTrees(original, copy, { ignore: ['mtime', 'content', 'holes'] })).toEqual(['special/sparse: size is 8388608 and 0']);
});

test('what is ignored is not reported', () => {
  chmodSync(join(copy, 'contents/empty'), 0o600);
  writeFileSync(join(copy, 'contents/one-byte'), 'x');
  expect(compareTrees(original, copy, { ignore: ['mode', 'content', 'mtime'] })).toEqual([]);
  expect(compareTrees(original, copy, { skip: (path) => path.startsWith('contents/') })).toEqual([]);
});
