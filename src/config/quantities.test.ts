import { expect, test } from 'vitest';
import { readDuration } from './quantities.ts';

test.each([
  ['24h', 86_400_000],
  ['250ms', 250],
  ['24d', 24 * 86_400_000],
  ['0s', undefined],
  ['25d', undefined],
  ['60', undefined],
])('the duration %s', (text, milliseconds) => {
  expect(readDuration(text)).toBe(milliseconds);
});
