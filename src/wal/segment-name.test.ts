import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, parseLsn } from '../util/lsn.ts';
import {
  formatSegmentName,
  isSegmentSize,
  offsetInSegment,
  parseSegmentName,
  segmentNumberAt,
  segmentStart,
  timelineOfSegment,
} from './segment-name.ts';

const sizes = fc.integer({ min: 20, max: 30 }).map((power) => 2 ** power);
const lsns = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const timelines = fc.integer({ min: 1, max: 0xffff_ffff });

test('positions come back from text', () => {
  fc.assert(fc.property(lsns, (lsn) => parseLsn(formatLsn(lsn)) === lsn));
  expect(formatLsn(0x16_b374_d848n)).toBe('16/B374D848');
  expect(parseLsn('0/3000028')).toBe(0x300_0028n);
});

test.each(['', '0', '/', '0/', '/0', '0/123456789', 'g/0', '0/0/0', '-1/0', '0x1/0', '1'.repeat(1e6)])('%j is no position', (text) => {
  expect(() => parseLsn(text)).toThrow('is not a WAL position');
});

test('names come back, are in order, and say where a segment begins', () => {
  fc.assert(
    fc.property(timelines, lsns, lsns, sizes, (timeline, one, other, size) => {
      const name = formatSegmentName({ timeline, number: segmentNumberAt(one, size) }, size);
      const { number } = parseSegmentName(name, size);
      expect(timelineOfSegment(name)).toBe(timeline);
      expect(segmentStart(number, size) + BigInt(offsetInSegment(one, size))).toBe(one);
      const second = formatSegmentName({ timeline, number: segmentNumberAt(other, size) }, size);
      expect(name < second).toBe(segmentNumberAt(one, size) < segmentNumberAt(other, size));
    }),
  );
});

/* As PostgreSQL itself names them: pg_walfile_name('16/B374D848') with segments of 16 MiB, 1 MiB and 1 GiB. */
test.each([
  ['16/B374D848', 2 ** 24, '0000000100000016000000B3'],
  ['16/B374D848', 2 ** 20, '000000010000001600000B37'],
  ['16/B374D848', 2 ** 30, '000000010000001600000002'],
])('%s with segments of %d bytes is in %s', (lsn, size, name) => {
  expect(formatSegmentName({ timeline: 1, number: segmentNumberAt(parseLsn(lsn), size) }, size)).toBe(name);
});

test.each([
  '',
  '00000001000000000000000',
  '0000000100000000000000033',
  '00000000000000000000000a',
  '000000000000000000000003',
  '0000000100000000000001FF',
  '00000001000000000000000g',
  '000000010000000000000003.partial',
])('%j is no segment of 16 MiB', (name) => {
  expect(() => parseSegmentName(name, 2 ** 24)).toThrow('is not the name of a WAL segment');
});

test('only powers of two from 1 MiB to 1 GiB are sizes of segments', () => {
  for (const size of [0, 1, 2 ** 19, 2 ** 31, 3 * 2 ** 20, 2 ** 24 + 1, Number.NaN, -(2 ** 24), 2 ** 24 + 0.5])
    expect(isSegmentSize(size)).toBe(false);
  for (let power = 20; power <= 30; power += 1) expect(isSegmentSize(2 ** power)).toBe(true);
});
