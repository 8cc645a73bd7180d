import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { isError } from '../../errors.ts';
import { expandGlob, parseFilesFrom, parseFilesFromRaw, parseFilesFromVerbatim } from './files-from.ts';

const refused: unknown = expect.toSatisfy((error: unknown) => isError(error, 'usage'));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lists-'));
  for (const path of ['a/one.txt', 'a/two.txt', 'b/one.txt', 'b/.hidden', 'b/deep/one.txt', 'we[i]rd', 'sp ace']) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/a/`), Buffer.of(0xff)]), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('--files-from: white space, empty lines and comments do not count', () => {
  expect(parseFilesFrom(Buffer.from('\ufeff /a/*.txt \r\n\n# no\n  #no\n/b c\n/d'))).toEqual(['/a/*.txt', '/b c', '/d']);
  expect(parseFilesFrom(Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('/ä\r\n/b\r\n', 'utf16le')]))).toEqual(['/ä', '/b']);
  expect(parseFilesFrom(Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from('/ä\n', 'utf16le').swap16()]))).toEqual(['/ä']);
});

test('--files-from-verbatim: every line as it is', () => {
  expect(parseFilesFromVerbatim(Buffer.concat([Buffer.from(' /a* \n\n#b\n'), Buffer.of(0x2f, 0xff, 0x0a)]))).toEqual([
    ' /a* ',
    '#b',
    '/\udcff',
  ]);
});

test('--files-from-raw: paths that end with NUL', () => {
  expect(parseFilesFromRaw(Buffer.concat([Buffer.from('/a\nb\0 #c\0/'), Buffer.of(0xff, 0)]))).toEqual(['/a\nb', ' #c', '/\udcff']);
  expect(parseFilesFromRaw(Buffer.alloc(0))).toEqual([]);
  for (const text of ['/a\0/b', '\0', '/a\0\0']) expect(() => parseFilesFromRaw(Buffer.from(text))).toThrow(refused);
});

test.each([
  ['*/one.txt', ['a/one.txt', 'b/one.txt']],
  ['?/*', ['a/one.txt', 'a/two.txt', 'a/\udcff', 'b/.hidden', 'b/deep', 'b/one.txt']],
  ['[b-z]/o*', ['b/one.txt']],
  ['we\\[i\\]rd', ['we[i]rd']],
  ['sp ace', ['sp ace']],
  ['dang*', ['dangling']],
  ['**/one.txt', ['a/one.txt', 'b/one.txt']],
  ['none*', []],
  ['a/one.txt/*', []],
  ['a/missing', []],
  ['*/deep/one.*', ['b/deep/one.txt']],
])('%s is %j', (pattern, expected) => {
  expect(expandGlob(`${folder}/${pattern}`)).toEqual(expected.map((path) => `${folder}/${path}`));
});

test('a relative pattern is looked for where the program runs', () => {
  expect(expandGlob('package.j*n')).toEqual(['package.json']);
  expect(expandGlob('./package.json')).toEqual(['./package.json']);
});

test('a malformed pattern is refused', () => {
  expect(() => expandGlob(`${folder}/[`)).toThrow(refused);
});
