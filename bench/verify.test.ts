import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countContents, requireSameAmount, requireSameContent } from './verify.ts';

let base: string;
let original: string;
let restored: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'holdfast-verify-'));
  original = join(base, 'original');
  restored = join(base, 'restored');
  mkdirSync(join(original, 'folder'), { recursive: true });
  writeFileSync(join(original, 'folder', 'one'), 'first');
  writeFileSync(join(original, 'two'), 'second');
  cpSync(original, restored, { recursive: true, preserveTimestamps: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('a faithful copy passes', () => {
  requireSameAmount(countContents(original), restored);
  requireSameContent(original, restored);
});

test('files and bytes are counted', () => {
  expect(countContents(original)).toEqual({ files: 2, bytes: 11 });
});

test.each([
  ['a missing file', (): void => rmSync(join(restored, 'two'))],
  ['a longer file', (): void => writeFileSync(join(restored, 'two'), 'second!')],
  ['a file too many', (): void => writeFileSync(join(restored, 'three'), '')],
])('%s is another amount of work', (_, damage) => {
  damage();
  expect(() => requireSameAmount(countContents(original), restored)).toThrow(/Cannot compare: .* were restored where there are 2 of 11/);
});

test.each([
  ['content', (path: string): void => writeFileSync(path, 'Second')],
  ['mode', (path: string): void => chmodSync(path, 0o600)],
  ['modification time', (path: string): void => utimesSync(path, 1, 1)],
])('another %s is found', (what, damage) => {
  const path = join(restored, 'two');
  damage(path);
  if (what === 'content') utimesSync(path, 5, 5);
  if (what === 'content') utimesSync(join(original, 'two'), 5, 5);
  expect(() => requireSameContent(original, restored)).toThrow(`the ${what} of two was restored differently`);
});

test('an entry that the data sets do not have is refused', () => {
  symlinkSync('two', join(restored, 'link'));
  expect(() => countContents(restored)).toThrow(/Cannot count link/);
});
