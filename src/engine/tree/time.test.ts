import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isError } from '../../errors.ts';
import { formatTime, formatTimeParts, parseTime } from './time.ts';

describe('times', () => {
  test('trailing zeros of a second are left out', () => {
    expect(formatTimeParts(0, 0)).toBe('1970-01-01T00:00:00Z');
    expect(formatTimeParts(-1, 120_000_000)).toBe('1969-12-31T23:59:59.12Z');
    expect(formatTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  });

  test('any nanosecond comes back', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -62_167_219_200_000_000_000n, max: 253_402_300_799_999_999_999n }),
        (ns) => parseTime(formatTime(ns)) === ns,
      ),
    );
  });

  test('offsets are taken off', () => {
    expect(parseTime('2026-11-20T10:00:00+05:30')).toBe(parseTime('2026-11-20T04:30:00Z'));
    expect(parseTime('2026-11-20T23:00:00.25-02:00')).toBe(parseTime('2026-11-21T01:00:00.25Z'));
  });

  test('a year that RFC 3339 cannot say becomes the nearest one', () => {
    expect(formatTime(253_402_300_800_000_000_000n)).toBe('9999-01-01T00:00:00Z');
    expect(formatTime(-62_167_219_201_000_000_000n)).toBe('0000-12-31T23:59:59Z');
    expect(formatTime(2n ** 90n)).toMatch(/^9999-/);
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-11-20',
    '2026-11-20T24:00:00Z',
    '2026-11-20T10:00:00',
    '2026-13-01T00:00:00Z',
    '20261-01-01T00:00:00Z',
    '2026-11-20t10:00:00z',
    '2026-11-20T10:00:00.Z',
    '',
  ])('%s is no time', (text) => {
    expect(() => parseTime(text)).toThrow(expect.toSatisfy((error: unknown) => isError(error, 'damaged')));
  });
});
