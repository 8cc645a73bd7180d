import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { parseLsn } from '../util/lsn.ts';
import { planWal, type WalPlan, type WalPlanRequest } from './plan-wal.ts';
import { formatSegmentName } from './segment-name.ts';
import { atItsMinute, makeArchive, minute, position, segmentSize, type MadeArchive } from './testing/build-archive.ts';

const base = {
  from: { lsn: position(3, 40), timeline: 1 },
  baseEnd: { lsn: position(4, 500), timeline: 1, at: minute(4.2) },
};

const at = atItsMinute;

function plan({ archive }: MadeArchive, target: WalPlanRequest['target'], more: Partial<WalPlanRequest> = {}): Promise<WalPlan> {
  return planWal({ archive, ...base, target, ...more });
}

function namesOf({ segments }: WalPlan): string[] {
  return segments.map(({ name }) => name);
}

function named(timeline: number, ...numbers: readonly number[]): string[] {
  return numbers.map((number) => formatSegmentName({ timeline, number: BigInt(number) }, segmentSize));
}

describe('one timeline, segments 2 to 9 and half of 10', () => {
  const make = (): Promise<MadeArchive> => makeArchive([{ timeline: 1, from: position(2), to: position(10, segmentSize / 2), at }]);

  test('latest: everything from the base on', async () => {
    const found = await plan(await make(), { kind: 'latest' });
    expect(namesOf(found)).toEqual(named(1, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(found).toMatchObject({ timeline: 1, histories: [], gaps: [], path: [{ timeline: 1, from: base.from.lsn }] });
    expect(found.segments.at(-1)).toEqual({
      name: named(1, 10)[0],
      timeline: 1,
      start: position(10),
      filled: segmentSize / 2,
      whole: false,
    });
    expect(found.newest).toMatchObject({ lsn: position(10, segmentSize / 2), at: minute(10.5) });
    expect(found.bytes).toBe(7.5 * segmentSize);
  });

  test('a time: up to the first segment with a later commit', async () => {
    const made = await make();
    expect(await plan(made, { kind: 'time', at: minute(6.2) })).toMatchObject({ commitAfterTarget: true });
    expect(namesOf(await plan(made, { kind: 'time', at: minute(6.2) }))).toEqual(named(1, 3, 4, 5, 6));
    expect(namesOf(await plan(made, { kind: 'time', at: minute(6.7) }))).toEqual(named(1, 3, 4, 5, 6, 7));
    // After the last commit, and before the last moment: there is nothing for PostgreSQL to stop at.
    expect(await plan(made, { kind: 'time', at: minute(10.4) })).toMatchObject({ commitAfterTarget: false });
  });

  test('a position: up to its segment and the one where its record may end', async () => {
    expect(namesOf(await plan(await make(), { kind: 'lsn', lsn: position(6, 10) }))).toEqual(named(1, 3, 4, 5, 6, 7));
  });

  test('names and transactions may be anywhere', async () => {
    const made = await make();
    for (const target of [
      { kind: 'name', name: 'before' },
      { kind: 'xid', xid: '4711' },
    ] as const)
      expect(namesOf(await plan(made, target))).toEqual(named(1, 3, 4, 5, 6, 7, 8, 9, 10));
  });

  test('trap 1: before the end of the base, where PostgreSQL would come up newer than asked', async () => {
    const made = await make();
    await expect(plan(made, { kind: 'time', at: minute(4.1) })).rejects.toMatchObject({ code: 'wal-target-early' });
    await expect(plan(made, { kind: 'lsn', lsn: position(4, 499) })).rejects.toMatchObject({ code: 'wal-target-early' });
    await expect(plan(made, { kind: 'time', at: minute(4.2) })).resolves.toBeDefined();
    await expect(plan(made, { kind: 'lsn', lsn: position(4, 500) })).resolves.toBeDefined();
  });

  test('trap 4: past the end, the newest that can be reached is offered', async () => {
    const made = await make();
    const complaint = { code: 'wal-target-ahead', hint: `The newest that can be reached is ${minute(10.5).toISOString()} (0/A80000).` };
    await expect(plan(made, { kind: 'time', at: minute(10.6) })).rejects.toMatchObject(complaint);
    await expect(plan(made, { kind: 'lsn', lsn: position(10, segmentSize / 2 + 1) })).rejects.toMatchObject(complaint);
    await expect(plan(made, { kind: 'time', at: minute(10.5) })).resolves.toBeDefined();
  });

  test('an idle server: the moment when it had nothing more can be reached', async () => {
    const made = await make();
    await made.archive.putPosition({ timeline: 1, end: position(10, segmentSize / 2), at: minute(55) });
    expect(await plan(made, { kind: 'time', at: minute(54) })).toMatchObject({ commitAfterTarget: false, newest: { at: minute(55) } });
    // What is recorded of a position that is not stored counts for nothing.
    await made.archive.putPosition({ timeline: 1, end: position(11), at: minute(55) });
    await expect(plan(made, { kind: 'time', at: minute(54) })).rejects.toMatchObject({ code: 'wal-target-ahead' });
  });
});

describe('gaps', () => {
  const make = async (missing: readonly number[]): Promise<MadeArchive> => {
    const made = await makeArchive([{ timeline: 1, from: position(3), to: position(12), at }]);
    for (const number of missing) await made.archive.removeSegment(named(1, number)[0] ?? '');
    return made;
  };

  test('trap 2: a missing middle, after which PostgreSQL would promote without the rest', async () => {
    const made = await make([7]);
    const complaint = {
      code: 'wal-gap',
      message: 'Cannot recover to the latest state: on timeline 1 the WAL from 0/700000 to 0/800000 is missing.',
    };
    await expect(plan(made, { kind: 'latest' })).rejects.toMatchObject(complaint);
    await expect(plan(made, { kind: 'time', at: minute(9) })).rejects.toMatchObject({
      code: 'wal-gap',
      hint: containing('0/700000'),
    });
    await expect(plan(made, { kind: 'lsn', lsn: position(8, 5) })).rejects.toMatchObject({ code: 'wal-gap' });
    // What is before it can be recovered.
    const before = await plan(made, { kind: 'time', at: minute(6.2) });
    expect(namesOf(before)).toEqual(named(1, 3, 4, 5, 6));
    expect(before.gaps).toEqual([{ timeline: 1, from: position(7), to: position(8) }]);
    expect(namesOf(await plan(made, { kind: 'immediate' }))).toEqual(named(1, 3, 4, 5, 6));
  });

  test('any one or more missing: never a plan across a hole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 3, max: 11 }), { maxLength: 6 }),
        fc.integer({ min: 43, max: 120 }),
        async (missing, tenths) => {
          const made = await make(missing);
          const target = minute(tenths / 10);
          // The base itself brings its WAL up to its end.
          const hole = missing.filter((number) => number >= 4).toSorted((a, b) => a - b)[0] ?? 12;
          const reachable = hole === 4 ? base.baseEnd.at : minute(hole);
          const found = await plan(made, { kind: 'time', at: target }).catch((error: unknown) => error);
          if (target > reachable) {
            const goesOn = [4, 5, 6, 7, 8, 9, 10, 11].some((number) => number > hole && !missing.includes(number));
            expect(found).toMatchObject({ code: goesOn ? 'wal-gap' : 'wal-target-ahead' });
            return;
          }
          const { segments } = found as WalPlan;
          const numbers = segments.map(({ start }) => Number(start) / segmentSize).filter((number) => number >= 4);
          expect(numbers).toEqual(numbers.map((_, index) => 4 + index));
          expect(numbers.every((number) => number < hole)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('parts after a hole in their segment do not count', async () => {
    const made = await makeArchive([{ timeline: 1, from: position(3), to: position(5), at }]);
    const name = named(1, 5)[0] ?? '';
    const part = { name, segmentSize, bytes: Buffer.alloc(100), sentFrom: minute(5), sentAt: minute(5), completeAt: minute(5) };
    await made.archive.putPart({ ...part, offset: 0 });
    await made.archive.putPart({ ...part, offset: 200 });
    const found = await plan(made, { kind: 'latest' });
    expect(found.segments.at(-1)).toMatchObject({ name, filled: 100 });
    await expect(plan(made, { kind: 'lsn', lsn: position(5, 250) })).rejects.toMatchObject({ code: 'wal-target-ahead' });
  });
});

describe('timelines', () => {
  const fork = position(7, 300);
  const inFork = (lsn: bigint): Date => new Date(atItsMinute(lsn).getTime() + 60_000);

  /** The first ended in the middle of a segment, as at a failover; the second begins with a copy of that segment. */
  const failover = (): Promise<MadeArchive> =>
    makeArchive(
      [
        { timeline: 1, from: position(3), to: fork, at },
        { timeline: 2, from: position(7), to: position(10), at: inFork },
      ],
      { 2: [[1, fork]] },
    );

  test('over a failover: the segment of the switch comes from the new timeline', async () => {
    const found = await plan(await failover(), { kind: 'latest' });
    expect(namesOf(found)).toEqual([...named(1, 3, 4, 5, 6), ...named(2, 7, 8, 9)]);
    expect(found).toMatchObject({
      timeline: 2,
      histories: [2],
      path: [
        { timeline: 1, to: fork },
        { timeline: 2, from: fork },
      ],
    });
    const byTime = await plan(await failover(), { kind: 'time', at: minute(9.2) });
    expect(byTime).toMatchObject({ timeline: 2, commitAfterTarget: true });
    expect(await plan(await failover(), { kind: 'time', at: minute(6.2) })).toMatchObject({ timeline: 1 });
    expect(await plan(await failover(), { kind: 'time', at: minute(7.9) })).toMatchObject({ timeline: 2 });
  });

  test('what the old timeline has up to the switch is used where the new one lacks its first segment', async () => {
    const made = await failover();
    await made.archive.removeSegment(named(2, 7)[0] ?? '');
    await expect(plan(made, { kind: 'latest' })).rejects.toMatchObject({ code: 'wal-gap' });
    expect(await plan(made, { kind: 'lsn', lsn: position(7, 200) })).toMatchObject({ timeline: 1 });
  });

  /** Put back to minute 5 and promoted at minute 10, as after a dropped table; then work went on. */
  const rolledBack = (): Promise<MadeArchive> =>
    makeArchive(
      [
        { timeline: 1, from: position(3), to: position(10), at },
        { timeline: 2, from: position(5), to: position(8), at: (lsn) => minute(Number(lsn) / segmentSize + 6) },
      ],
      { 2: [[1, position(5, 10)]] },
    );

  test('trap 3: the timeline is the one that was alive at that moment, not the highest', async () => {
    const made = await rolledBack();
    expect(await plan(made, { kind: 'time', at: minute(9) })).toMatchObject({ timeline: 1, histories: [] });
    const later = await plan(made, { kind: 'time', at: minute(13) });
    expect(later).toMatchObject({ timeline: 2, histories: [2] });
    expect(namesOf(later)).toEqual([...named(1, 3, 4), ...named(2, 5, 6, 7)]);
    expect(await plan(made, { kind: 'latest' })).toMatchObject({ timeline: 2 });
    expect(await plan(made, { kind: 'latest' }, { timeline: 1 })).toMatchObject({ timeline: 1 });
    // Between the two nothing was alive: what the first one had beyond the switch is its own.
    await expect(plan(made, { kind: 'time', at: minute(10.5) })).rejects.toMatchObject({ code: 'wal-target-ahead' });
    await expect(plan(made, { kind: 'lsn', lsn: position(7) })).rejects.toMatchObject({ code: 'wal-timeline-ambiguous' });
    expect(await plan(made, { kind: 'lsn', lsn: position(9) })).toMatchObject({ timeline: 1 });
    expect(await plan(made, { kind: 'lsn', lsn: position(7) }, { timeline: 2 })).toMatchObject({ timeline: 2 });
  });

  test('two servers at once: nobody guesses', async () => {
    const made = await makeArchive(
      [
        { timeline: 1, from: position(3), to: position(10), at },
        { timeline: 2, from: position(6), to: position(9), at: (lsn) => minute(Number(lsn) / segmentSize + 0.5) },
      ],
      { 2: [[1, position(6, 100)]] },
    );
    const complaint = { code: 'wal-timeline-ambiguous', message: containing('(1, 2)') };
    await expect(plan(made, { kind: 'time', at: minute(8) })).rejects.toMatchObject(complaint);
    await expect(plan(made, { kind: 'latest' })).rejects.toMatchObject(complaint);
    expect(await plan(made, { kind: 'time', at: minute(8) }, { timeline: 1 })).toMatchObject({ timeline: 1 });
    expect(await plan(made, { kind: 'time', at: minute(5) })).toMatchObject({ timeline: 1 });
  });

  test('a timeline that left before the base ended is none for it', async () => {
    const made = await makeArchive(
      [
        { timeline: 1, from: position(3), to: position(10), at },
        { timeline: 2, from: position(4), to: position(20), at: inFork },
      ],
      { 2: [[1, position(4, 400)]] },
    );
    expect(await plan(made, { kind: 'latest' })).toMatchObject({ timeline: 1 });
    await expect(plan(made, { kind: 'latest' }, { timeline: 2 })).rejects.toMatchObject({ code: 'wal-timeline-unknown' });
    await expect(plan(made, { kind: 'latest' }, { timeline: 9 })).rejects.toMatchObject({ code: 'wal-timeline-unknown' });
  });

  test('over two switches, one of them within a segment of its own', async () => {
    const made = await makeArchive(
      [
        { timeline: 1, from: position(3), to: position(6, 100), at },
        { timeline: 2, from: position(6), to: position(6, 900), at: inFork },
        { timeline: 3, from: position(6), to: position(9), at: (lsn) => new Date(inFork(lsn).getTime() + 60_000) },
      ],
      {
        2: [[1, position(6, 100)]],
        3: [
          [1, position(6, 100)],
          [2, position(6, 900)],
        ],
      },
    );
    const found = await plan(made, { kind: 'latest' });
    expect(found).toMatchObject({ timeline: 3, histories: [2, 3] });
    expect(namesOf(found)).toEqual([...named(1, 3, 4, 5), ...named(3, 6, 7, 8)]);
  });

  test('a base of the second timeline needs nothing of the first', async () => {
    const made = await failover();
    for (const number of [3, 4, 5, 6]) await made.archive.removeSegment(named(1, number)[0] ?? '');
    const found = await plan(
      made,
      { kind: 'latest' },
      { from: { lsn: position(8, 40), timeline: 2 }, baseEnd: { lsn: position(8, 200), timeline: 2, at: minute(9.1) } },
    );
    expect(namesOf(found)).toEqual(named(2, 8, 9));
  });
});

test('without any stored WAL a base can be recovered to its own end', async () => {
  const made = await makeArchive([]);
  expect(await plan(made, { kind: 'immediate' })).toMatchObject({
    timeline: 1,
    segments: [],
    newest: { lsn: base.baseEnd.lsn, at: base.baseEnd.at },
  });
  expect(await plan(made, { kind: 'latest' })).toMatchObject({ timeline: 1, segments: [] });
  await expect(plan(made, { kind: 'time', at: minute(5) })).rejects.toMatchObject({ code: 'wal-target-ahead' });
  expect(parseLsn('0/400000')).toBe(position(4));
});
