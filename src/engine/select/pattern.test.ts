import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isError } from '../../errors.ts';
import { decodePath } from '../../util/path-bytes.ts';
import { quickRestic, type QuickRestic } from '../tree/testing/quick-restic.ts';
import { combineSelectors, compilePatterns, type Selector } from './pattern.ts';

/** `@` is the folder the tree lies in. */
const files = [
  'a/b/c/file.txt',
  'a/b/c/file.go',
  'a/b/keep.txt',
  'a/file.txt',
  'a/c/b/deep/file.c',
  'cache/x.tmp',
  'cache/sub/y.tmp',
  'cache/sub/Keep',
  'node_modules/m/index.js',
  'src/node_modules/n.js',
  'src/main.go',
  'src/main.test.go',
  'UPPER.TXT',
  'Mixed/Case.Txt',
  '.hidden',
  '.git/config',
  'we[i]rd',
  'st*r',
  'qu?stion',
  'back\\slash',
  '!bang',
  '#hash',
  'space name',
  'ünï/cødé',
  '漢字.txt',
  '😀',
  'a-b',
  'a]b',
  'x/1',
  'x/2',
  'x/a',
];

const excludeCases: readonly (readonly string[])[] = [
  ['*.txt'],
  ['file.*'],
  ['@/a'],
  ['@/a/'],
  ['@/a/*'],
  ['@/a/b'],
  ['a/b'],
  ['b'],
  ['b/c'],
  ['c/b', 'x'],
  ['@/**/file.txt'],
  ['**/file.txt'],
  ['a/**/file.*'],
  ['@/a/**'],
  ['a/**/b'],
  ['**/c/**'],
  ['@/*/*/c'],
  ['*/sub'],
  ['@/a/../cache'],
  ['@//a///b'],
  ['./cache'],
  ['cache/**', '!Keep'],
  ['cache/*', '!@/cache/sub'],
  ['*.tmp', '!x.tmp'],
  ['*', '!@/src', '!@/src/*'],
  ['!x.tmp', '*.tmp'],
  ['a', '!a/b', 'keep.txt'],
  ['*.TXT'],
  ['.*'],
  ['?'],
  ['[a-m]*'],
  ['[^a-z]*'],
  ['[!a]*'],
  ['we\\[i\\]rd'],
  ['we[[]i]rd'],
  ['st\\*r'],
  ['qu\\?stion'],
  ['back\\\\slash'],
  ['\\!bang'],
  ['\\#hash'],
  ['space name'],
  ['*ï'],
  ['c?d?'],
  ['??.txt'],
  ['[漢]*'],
  ['[😀]'],
  ['?'.repeat(2)],
  ['a[-]b'.replace('[-]', '[\\-]')],
  ['a[\\]]b'],
  ['[x]/[1-2]'],
  ['[z-a]'],
  ['**'.concat('.txt')],
  ['f**e*'],
  ['*a*e*'],
  ['n*/[mn]*'],
  ['@/[ac]*/b'],
  ['/'],
  ['relative/path/that/is/not/there'],
  ['@'],
  ['**/**/b/**/**'],
];

const insensitiveCases: readonly (readonly string[])[] = [['*.txt'], ['upper.*'], ['MIXED/*', '!mixed/CASE.txt'], ['ÜNÏ'], ['[a-c]*']];

const includeCases: readonly (readonly string[])[] = [
  ['*.txt'],
  ['@/a/b'],
  ['@/a/*/c'],
  ['@/a/**/file.*'],
  ['b'],
  ['@/x/1', '@/src/*.go'],
  ['@/nothing'],
  ['*', '!*.txt'],
  ['@/cache', '!@/cache/sub'],
  ['@/**'],
  ['/'],
  ['c/b'],
  ['@/[sx]*/[a-z]*'],
  ['**/Keep'],
];

let restic: QuickRestic;
let root = '';

beforeAll(async () => {
  restic = await quickRestic();
  root = join(restic.folder, 'data');
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  restic.run(['backup', '-q', root]);
});

afterAll(() => restic[Symbol.dispose]());

function place(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => (pattern === '@' ? root : pattern.replace('@/', `${root}/`)));
}

/** What a backup below `folder` takes, as the engine's walk asks. */
function walkBackup(selector: Selector, folder: string): string[] {
  if (selector.excluded(folder, true)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return walkBackup(selector, path);
    return selector.excluded(path, false) ? [] : [path];
  });
}

function walkRestore(selector: Selector, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const { matched, childMayMatch } = selector.included(path);
    if (!entry.isDirectory()) return matched ? [path] : [];
    return childMayMatch ? walkRestore(selector, path) : [];
  });
}

