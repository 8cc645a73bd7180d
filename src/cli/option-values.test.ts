import { describe, expect, test } from 'vitest';
import { readDuration, readSize, readTime } from './option-values.ts';
import { splitWords } from './password-source.ts';
import { readDataSubset } from './read-data-choice.ts';

describe('a size', () => {
  test.each([
    ['0', 0],
    ['500', 500],
    ['64K', 65_536],
    ['1.5g', 1_610_612_736],
    ['10 MiB', 10_485_760],
    ['7b', 7],
  ])('%s', (text, bytes) => expect(readSize(text)).toBe(bytes));
  test.each(['', '-1', '1x', 'k', '1e3', '99999999999T'])('%s is none', (text) => expect(() => readSize(text)).toThrow(/size/));
});

describe('a duration', () => {
  test.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['250ms', 250],
    ['0', 0],
  ])('%s', (text, milliseconds) => expect(readDuration(text)).toBe(milliseconds));
  test.each(['', '5', '1w', '-5m', 'm'])('%s is none', (text) => expect(() => readDuration(text)).toThrow(/duration/));
});

describe('a time', () => {
  test('says its zone, or is of this one', () => {
    expect(readTime('2026-11-20T14:30:00Z').toISOString()).toBe('2026-11-20T14:30:00.000Z');
    expect(readTime('2026-11-20T14:30:00.123456789+01:00').toISOString()).toBe('2026-11-20T13:30:00.123Z');
    expect(readTime('2026-11-20 14:30:00.501952+00').toISOString()).toBe('2026-11-20T14:30:00.501Z');
    expect(readTime('2026-11-20 14:30:00-0330').toISOString()).toBe('2026-11-20T18:00:00.000Z');
    expect(readTime('2026-11-20 14:30').getTime()).toBe(new Date(2026, 10, 20, 14, 30).getTime());
    expect(readTime('2026-11-20').getTime()).toBe(new Date(2026, 10, 20).getTime());
  });
  test.each(['yesterday', '2026-02-30', '2026-13-01', '2026-11-20 25:00', '14:30', ''])('%s is none', (text) =>
    expect(() => readTime(text)).toThrow(/is not a time/),
  );
});

test('a share of the data', () => {
  const now = new Date(2026, 10, 20);
  expect(readDataSubset('2.5%', now)).toEqual({ percent: 2.5 });
  expect(readDataSubset('2/7', now)).toEqual({ part: 2, of: 7 });
  for (const text of ['0%', '101%', '8/7', '0/7', '5', '1G']) expect(() => readDataSubset(text, now)).toThrow(/share/);
});

test('the words of a password command are those of a shell, with nothing expanded', () => {
  expect(splitWords(`pass show 'my app' "a \\"b\\"" c\\ d $HOME ''`)).toEqual(['pass', 'show', 'my app', 'a "b"', 'c d', '$HOME', '']);
  expect(() => splitWords("pass 'open")).toThrow(/quote/);
});
