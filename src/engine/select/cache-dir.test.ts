import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { isError } from '../../errors.ts';
import { cacheTagRule, isCacheDirectory, namesKeptByTags, parseTagRule } from './cache-dir.ts';

let folder = '';
const warnings: string[] = [];
const warn = (path: string): number => warnings.push(path.slice(folder.length + 1));
const signature = 'Signature: 8a477f597d28d172789f06886806bc55\n# made by a test\n';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-tags-'));
  const make = (path: string, content: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  make('cache/CACHEDIR.TAG', signature);
  make('wrong/CACHEDIR.TAG', signature.replace('8a', '8b'));
  make('short/CACHEDIR.TAG', 'Signature: 8a');
  make('both/CACHEDIR.TAG', signature);
  make('both/.nobackup', '');
  make('header/.nobackup', 'because it is big');
  mkdirSync(join(folder, 'pipe'));
  execFileSync('mkfifo', [join(folder, 'pipe/CACHEDIR.TAG')]);
  mkdirSync(join(folder, 'dangling'));
  symlinkSync('nowhere', join(folder, 'dangling/CACHEDIR.TAG'));
  mkdirSync(join(folder, 'none'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('only the right signature marks a cache, and anything else is warned of', () => {
  const found = ['cache', 'wrong', 'short', 'pipe', 'dangling', 'none', 'missing'].filter((name) =>
    isCacheDirectory(join(folder, name), warn),
  );
  expect(found).toEqual(['cache']);
  expect(warnings.splice(0)).toEqual(['wrong', 'short', 'pipe', 'dangling'].map((name) => `${name}/CACHEDIR.TAG`));
});

test('the tag file alone is kept, and nothing where two rules apply', () => {
  const rules = [cacheTagRule, parseTagRule('.nobackup')];
  expect(['cache', 'both', 'header', 'none'].map((name) => namesKeptByTags(join(folder, name), rules, warn))).toEqual([
    ['CACHEDIR.TAG'],
    [],
    ['.nobackup'],
    undefined,
  ]);
  expect(namesKeptByTags(join(folder, 'header'), [parseTagRule('.nobackup:because')], warn)).toEqual(['.nobackup']);
  expect(namesKeptByTags(join(folder, 'header'), [parseTagRule('.nobackup:why')], warn)).toBeUndefined();
});

test('a rule is a name and a header', () => {
  expect(parseTagRule('.nobackup')).toEqual({ name: '.nobackup', header: '' });
  expect(parseTagRule('tag:a:b')).toEqual({ name: 'tag', header: 'a:b' });
  for (const text of ['', ':x', 'a/b'])
    expect(() => parseTagRule(text)).toThrow(expect.toSatisfy((error: unknown) => isError(error, 'usage')));
});
