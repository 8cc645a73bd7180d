import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { decodePath } from '../../util/path-bytes.ts';
import { decodeSnapshot } from '../snapshot-json.ts';
import { compareNames } from './compare-names.ts';
import { decodeTree } from './decode-tree.ts';
import { encodeNode, encodeTree } from './encode-tree.ts';
import { formatTime, nodeTypes, parseTime, type TreeNode } from './node.ts';
import { quickRestic, type QuickRestic } from './testing/quick-restic.ts';

const simple = {
  mtime: '2026-11-20T10:00:00Z',
  atime: '2026-11-20T10:00:00.5Z',
  ctime: '2026-11-20T10:00:00.123456789Z',
  mode: 0o644,
  uid: 0,
  gid: 0,
  inode: 0,
  deviceId: 0,
  size: 0,
  links: 0,
} as const;

/** Only root may make devices. */
const isRoot = process.getuid?.() === 0;

/** Names that each meet another rule of quoting. */
const weirdNames: readonly (string | Buffer)[] = [
  'plain',
  'with space',
  '<&>',
  '"quoted"',
  "it's",
  'back\\slash',
  '\\x41',
  'new\nline',
  'tab\t',
  'return\r',
  'bell\x07',
  'back\b',
  'feed\f',
  'vertical\v',
  'escape\x1b',
  'delete\x7f',
  'line\u2028separator',
  'paragraph\u2029',
  'ünï',
  'e\u0301 combining',
  'nbsp\u00a0',
  'soft\u00adhyphen',
  'zero\u200bwidth',
  'bidi\u202e',
  'bom\ufeff',
  'replacement\ufffd',
  'private\ue000',
  'emoji 😀',
  'family 👨‍👩‍👧',
  '漢字',
  'tag \u{e0041}',
  'noncharacter\uffff',
  'high 𝒳',
  'ideographic\u3000space',
  'n'.repeat(255),
  'ä'.repeat(127),
  Buffer.from([0xff]),
  Buffer.from([0x61, 0xfe, 0x62]),
  Buffer.from([0xc3]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xef, 0xbf, 0xbd, 0xff]),
  Buffer.from([0xe2, 0x82]),
];

describe('the same bytes as restic', () => {
  let restic: QuickRestic;
  const trees = new Map<string, Buffer>();

  beforeAll(async () => {
    restic = await quickRestic();
    const data = join(restic.folder, 'data');
    makeFiles(data);
    restic.run(['backup', '-q', '.'], data);
    /* restic 0.14 has no `cat tree SNAPSHOT`, so walk down from the snapshot's root. */
    const snapshot = decodeSnapshot(Buffer.from(restic.run(['snapshots', '--json', '--no-lock']).toString().trim().slice(1, -1)));
    collect('', snapshot.tree);
  });

  afterAll(() => restic[Symbol.dispose]());

  function collect(path: string, id: string): void {
    const bytes = restic.run(['cat', 'blob', id, '--no-lock']);
    trees.set(path, bytes);
    for (const node of decodeTree(bytes)) if (node.subtree !== undefined) collect(node.name, node.subtree);
  }

  test('every tree comes back byte for byte', () => {
    expect([...trees.keys()].toSorted()).toEqual(['', 'empty', 'kinds', 'names', 'times']);
    for (const [path, bytes] of trees) expect(encodeTree(decodeTree(bytes)).toString(), path).toBe(bytes.toString());
  });

  test('names are the bytes they were', () => {
    const names = decodeTree(trees.get('names') ?? Buffer.alloc(0)).map((node) => node.name);
    expect(names).toEqual(weirdNames.map((name) => (typeof name === 'string' ? name : decodePath(name))).toSorted(compareNames));
  });

  test('kinds, modes and attributes are what they were', () => {
    const kinds = new Map(decodeTree(trees.get('kinds') ?? Buffer.alloc(0)).map((node) => [node.name, node]));
    expect([...kinds.values()].map((node) => `${node.name} ${node.type}`)).toEqual([
      'attributes file',
      ...(isRoot ? ['block dev'] : []),
      'fifo fifo',
      'filled file',
      'hard1 file',
      'hard2 file',
      'link symlink',
      'none file',
      ...(isRoot ? ['null chardev'] : []),
      'setgid file',
      'setuid file',
      'sticky file',
    ]);
    expect(kinds.get('setuid')?.mode).toBe(2 ** 23 + 0o755);
    expect(kinds.get('link')?.linktarget).toBe('../names/<plain>');
    expect(kinds.get('hard1')?.inode).toBe(kinds.get('hard2')?.inode);
    expect(kinds.get('hard1')?.links).toBe(2);
    expect(kinds.get('attributes')?.extendedAttributes).toEqual(
      [
        { name: 'user.binary', value: Uint8Array.of(0, 255, 1) },
        { name: 'user.empty', value: new Uint8Array(0) },
        { name: 'user.text<', value: new Uint8Array(Buffer.from('some text')) },
      ].map((attribute) => ({ ...attribute, value: Buffer.from(attribute.value) })),
    );
  });

  test('times carry the nanoseconds the file has', () => {
    const times = decodeTree(trees.get('times') ?? Buffer.alloc(0));
    expect(times.map((node) => `${node.name} ${node.mtime}`)).toEqual([
      'before 1969-12-31T23:59:58.5Z',
      'fraction 2001-02-03T04:05:06.1Z',
      'nano 2024-02-29T12:00:00.000000001Z',
      'whole 2001-02-03T04:05:06Z',
      'year 2262 2262-01-01T00:00:00Z',
    ]);
    for (const { mtime } of times) expect(formatTime(parseTime(mtime))).toBe(mtime);
  });
});

