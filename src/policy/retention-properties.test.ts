/** What holds of every history and every policy. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isError } from '../errors.ts';
import { futureReason, planRetention, type RetentionPlan, type RetentionPolicy, type RetentionSnapshot } from './retention.ts';

const start = Date.UTC(2024, 0, 1);
const now = new Date(start + 1000 * 86_400_000);

/** Histories of three years in one zone: several points in a second, hours apart, gaps of months, partial ones, and some of the future. */
const anyHistory = fc
  .tuple(
    fc.constantFrom(-300, 0, 60, 345),
    fc.array(
      fc.record({
        seconds: fc.oneof(
          fc.nat({ max: 1000 * 86_400 }),
          fc.nat({ max: 40 }).map((day) => day * 86_400 + 7200),
          fc.nat({ max: 1300 * 86_400 }),
        ),
        isPartial: fc.boolean(),
        tags: fc.constantFrom([], ['keep']),
      }),
      { minLength: 1, maxLength: 80 },
    ),
  )
  .map(([utcOffset, points]) =>
    points.map(({ seconds, ...rest }, index): RetentionSnapshot => ({
      id: String(index),
      time: new Date(start + seconds * 1000),
      utcOffset,
      ...rest,
    })),
  );

const anyCount = fc.oneof(fc.nat({ max: 12 }), fc.constant('unlimited' as const));
const anyWithin = fc.constantFrom('1d', '10d', '3m', '2y', '7d12h');
const anyPolicy: fc.Arbitrary<RetentionPolicy> = fc.record(
  {
    last: anyCount,
    hourly: anyCount,
    daily: anyCount,
    weekly: anyCount,
    monthly: anyCount,
    yearly: anyCount,
    within: anyWithin,
    withinDaily: anyWithin,
    withinMonthly: anyWithin,
    tags: fc.constant([['keep']]),
  },
  { requiredKeys: [] },
);

/** The plan, or undefined for a policy that is refused since it would keep nothing. */
function plan(history: readonly RetentionSnapshot[], policy: RetentionPolicy, at = now): RetentionPlan | undefined {
  try {
    return planRetention(history, policy, at);
  } catch (error) {
    expect(error).toSatisfy((thrown) => isError(thrown, 'usage'));
    return undefined;
  }
}

const idsOf = (of: RetentionPlan | undefined): Set<string> => new Set(of?.keep.map(({ id }) => id));
const isPast = ({ time }: RetentionSnapshot): boolean => time <= now;
const isWhole = ({ isPartial }: RetentionSnapshot): boolean => isPartial !== true;
const newestTime = (of: readonly RetentionSnapshot[]): number => Math.max(...of.map(({ time }) => time.getTime()));
const runs = { numRuns: 400 };

test('everything is in the plan once; the newest, the newest whole one and what is of the future stay', () => {
  fc.assert(
    fc.property(anyHistory, anyPolicy, (history, policy) => {
      const planned = plan(history, policy);
      if (planned === undefined) return;
      expect([...planned.keep.map(({ id }) => id), ...planned.remove].toSorted()).toEqual(history.map(({ id }) => id).toSorted());
      const kept = history.filter(({ id }) => idsOf(planned).has(id));
      const past = history.filter(isPast);
      for (const wanted of [past, past.filter(isWhole)])
        if (wanted.length > 0)
          expect(kept.filter((each) => wanted.includes(each)).map(({ time }) => time.getTime())).toContain(newestTime(wanted));
      expect(kept).toEqual(expect.arrayContaining(history.filter((each) => !isPast(each))));
    }),
    runs,
  );
});

test('planned again, what stays all stays', () => {
  fc.assert(
    fc.property(anyHistory, anyPolicy, (history, policy) => {
      const kept = idsOf(plan(history, policy));
      const again = plan(
        history.filter(({ id }) => kept.has(id)),
        policy,
      );
      expect(again?.remove ?? []).toEqual([]);
    }),
    runs,
  );
});