async function askBackup(option: string, patterns: readonly string[]): Promise<string[]> {
  const output = await restic.start([
    'backup',
    '--dry-run',
    '--force',
    '-vv',
    '--json',
    ...patterns.flatMap((pattern) => [option, pattern]),
    root,
  ]);
  return output
    .toString()
    .split('\n')
    .flatMap((line) => {
      const item = /"message_type":"verbose_status","action":"new","item":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
      const path: unknown = item === undefined ? '' : JSON.parse(item);
      return typeof path === 'string' && path.startsWith(`${root}/`) && !path.endsWith('/') ? [path] : [];
    });
}

async function askRestore(option: string, patterns: readonly string[], target: string): Promise<string[]> {
  mkdirSync(join(target, root), { recursive: true });
  await restic.start(['restore', 'latest', '--no-lock', '-q', '--target', target, ...patterns.flatMap((pattern) => [option, pattern])]);
  return readdirSync(join(target, root), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length));
}

describe('chooses what restic chooses', () => {
  test('backup without what patterns exclude', async () => {
    const answers = await Promise.all(excludeCases.map((patterns) => askBackup('--exclude', place(patterns))));
    for (const [index, patterns] of excludeCases.entries()) {
      expect(walkBackup(compilePatterns(place(patterns)), root).toSorted(), patterns.join(' ')).toEqual(answers[index]?.toSorted());
    }
    /* The patterns are worth asking about: their answers differ. */
    expect(new Set(answers.map((paths) => paths.toSorted().join('\n'))).size).toBeGreaterThan(35);
  });

  test('backup without what patterns exclude in any case', async () => {
    for (const patterns of insensitiveCases) {
      const answer = await askBackup('--iexclude', patterns);
      expect(walkBackup(compilePatterns(patterns, { insensitive: true }), root).toSorted(), patterns.join(' ')).toEqual(answer.toSorted());
    }
  });

  test('restore of what patterns include', async () => {
    const answers = await Promise.all(
      includeCases.map((patterns, index) => askRestore('--include', place(patterns), join(restic.folder, `restored${index}`))),
    );
    for (const [index, patterns] of includeCases.entries()) {
      const selector = compilePatterns(place(patterns));
      const reached = [dirname(restic.folder), restic.folder, root].every((folder) => selector.included(folder).childMayMatch);
      expect((reached ? walkRestore(selector, root) : []).toSorted(), patterns.join(' ')).toEqual(answers[index]?.toSorted());
    }
    expect(new Set(answers.map((paths) => paths.toSorted().join('\n'))).size).toBeGreaterThan(10);
  });
});

test.each(['[', '[a', '[]', '[^]', '[a-]', '[-a]', 'a\\', '[\\', '/ok/[', '!['])('%s is malformed', (pattern) => {
  expect(() => compilePatterns([pattern])).toThrow(expect.toSatisfy((error: unknown) => isError(error, 'usage')));
});

test('empty patterns select nothing', () => {
  expect(compilePatterns(['', '']).excluded('/a')).toBe(false);
  expect(compilePatterns([]).included('/a')).toEqual({ matched: false, childMayMatch: false });
});

test('several selectors select what any of them does', () => {
  const both = combineSelectors([compilePatterns(['/a']), compilePatterns(['/B'], { insensitive: true }), compilePatterns([])]);
  expect(['/a', '/A', '/b', '/c'].filter((path) => both.excluded(path))).toEqual(['/a', '/b']);
  expect(both.included('/b')).toEqual({ matched: true, childMayMatch: true });
});

test('a byte that is not UTF-8 is one character', () => {
  const name = decodePath(Uint8Array.of(0x61, 0xff, 0x62));
  expect(compilePatterns(['a?b']).excluded(`/${name}`)).toBe(true);
  expect(compilePatterns([`*${name.slice(1)}`]).excluded(`/${name}`)).toBe(true);
  expect(compilePatterns(['*\ude00']).excluded('/😀')).toBe(false);
});

test('many stars take no longer than few', () => {
  expect(compilePatterns([`${'*a'.repeat(40)}*b?`]).excluded(`/${'a'.repeat(10_000)}`)).toBe(false);
});

test('a path that was excluded stays so below it', () => {
  const part = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '?', '**', '[ab]');
  const pattern = fc
    .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 4 }))
    .map(([absolute, parts]) => `${absolute ? '/' : ''}${parts.join('/')}`);
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(pattern, path, fc.constantFrom('a', 'c'), (text, above, name) => {
      const selector = compilePatterns([text]);
      const below = `${above}/${name}`;
      if (selector.excluded(above)) expect(selector.excluded(below)).toBe(true);
      if (selector.excluded(below)) expect(selector.included(above).childMayMatch).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
