import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contiguousParts, firstHole, joinRanges } from './part-arithmetic.ts';

const parts = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 })).map(([start, length]) => ({ start, end: start + length })),
  { maxLength: 30 },
);

/** The same by looking at every byte. */
function reach(list: readonly { readonly start: number; readonly end: number }[]): number {
  let at = 0;
  while (list.some(({ start, end }) => start <= at && at < end)) at += 1;
  return at;
}

test('parts reach exactly as far as their bytes do without a hole', () => {
  fc.assert(
    fc.property(parts, (list) => {
      const { used, filled } = contiguousParts(list);
      expect(filled).toBe(reach(list));
      expect(reach(used)).toBe(filled);
      for (const [at, part] of used.entries()) {
        expect(list).toContain(part);
        expect(part.start).toBeLessThanOrEqual(at === 0 ? 0 : (used[at - 1]?.end ?? 0));
      }
    }),
  );
});

test('ranges: joined where they touch, in order, and their holes', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 90 }), (list, from, length) => {
      const ranges = joinRanges(list.map(({ start, end }) => ({ start: BigInt(start), end: BigInt(end) })));
      for (const [at, { start, end }] of ranges.entries()) {
        expect(start < end).toBe(true);
        expect(at === 0 || (ranges[at - 1]?.end ?? 0n) < start).toBe(true);
      }
      const isCovered = (byte: number): boolean => list.some(({ start, end }) => start <= byte && byte < end);
      for (let byte = 0; byte < 90; byte += 1) expect(ranges.some(({ start, end }) => start <= byte && byte < end)).toBe(isCovered(byte));
      const hole = firstHole(ranges, { start: BigInt(from), end: BigInt(from + length) });
      const first = Array.from({ length }, (_, at) => from + at).find((byte) => !isCovered(byte));
      expect(hole?.start).toBe(first === undefined ? undefined : BigInt(first));
      if (hole !== undefined) {
        for (let byte = Number(hole.start); byte < Number(hole.end); byte += 1) expect(isCovered(byte)).toBe(false);
        expect(hole.end === BigInt(from + length) || isCovered(Number(hole.end))).toBe(true);
      }
    }),
  );
});

test('nothing stored', () => {
  expect(contiguousParts([])).toEqual({ used: [], filled: 0 });
  expect(joinRanges([{ start: 5n, end: 5n }])).toEqual([]);
  expect(firstHole([], { start: 1n, end: 2n })).toEqual({ start: 1n, end: 2n });
  expect(firstHole([], { start: 2n, end: 2n })).toBeUndefined();
});
