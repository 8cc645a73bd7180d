import { expect, test } from 'vitest';
import type { TimelineCoverage } from '../../wal/wal-archive.ts';
import { newestMomentAfter } from './restorable-moment.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 12, minute));

function timeline(number: number, ranges: readonly (readonly [number, number])[], rest: Partial<TimelineCoverage> = {}): TimelineCoverage {
  const end = BigInt(ranges.at(-1)?.[1] ?? 0);
  return {
    timeline: number,
    segmentSize: 2 ** 24,
    ranges: ranges.map(([from, to]) => ({ start: BigInt(from), end: BigInt(to) })),
    segments: 1,
    parts: 0,
    storedBytes: 1,
    newest: { lsn: end, at: at(number) },
    ...rest,
  };
}

test('the log behind a base backup makes its newest moment restorable', () => {
  expect(newestMomentAfter(150n, [timeline(1, [[100, 300]])])).toEqual(at(1));
});

test('a gap behind the base backup ends what can be restored there', () => {
  const gapped = timeline(1, [
    [100, 200],
    [210, 300],
  ]);
  expect(newestMomentAfter(150n, [gapped])).toBeUndefined();
  expect(newestMomentAfter(220n, [gapped])).toEqual(at(1));
});

test('a log that ends before the base backup, or tells no moment, makes nothing restorable', () => {
  expect(newestMomentAfter(400n, [timeline(1, [[100, 300]])])).toBeUndefined();
  expect(newestMomentAfter(150n, [timeline(1, [[100, 300]], { newest: { lsn: 300n } })])).toBeUndefined();
  expect(newestMomentAfter(150n, [])).toBeUndefined();
});

test('the log goes on over a switch of timelines where both sides meet', () => {
  const first = timeline(1, [[100, 300]]);
  const second = timeline(2, [[250, 500]], { parent: { timeline: 1, switchPoint: 260n } });
  expect(newestMomentAfter(150n, [first, second])).toEqual(at(2));
  const late = timeline(2, [[290, 500]], { parent: { timeline: 1, switchPoint: 260n } });
  expect(newestMomentAfter(150n, [first, late])).toEqual(at(1));
  const cut = timeline(1, [[100, 240]]);
  expect(newestMomentAfter(150n, [cut, second])).toEqual(at(1));
});

test('a base backup that was made after the switch stands on the new timeline alone', () => {
  const second = timeline(2, [[250, 500]], { parent: { timeline: 1, switchPoint: 260n } });
  expect(newestMomentAfter(400n, [second])).toEqual(at(2));
  const third = timeline(3, [[500, 900]], { parent: { timeline: 2, switchPoint: 500n } });
  expect(newestMomentAfter(400n, [second, third])).toEqual(at(3));
});

test('timelines that name each other do not turn it round for ever', () => {
  const one = timeline(1, [[100, 300]], { parent: { timeline: 2, switchPoint: 200n } });
  const two = timeline(2, [[100, 300]], { parent: { timeline: 1, switchPoint: 200n } });
  expect(newestMomentAfter(150n, [one, two])).toBeUndefined();
});
