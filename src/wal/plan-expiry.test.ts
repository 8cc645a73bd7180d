import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { executeWalExpiry, planWalExpiry, type KeptBase } from './plan-expiry.ts';
import { planWal } from './plan-wal.ts';
import { parseSegmentName } from './segment-name.ts';
import { atItsMinute as at, makeArchive, minute, position, segmentSize, type MadeArchive } from './testing/build-archive.ts';

const fork = position(8, 300);

/** The first timeline from segment 2 to the middle of 8, the second from 8 to 14. */
function make(): Promise<MadeArchive> {
  return makeArchive(
    [
      { timeline: 1, from: position(2), to: fork, at },
      { timeline: 2, from: position(8), to: position(14), at: (lsn) => new Date(at(lsn).getTime() + 60_000) },
    ],
    { 2: [[1, fork]] },
  );
}

function numbersOf(names: readonly string[], timeline: number): number[] {
  return names
    .map((name) => parseSegmentName(name, segmentSize))
    .filter((segment) => segment.timeline === timeline)
    .map(({ number }) => Number(number));
}

async function remaining({ archive }: MadeArchive): Promise<Record<number, number[]>> {
  const timelines = await archive.timelines();
  return Object.fromEntries(
    timelines.map(({ timeline, whole, parts }) => [timeline, numbersOf([...whole.map(({ name }) => name), ...parts.keys()], timeline)]),
  );
}

const all = { 1: [2, 3, 4, 5, 6, 7, 8], 2: [8, 9, 10, 11, 12, 13] };

describe('what goes', () => {
  test.each<[string, KeptBase[], Record<number, number[]>]>([
    ['nothing, without a base', [], all],
    [
      'what is before the oldest base',
      [
        { timeline: 1, startLsn: position(5, 40) },
        { timeline: 1, startLsn: position(4, 40) },
      ],
      { 1: [4, 5, 6, 7, 8], 2: all[2] },
    ],
    ['nothing, where the oldest base is older', [{ timeline: 1, startLsn: position(1) }], all],
    [
      'all but the last of a timeline left before every base',
      [{ timeline: 2, startLsn: position(10, 40) }],
      { 1: [8], 2: [10, 11, 12, 13] },
    ],
    [
      'nothing of the old one, while one base is on it',
      [
        { timeline: 2, startLsn: position(10) },
        { timeline: 1, startLsn: position(7) },
      ],
      { 1: [7, 8], 2: all[2] },
    ],
    ['nothing, where the history of the base is not known', [{ timeline: 3, startLsn: position(12) }], all],
    ['nothing of a timeline that left before the base, and goes on', [{ timeline: 1, startLsn: position(8, 400) }], { 1: [8], 2: all[2] }],
  ])('%s', async (_, bases, expected) => {
    const made = await make();
    const plan = await planWalExpiry(made.archive, bases);
    expect(await remaining(made)).toEqual(all);
    await executeWalExpiry(made.archive, plan);
    expect(await remaining(made)).toEqual(expected);
    expect((await planWalExpiry(made.archive, bases)).segments).toEqual([]);
    // Histories stay.
    expect(await made.archive.readHistory(2)).toBeDefined();
  });

  test('files beside segments go with them', async () => {
    const made = await make();
    await made.archive.putFile('000000010000000000000003.00000028.backup', Buffer.from('three'));
    await made.archive.putFile('000000010000000000000006.00000028.backup', Buffer.from('six'));
    await made.archive.putFile('000000010000000000000008.partial', Buffer.from('eight'));
    await executeWalExpiry(made.archive, await planWalExpiry(made.archive, [{ timeline: 1, startLsn: position(6) }]));
    expect((await made.archive.contents(1)).files).toEqual([
      '000000010000000000000006.00000028.backup',
      '000000010000000000000008.partial',
    ]);
  });
});

test('whatever is kept, every kept base can still be recovered as before', async () => {
  const bases = fc.array(
    fc.oneof(
      fc.integer({ min: 2, max: 7 }).map((number) => ({ timeline: 1, startLsn: position(number, 40) })),
      fc.integer({ min: 8, max: 12 }).map((number) => ({ timeline: 2, startLsn: position(number, 400) })),
    ),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(bases, async (kept) => {
      const made = await make();
      const plansOf = (): Promise<unknown[]> =>
        Promise.all(
          kept.flatMap(({ timeline, startLsn }) =>
            [1, 2].map(async (branch) => {
              const baseEnd = { lsn: startLsn + 100n, timeline, at: minute(0) };
              const request = { archive: made.archive, from: { lsn: startLsn, timeline }, baseEnd, timeline: branch };
              return planWal({ ...request, target: { kind: 'latest' } }).catch((error: unknown) => String(error));
            }),
          ),
        );
      const before = await plansOf();
      await executeWalExpiry(made.archive, await planWalExpiry(made.archive, kept));
      expect(await plansOf()).toEqual(before);
    }),
    { numRuns: 40 },
  );
});
