import { expect, test } from 'vitest';
import { readDataSubset } from './read-data-choice.ts';

const now = new Date(2026, 10, 20, 23, 59);

test.each([
  ['5%', { percent: 5 }],
  ['2/7', { part: 2, of: 7 }],
  ['today/1', { part: 1, of: 1 }],
])('%s', (text, choice) => {
  expect(readDataSubset(text, now)).toEqual(choice);
});

test.each(['0%', '8/7', '0/7', 'today', 'today/0', 'tomorrow/7', '-1/7', 'constructor/7'])('%s is no share', (text) => {
  expect(() => readDataSubset(text, now)).toThrow('is not a share such as');
});

test.each([
  ['today/30', 30, 1],
  ['this-week/4', 28, 7],
])('%s: whatever day one begins, all shares have been read after so many days', (text, days, step) => {
  for (let first = 0; first < 40; first += 1) {
    const parts = new Set<unknown>();
    for (let day = 0; day < days; day += step) {
      const choice = readDataSubset(text, new Date(2026, 2, 20 + first + day, 5, 30));
      parts.add(typeof choice === 'object' && 'part' in choice ? choice.part : undefined);
    }
    expect(parts.size).toBe(days / step);
  }
});

test('a month is one share, from its first day to its last', () => {
  const parts = [new Date(2026, 0, 1), new Date(2026, 0, 31, 23), new Date(2026, 1, 1), new Date(2026, 2, 1)].map((day) =>
    readDataSubset('this-month/3', day),
  );
  expect(parts[1]).toEqual(parts[0]);
  expect(new Set(parts.map((part) => JSON.stringify(part))).size).toBe(3);
});