function makeFiles(data: string): void {
  for (const name of ['names', 'kinds', 'times', 'empty']) mkdirSync(join(data, name), { recursive: true });
  for (const name of weirdNames) writeFileSync(Buffer.concat([Buffer.from(`${data}/names/`), Buffer.from(name)]), '');
  const kinds = (name: string): string => join(data, 'kinds', name);
  for (const name of ['setuid', 'setgid', 'sticky', 'none', 'hard1', 'attributes', 'filled'])
    writeFileSync(kinds(name), name === 'none' ? '' : 'content');
  for (const [name, mode] of [
    ['setuid', 0o4755],
    ['setgid', 0o2755],
    ['sticky', 0o1777],
    ['none', 0],
  ] as const)
    chmodSync(kinds(name), mode);
  linkSync(kinds('hard1'), kinds('hard2'));
  symlinkSync('../names/<plain>', kinds('link'));
  truncateSync(kinds('filled'), 3_000_000);
  execFileSync('mkfifo', [kinds('fifo')]);
  if (isRoot) {
    execFileSync('mknod', [kinds('null'), 'c', '1', '3']);
    execFileSync('mknod', [kinds('block'), 'b', '259', '70000']);
  }
  for (const [name, value] of [
    ['user.binary', '0x00ff01'],
    ['user.empty', ''],
    ['user.text<', 'some text'],
  ] as const)
    execFileSync('setfattr', ['-n', name, '-v', value, kinds('attributes')]);
  for (const [name, date] of [
    ['whole', '2001-02-03 04:05:06Z'],
    ['fraction', '2001-02-03 04:05:06.1Z'],
    ['nano', '2024-02-29 12:00:00.000000001Z'],
    ['before', '1969-12-31 23:59:58.5Z'],
    ['year 2262', '2262-01-01Z'],
  ] as const) {
    execFileSync('touch', ['-d', date, join(data, 'times', name)]);
  }
}

