import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, readDuration, readSize } from './quantities.ts';

test.each([
  ['24h', 86_400_000],
  ['10m', 600_000],
  ['2m30s', 150_000],
  ['1d', 86_400_000],
  ['250ms', 250],
  ['0s', undefined],
  ['25d', undefined],
  ['2 m', undefined],
  ['60', undefined],
  ['m', undefined],
  ['', undefined],
])('the duration %s', (text, milliseconds) => {
  expect(readDuration(text)).toBe(milliseconds);
});

test('a duration that is written is read back', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 24 * 86_400_000 }), (duration) => readDuration(formatDuration(duration)) === duration));
});

test.each([
  ['500', 500],
  ['64K', 65_536],
  ['1.5G', 1.5 * 2 ** 30],
  ['10 MiB', 10 * 2 ** 20],
  ['10X', undefined],
  ['', undefined],
])('the size %s', (text, bytes) => {
  expect(readSize(text)).toBe(bytes);
});
