import { expect, test } from 'vitest';
import { nearestWord } from './nearest-word.ts';

const words = ['postgres', 'files', 'volumes', 'config', 'exclude-tables', 'keep', 'url'];

test.each([
  ['fiels', 'files'],
  ['file', 'files'],
  ['Postgres', 'postgres'],
  ['postgresql', 'postgres'],
  ['exclude_tables', 'exclude-tables'],
  ['excludeTables', 'exclude-tables'],
  ['ulr', 'url'],
  ['uri', 'url'],
  ['schedule', undefined],
  ['x', undefined],
  ['', undefined],
  ['f'.repeat(1000), undefined],
])('%s', (wrong, near) => {
  expect(nearestWord(wrong, words)).toBe(near);
});