describe('encodeTree', () => {
  test('an empty tree', () => {
    expect(encodeTree([]).toString()).toBe('{"nodes":[]}\n');
  });

  test('sorts by the bytes of the names and refuses a name twice', () => {
    const names = ['\u{10000}', '\uffff', 'b', 'a', '\udcff', 'é'];
    const nodes = names.map((name): TreeNode => ({ ...simple, name, type: 'file' }));
    expect(decodeTree(encodeTree(nodes)).map((node) => node.name)).toEqual(['a', 'b', 'é', '\uffff', '\u{10000}', '\udcff']);
    expect(() => encodeTree([...nodes, ...nodes])).toThrow('two entries of one name');
  });

  test('a link to bytes that are not UTF-8 carries them beside the text, as restic does since 0.17', () => {
    const text = encodeNode({ ...simple, name: 'link', type: 'symlink', linktarget: 'a\udcff\udcfe/b' });
    expect(text).toContain(String.raw`"linktarget":"a\ufffd\ufffd/b","linktarget_raw":"Yf/+L2I=","content":null`);
  });

  test('generic attributes are sorted and kept', () => {
    const tree = `{"nodes":[${encodeNode({ ...simple, name: 'w', type: 'file', genericAttributes: { 'windows.file_attributes': '18446744073709551615', 'windows.creation_time': '"AAE="', 'windows.x': '{"a":[1,1.50,"\\u003c"]}' } })}]}\n`;
    expect(tree).toContain(
      '"generic_attributes":{"windows.creation_time":"AAE=","windows.file_attributes":18446744073709551615,"windows.x":{"a":[1,1.50,"\\u003c"]}}',
    );
    expect(encodeTree(decodeTree(Buffer.from(tree))).toString()).toBe(tree);
  });

  test('decode undoes encode, for any entries', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyNode, { selector: (node) => node.name, maxLength: 12 }), (nodes) => {
        const decoded = decodeTree(encodeTree(nodes));
        expect(decoded).toEqual(nodes.toSorted((a, b) => compareNames(a.name, b.name)));
        expect(encodeTree(decoded)).toEqual(encodeTree(nodes));
      }),
      { numRuns: 300 },
    );
  });

  test('entries are in the order of their bytes, for any names', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName), (names) => {
        const tree = decodeTree(encodeTree(names.map((name): TreeNode => ({ ...simple, name, type: 'file' }))));
        const sorted = names.map((name) => pathBytes(name)).toSorted(Buffer.compare);
        expect(tree.map((node) => pathBytes(node.name))).toEqual(sorted);
      }),
    );
  });
});

function pathBytes(name: string): Buffer {
  return Buffer.concat(
    [...name].map((part) => (/^[\udc80-\udcff]$/.test(part) ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part))),
  );
}

const anyPathText = fc
  .uint8Array({ maxLength: 24 })
  .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x41 : byte))));
const anyName = fc
  .oneof(
    anyPathText,
    fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll(/[/\0]/g, '_')),
  )
  .filter((name) => name !== '' && name !== '.' && name !== '..');
const anyId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const anyUint64 = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value));
const anyNumber = fc.oneof(fc.maxSafeNat(), anyUint64, fc.constant(0));
const anyTime = fc.bigInt({ min: -62_167_219_200_000_000_000n, max: 253_402_300_799_999_999_999n }).map(formatTime);
const anyText = fc.string({ unit: 'binary', minLength: 1 });
const anyUint32 = fc.nat({ max: 2 ** 31 - 1 }).map((value) => value * 2);
const anyNode: fc.Arbitrary<TreeNode> = fc.record(
  {
    name: anyName,
    type: fc.constantFrom(...nodeTypes),
    mode: anyUint32,
    mtime: anyTime,
    atime: anyTime,
    ctime: anyTime,
    uid: anyUint32,
    gid: anyUint32,
    inode: anyNumber,
    deviceId: anyNumber,
    size: fc.maxSafeNat(),
    links: anyNumber,
    subtree: anyId,
    user: anyText,
    group: anyText,
    linktarget: anyPathText.filter((target) => target !== ''),
    device: anyNumber.filter((device) => device !== 0),
    extendedAttributes: fc.array(
      fc.record({ name: anyText.filter((name) => !name.includes('\0')), value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
      { minLength: 1 },
    ),
    content: fc.array(anyId),
    error: anyText,
  },
  {
    requiredKeys: ['name', 'type', 'mode', 'mtime', 'atime', 'ctime', 'uid', 'gid', 'inode', 'deviceId', 'size', 'links', 'subtree'],
    noNullPrototype: true,
  },
);
