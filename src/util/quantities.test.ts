import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration, parseSize } from './quantities.ts';

test.each([
  ['24h', 86_400_000],
  ['10m', 600_000],
  ['2m30s', 150_000],
  ['1d', 86_400_000],
  ['250ms', 250],
  ['0s', 0],
  ['2 m', undefined],
  ['60', undefined],
  ['m', undefined],
  ['1w', undefined],
  ['-5m', undefined],
  ['', undefined],
])('the duration %s', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test('a duration that is written is read back', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 48 }), (duration) => parseDuration(formatDuration(duration)) === duration));
});

test.each([
  ['500', 500],
  ['64K', 65_536],
  ['1.5g', 1.5 * 2 ** 30],
  ['10 MiB', 10 * 2 ** 20],
  ['7b', 7],
  ['10X', undefined],
  ['1e3', undefined],
  ['99999999999T', undefined],
  ['', undefined],
])('the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
