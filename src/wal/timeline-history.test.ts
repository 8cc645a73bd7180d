import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn } from '../util/lsn.ts';
import { firstTimeline, historyName, parentOf, parseTimelineHistory, pathFrom, switchFrom, timelineOfHistory } from './timeline-history.ts';

const third = Buffer.from('1\t0/3000148\tno recovery target specified\n\n# a remark\n2\t0/5000000\tbefore 2026-11-20 14:30:00+00\n');

test('a history of PostgreSQL', () => {
  const history = parseTimelineHistory(third, 3);
  expect(history.ancestors).toEqual([
    { timeline: 1, switchPoint: 0x300_0148n },
    { timeline: 2, switchPoint: 0x500_0000n },
  ]);
  expect(parentOf(history)).toEqual({ timeline: 2, switchPoint: 0x500_0000n });
  expect(switchFrom(history, 1)).toBe(0x300_0148n);
  expect(switchFrom(history, 3)).toBeUndefined();
  expect(switchFrom(history, 4)).toBe('absent');
  expect(parentOf(firstTimeline(1))).toBeUndefined();
});

test('the way from a position to a timeline', () => {
  const history = parseTimelineHistory(third, 3);
  expect(pathFrom(history, { timeline: 1, lsn: 0x200_0000n })).toEqual([
    { timeline: 1, from: 0x200_0000n, to: 0x300_0148n },
    { timeline: 2, from: 0x300_0148n, to: 0x500_0000n },
    { timeline: 3, from: 0x500_0000n },
  ]);
  expect(pathFrom(history, { timeline: 3, lsn: 0x600_0000n })).toEqual([{ timeline: 3, from: 0x600_0000n }]);
  expect(pathFrom(history, { timeline: 1, lsn: 0x300_0149n })).toBeUndefined();
  expect(pathFrom(history, { timeline: 4, lsn: 0n })).toBeUndefined();
});

test('names of history files', () => {
  expect(historyName(31)).toBe('0000001F.history');
  expect(timelineOfHistory('0000001F.history')).toBe(31);
  for (const name of ['00000001.history', '00000000.history', '1F.history', '0000001F.history.tmp', '../0000001F.history'])
    expect(timelineOfHistory(name)).toBeUndefined();
});

test.each([
  ['', 'is empty'],
  ['# nothing but a remark\n', 'is empty'],
  ['1 0/3000148', undefined],
  ['one\t0/3000148\n', 'a line that is none'],
  ['1\t3000148\n', 'a line that is none'],
  ['1\t0/3000148x\n', 'a line that is none'],
  ['2\t0/3000148\n1\t0/4000000\n', 'is not in order'],
  ['1\t0/3000148\n2\t0/2000000\n', 'is not in order'],
  ['0\t0/3000148\n', 'is not in order'],
  ['3\t0/3000148\n', 'is not in order'],
])('%j', (text, complaint) => {
  const read = (): unknown => parseTimelineHistory(Buffer.from(text), 3);
  if (complaint === undefined) expect(read).not.toThrow();
  else expect(read).toThrow(complaint);
});

test('whatever it is given, it reads or refuses, soon', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 2, max: 0xffff_ffff }), (bytes, timeline) => {
      try {
        parseTimelineHistory(bytes, timeline);
      } catch (error) {
        expect(String(error)).toContain(`the history of timeline ${timeline}`);
      }
    }),
  );
  expect(() => parseTimelineHistory(Buffer.alloc(5 * 2 ** 20, '\n'), 2)).toThrow('larger than any history');
  expect(() => parseTimelineHistory(Buffer.alloc(4 * 2 ** 20, ' '), 2)).toThrow('is empty');
});

test('a history that was written comes back', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), {
        minLength: 1,
        maxLength: 20,
        selector: ([id]) => id,
      }),
      (switches) => {
        const ids = switches.map(([id]) => id).toSorted((a, b) => a - b);
        const points = switches.map(([, point]) => point).toSorted((a, b) => (a < b ? -1 : 1));
        const text = ids.map((id, at) => `${id}\t${formatLsn(points[at] ?? 0n)}\treason`).join('\n');
        const expected = ids.map((timeline, at) => ({ timeline, switchPoint: points[at] ?? 0n }));
        expect(parseTimelineHistory(Buffer.from(text), 2000).ancestors).toEqual(expected);
      },
    ),
  );
});