test('what went is not wanted back later, so seldom pruning leaves what daily pruning does', () => {
  fc.assert(
    fc.property(anyHistory, anyPolicy, fc.nat({ max: 1000 }), (history, policy, day) => {
      const earlier = new Date(start + day * 86_400_000);
      const past = history.filter(isPast);
      const before = plan(
        past.filter(({ time }) => time <= earlier),
        policy,
        earlier,
      );
      const after = plan(past, policy);
      if (before === undefined || after === undefined) return;
      expect(after.remove).toEqual(expect.arrayContaining([...before.remove]));
      const left = plan(
        past.filter(({ id }) => !before.remove.includes(id)),
        policy,
      );
      expect(left?.keep.map(({ id }) => id)).toEqual(after.keep.map(({ id }) => id));
    }),
    runs,
  );
});

test('a longer policy keeps all whole ones that a shorter one keeps', () => {
  fc.assert(
    fc.property(
      anyHistory,
      anyPolicy,
      fc.constantFrom('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'),
      fc.integer({ min: 1, max: 9 }),
      (history, policy, rule, more) => {
        const count = policy[rule] ?? 0;
        const longer = plan(history, { ...policy, [rule]: typeof count === 'number' ? count + more : count });
        const shorter = plan(history, policy);
        // The empty policy keeps all.
        if (shorter === undefined || longer === undefined || shorter.keep.every(({ reasons }) => reasons.includes('policy is empty')))
          return;
        const whole = history.filter(isWhole).map(({ id }) => id);
        expect([...idsOf(longer)]).toEqual(expect.arrayContaining(whole.filter((id) => idsOf(shorter).has(id))));
      },
    ),
    runs,
  );
});

test('partial ones and those of the future never push a whole one out', () => {
  fc.assert(
    fc.property(anyHistory, anyPolicy, (history, policy) => {
      const good = history.filter((each) => isWhole(each) && isPast(each));
      const [withAll, alone] = [plan(history, policy), plan(good, policy)];
      if (withAll === undefined || alone === undefined) return;
      // But for the oldest there is: that stays where a rule has room, and another one may be older now.
      const ruled = alone.keep.map(({ id }) => id);
      expect([...idsOf(withAll)]).toEqual(expect.arrayContaining(ruled));
    }),
    runs,
  );
});

test('a partial one stays only where its hour, day, … has no whole one', () => {
  const snapshot = (id: string, day: number, hour: number, isPartial = false): RetentionSnapshot => ({
    id,
    time: new Date(Date.UTC(2026, 5, day, hour)),
    isPartial,
  });
  const history = [
    snapshot('a', 1, 2),
    snapshot('b', 2, 2),
    snapshot('b-partial', 2, 9, true),
    snapshot('c-partial', 3, 2, true),
    snapshot('d', 4, 2),
    snapshot('e-partial', 5, 2, true),
  ];
  const at = new Date(Date.UTC(2026, 5, 6));
  expect(planRetention(history, { daily: 2 }, at)).toEqual({
    keep: [
      { id: 'e-partial', reasons: ['daily snapshot'] },
      { id: 'd', reasons: ['daily snapshot'] },
      { id: 'c-partial', reasons: ['daily snapshot'] },
      { id: 'b', reasons: ['daily snapshot'] },
    ],
    remove: ['b-partial', 'a'],
  });
  expect(planRetention(history, { last: 3 }, at).keep.map(({ id }) => id)).toEqual(['e-partial', 'd', 'b', 'a']);
  expect(planRetention(history, { within: '1d' }, at).keep.map(({ id }) => id)).toEqual(['e-partial', 'd']);
});

test('a clock that was years ahead changes nothing for the rest', () => {
  const real = Array.from({ length: 40 }, (_, day): RetentionSnapshot => ({
    id: `r${day}`,
    time: new Date(Date.UTC(2026, 5, 1 + day, 2)),
  }));
  const ahead = Array.from({ length: 40 }, (_, day): RetentionSnapshot => ({
    id: `f${day}`,
    time: new Date(Date.UTC(2036, 5, 1 + day, 2)),
  }));
  const at = new Date(Date.UTC(2026, 6, 11));
  const planned = planRetention([...ahead, ...real], { daily: 7, monthly: 2 }, at);
  const alone = planRetention(real, { daily: 7, monthly: 2 }, at);
  expect(planned.remove).toEqual(alone.remove);
  expect(planned.keep.filter(({ id }) => id.startsWith('f')).every(({ reasons }) => reasons.includes(futureReason))).toBe(true);
});
