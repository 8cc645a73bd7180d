import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readArray, readObject, readString } from '../../util/wire.ts';
import { quickRestic, type QuickRestic } from '../tree/testing/quick-restic.ts';
import { deriveKey, isAcceptable, newKeyDerivation } from './key-derivation.ts';
import { createKeyFile, openKeyFile, parseKeyFile } from './key-file.ts';
import { createMasterKey } from './master-key.ts';

let restic: QuickRestic;
beforeAll(async () => {
  restic = await quickRestic();
});
afterAll(() => restic[Symbol.dispose]());

test('restic opens a key made here, and we open one that restic made', async () => {
  const keys = join(restic.folder, 'repo', 'keys');
  const [first = ''] = readdirSync(keys);
  const master = await openKeyFile(parseKeyFile(readFileSync(join(keys, first))), 'x');
  if (master === undefined) throw new Error('the key of the repository does not open');
  const password = 'pass wörd "\\ ünï 💾';
  const made = await createKeyFile(master, password, new Date(Date.UTC(2026, 10, 20)), { username: 'anna', hostname: 'web1' });
  const id = createHash('sha256').update(made).digest('hex');
  writeFileSync(join(keys, id), made);
  writeFileSync(join(restic.folder, 'password'), `${password}\n`);
  const list = restic.run(['--password-file', join(restic.folder, 'password'), 'key', 'list', '--json']).toString();
  const current = readArray(JSON.parse(list), 'keys').find((key) => id.startsWith(readString(readObject(key, 'a key')['id'], 'id')));
  expect(current).toMatchObject({ current: true, userName: 'anna', hostName: 'web1' });

  writeFileSync(join(restic.folder, 'new'), 'another one\n');
  restic.run(['key', 'add', '--new-password-file', join(restic.folder, 'new'), '--user', 'bert']);
  const added = readdirSync(keys).find((name) => name !== first && name !== id) ?? '';
  const file = parseKeyFile(readFileSync(join(keys, added)));
  expect(file.username).toBe('bert');
  expect(await openKeyFile(file, 'another one')).toEqual(master);
  expect(await openKeyFile(file, 'another one ')).toBeUndefined();
});

describe('a hostile or broken key file is refused before any work is done', () => {
  const honest = {
    created: '2026-11-20T10:00:00Z',
    username: 'anna',
    hostname: 'web1',
    kdf: 'scrypt',
    N: 32768,
    r: 8,
    p: 3,
    salt: Buffer.alloc(64, 1).toString('base64'),
    data: Buffer.alloc(200).toString('base64'),
  };
  const parse = (changes: Readonly<Record<string, unknown>>): unknown =>
    parseKeyFile(Buffer.from(JSON.stringify({ ...honest, ...changes })));

  test('the honest one is not', () => {
    expect(parse({})).toMatchObject({ username: 'anna', derivation: { N: 32768, r: 8, p: 3 } });
    // Other programs leave the labels out.
    expect(parse({ username: null, hostname: undefined, created: null })).toMatchObject({ username: '', hostname: '' });
  });

  test.each([
    ['N huge', { N: 2 ** 30 }],
    ['N beyond 32 bits', { N: 2 ** 40 }],
    ['N beyond what a number says exactly', { N: 1e300 }],
    ['N not a power of two', { N: 32767 }],
    ['N three times 2^32', { N: 3 * 2 ** 32, r: 1 }],
    ['N one', { N: 1 }],
    ['N zero', { N: 0 }],
    ['N negative', { N: -2 }],
    ['N a fraction', { N: 2.5 }],
    ['N a text', { N: '32768' }],
    ['r huge', { r: 2 ** 28 }],
    ['r that no program uses', { N: 2, r: 2 ** 10, p: 1 }],
    ['r huge where N is small', { N: 2, r: 2 ** 20, p: 64 }],
    ['r zero', { r: 0 }],
    ['p huge', { p: 2 ** 28 }],
    ['p that keeps the memory small and takes hours', { N: 2 ** 20, r: 8, p: 64 }],
    ['p zero', { p: 0 }],
    ['a short salt', { salt: Buffer.alloc(63).toString('base64') }],
    ['a long salt', { salt: Buffer.alloc(65).toString('base64') }],
    ['no salt', { salt: '' }],
    ['another derivation', { kdf: 'argon2' }],
    ['no data', { data: undefined }],
    ['a number for a name', { username: 7 }],
  ])('%s', (_, changes) => {
    expect(() => parse(changes)).toThrow(/parameters|not a whole number|not scrypt|not a string/);
  });

  test('what is no JSON object', () => {
    for (const text of ['', '{', '[]', 'null', '"x"', '\u0000', '[[[['])
      expect(() => parseKeyFile(Buffer.from(text))).toThrow(/JSON|not an object/);
  });

  test('data too short to hold anything does not open', async () => {
    for (const size of [0, 31, 32, 100]) {
      const file = parseKeyFile(Buffer.from(JSON.stringify({ ...honest, N: 2, r: 1, p: 1, data: Buffer.alloc(size).toString('base64') })));
      expect(await openKeyFile(file, 'x')).toBeUndefined();
    }
  });
});

test('what new keys use is acceptable, as is what other programs use', () => {
  const salt = new Uint8Array(64);
  expect(isAcceptable(newKeyDerivation())).toBe(true);
  for (const [N, r, p] of [
    [32768, 8, 5],
    [2 ** 17, 8, 1],
    [2 ** 20, 8, 1],
    [2, 1, 1],
  ] as const)
    expect(isAcceptable({ N, r, p, salt })).toBe(true);
});

test('scrypt gives what RFC 7914 §12 says', async () => {
  const key = await deriveKey('password', { N: 1024, r: 8, p: 16, salt: Buffer.from('NaCl') });
  expect(key.toString('hex')).toBe(
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  );
});

test('two key files for one password have nothing in common', async () => {
  const master = createMasterKey();
  const label = { username: 'a', hostname: 'b' };
  const time = new Date(Date.UTC(2026, 0, 1));
  const [one, two] = [await createKeyFile(master, 'x', time, label), await createKeyFile(master, 'x', time, label)].map((bytes) =>
    parseKeyFile(bytes),
  );
  expect(one?.derivation.salt).not.toEqual(two?.derivation.salt);
  expect(one?.data).not.toEqual(two?.data);
});
