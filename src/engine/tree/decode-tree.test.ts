import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HoldfastError, isError, type ErrorCode } from '../../errors.ts';
import { decodeTree } from './decode-tree.ts';
import { encodeTree } from './encode-tree.ts';

const entry = {
  name: 'a',
  type: 'file',
  mtime: '2026-11-20T10:00:00+01:00',
  atime: '2026-11-20T10:00:00Z',
  ctime: '2026-11-20T10:00:00Z',
  uid: 0,
  gid: 0,
  content: null,
};
const id = '0f'.repeat(32);

function decodeJson(...entries: readonly unknown[]): ReturnType<typeof decodeTree> {
  return decodeTree(Buffer.from(JSON.stringify({ nodes: entries })));
}

function failsWith(code: ErrorCode): unknown {
  return expect.toSatisfy((error: unknown) => isError(error, code));
}

describe('decodeTree', () => {
  test('keeps numbers above 2^53 exact', () => {
    const text = `{"nodes":[{"name":"a","type":"file","mode":420,"mtime":"2026-11-20T10:00:00Z","atime":"2026-11-20T10:00:00Z","ctime":"2026-11-20T10:00:00Z","uid":4294967295,"gid":0,"inode":18446744073709551615,"device_id":9007199254740993,"size":9007199254740991,"links":1,"device":60643921820405870,"content":[]}]}\n`;
    const [node] = decodeTree(Buffer.from(text));
    expect(node).toMatchObject({
      inode: 18_446_744_073_709_551_615n,
      deviceId: 9_007_199_254_740_993n,
      size: Number.MAX_SAFE_INTEGER,
      device: 60_643_921_820_405_870n,
      uid: 4_294_967_295,
    });
    expect(encodeTree(node === undefined ? [] : [node]).toString()).toBe(text);
  });

  test('keeps the zone a time was written in', () => {
    expect(decodeJson(entry)[0]?.mtime).toBe('2026-11-20T10:00:00+01:00');
  });

  test('sorts entries that are in another order, and ignores fields it does not know', () => {
    expect(decodeJson({ ...entry, name: 'b', future: { x: 1 } }, entry).map((node) => node.name)).toEqual(['a', 'b']);
    expect(decodeTree(Buffer.from('{"version":3,"nodes":null,"more":[1]}'))).toEqual([]);
  });

  test('a name written byte by byte is the name', () => {
    expect(decodeJson({ ...entry, name: String.raw`\xc3\xa9\303\251\u00e9\U000000e9` })[0]?.name).toBe('éééé');
    expect(decodeJson({ ...entry, name: String.raw`\xc3(\a` })[0]?.name).toBe('\udcc3(\u0007');
  });

  test('half a surrogate pair in JSON is no byte', () => {
    const [node] = decodeTree(
      Buffer.from(JSON.stringify({ nodes: [{ ...entry, name: '\udcff', type: 'symlink', linktarget: '\udcff' }] })),
    );
    expect(node).toMatchObject({ name: '\ufffd', linktarget: '\ufffd' });
  });

  test.each([
    [''],
    ['.'],
    ['..'],
    ['a/b'],
    ['/'],
    ['../x'],
    ['a\u0000'],
    [String.raw`\x2e.`],
    [String.raw`\x2f`],
    [String.raw`a\000`],
    [String.raw`\u002e\056`],
    ['n'.repeat(5000)],
  ])('refuses the name %j', (name) => {
    expect(() => decodeJson({ ...entry, name })).toThrow(failsWith('hostile'));
  });

  test('refuses a name twice, next to each other or not', () => {
    expect(() => decodeJson(entry, entry)).toThrow(failsWith('hostile'));
    expect(() => decodeJson(entry, { ...entry, name: 'b' }, { ...entry, name: String.raw`\x61` })).toThrow(failsWith('hostile'));
  });

  test('refuses a link to what no link can hold', () => {
    expect(() => decodeJson({ ...entry, type: 'symlink', linktarget: 'a\0b' })).toThrow(failsWith('hostile'));
    expect(() => decodeJson({ ...entry, type: 'symlink', linktarget_raw: 'AA==' })).toThrow(failsWith('hostile'));
  });

  test.each([
    { name: 7 },
    { name: undefined },
    { name: String.raw`\q` },
    { name: String.raw`\400` },
    { name: String.raw`\ud800` },
    { name: 'a"b' },
    { name: 'a\nb' },
    { name: '\\' },
    { name: String.raw`\'` },
    { type: 'door' },
    { type: undefined },
    { type: 'dir' },
    { type: '__proto__' },
    { mode: -1 },
    { mode: 2 ** 32 },
    { mode: '7' },
    { mode: 1.5 },
    { uid: null },
    { uid: 2 ** 32 },
    { gid: -1 },
    { mtime: 'yesterday' },
    { mtime: undefined },
    { atime: 5 },
    { ctime: '2026-02-30T00:00:00Z' },
    { inode: -1 },
    { inode: 1.5 },
    { inode: '1' },
    { links: null },
    { size: 1e300 },
    { device: {} },
    { device_id: true },
    { user: 5 },
    { error: {} },
    { linktarget: [] },
    { linktarget_raw: '?' },
    { linktarget_raw: 'abc' },
    { content: 'x' },
    { content: [null] },
    { content: [id.toUpperCase()] },
    { content: [id.slice(2)] },
    { content: { 0: id } },
    { subtree: 5 },
    { subtree: id.slice(1) },
    { extended_attributes: {} },
    { extended_attributes: [null] },
    { extended_attributes: [{ name: '', value: '' }] },
    { extended_attributes: [{ name: 'a', value: '!' }] },
    { generic_attributes: [] },
    { generic_attributes: 'x' },
  ])('calls %j damaged', (field) => {
    expect(() => decodeJson({ ...entry, ...field })).toThrow(failsWith('damaged'));
  });

  test.each(['18446744073709551616', '-9007199254740993', '9007199254740993.5', '1e400', '99999999999999999999999999999999'])(
    'calls an inode of %s damaged',
    (number) => {
      expect(() =>
        decodeTree(
          Buffer.from(JSON.stringify({ nodes: [{ ...entry, inode: 7, x: 1_000_000_000_000_000 }] }).replace(':7,', `:${number},`)),
        ),
      ).toThrow(failsWith('damaged'));
    },
  );

  test('calls a size above 2^53 damaged', () => {
    expect(() => decodeTree(Buffer.from(JSON.stringify({ nodes: [{ ...entry, size: 7 }] }).replace(':7', ':9007199254740992')))).toThrow(
      failsWith('damaged'),
    );
  });

  test.each([
    '',
    '[]',
    'null',
    '{}',
    '{"nodes":{}}',
    '{"nodes":[1]}',
    '{"nodes":[null]}',
    '{"nodes":[[]]}',
    '{"nodes":[',
    '\ufeff{"nodes":[]}',
    '{"nodes":[]}x',
  ])('calls %j damaged', (text) => {
    expect(() => decodeTree(Buffer.from(text))).toThrow(failsWith('damaged'));
  });

  describe('of many megabytes', () => {
    const node = JSON.stringify({ ...entry, name: '@', inode: 1, user: 'a "{[,]}\\\\' }).replace(
      '"inode":1',
      '"inode":18446744073709551615',
    );
    const names = Array.from({ length: 40_000 }, (_, number) => `{[,]} ${String(number).padStart(6, '0')}`);
    const nodes = names.map((name) => node.replace('"@"', JSON.stringify(name)));
    const large = Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`);

    test('is parsed in parts, and says the same', () => {
      expect(large.length).toBeGreaterThan(2 ** 22);
      const decoded = decodeTree(large);
      expect(decoded.map(({ name }) => name)).toEqual(names);
      expect(decoded).toEqual(nodes.flatMap((each) => decodeTree(Buffer.from(`{"nodes":[${each}]}`))));
    });

    const filler = 'x'.repeat(2 ** 22);
    test.each([
      ['another beginning', `{"x":"${filler}","nodes":[${node}]}`],
      ['no end', large.subarray(0, -3)],
      ['a comma at the end', `{"nodes":[${nodes.join(',')},]}`],
      ['a comma at the beginning', `{"nodes":[,${nodes.join(',')}]}`],
      ['an end in the middle', `{"nodes":[${nodes.join(',')}],"nodes":[${node}]}`],
      ['a string without an end', `{"nodes":[${nodes.join(',')},"x]}`],
      ['a backslash at the end', `{"nodes":[${nodes.join(',')},"\\]}`],
      ['entries that are none', `{"nodes":[${'{},'.repeat(2 ** 21)}{}]}`],
      ['numbers', `{"nodes":[${'1,'.repeat(2 ** 22)}1]}`],
      ['numbers inside an entry', `{"nodes":[{"name":"a","content":[${'1,'.repeat(2 ** 22)}1]}]}`],
      ['brackets', `{"nodes":[${'['.repeat(2 ** 22)}]}`],
      ['closing brackets', `{"nodes":[${']'.repeat(2 ** 22)}]}`],
    ])('is refused with %s', (_, content) => {
      expect(() => decodeTree(Buffer.from(content))).toThrow(failsWith('damaged'));
    });
  });

  test('survives nesting deeper than the stack', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    expect(() => decodeTree(Buffer.from(`{"nodes":[{"generic_attributes":{"x":${deep}}}]}`))).toThrow(failsWith('damaged'));
    expect(() => decodeTree(Buffer.from(`{"nodes":[${deep}]}`))).toThrow(failsWith('damaged'));
  });

  test('bytes that are not UTF-8 are damage, not replacement characters', () => {
    expect(() => decodeTree(Buffer.concat([Buffer.from('{"nodes":[],"x":"'), Buffer.of(0xff), Buffer.from('"}')]))).toThrow(
      failsWith('damaged'),
    );
  });

  test('a changed byte gives entries or a HoldfastError, never anything else', () => {
    const good = Buffer.from(
      JSON.stringify({
        nodes: [
          entry,
          {
            ...entry,
            name: String.raw`b\xff`,
            type: 'dir',
            subtree: id,
            inode: 5,
            extended_attributes: [{ name: 'user.a', value: 'AAE=' }],
            generic_attributes: { w: 1 },
          },
        ],
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          encodeTree(decodeTree(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
