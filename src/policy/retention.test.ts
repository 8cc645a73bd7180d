import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';

import { isError } from '../errors.ts';
import { groupSnapshots, type GroupBy } from './group-snapshots.ts';
import { parseRetentionDuration } from './retention-duration.ts';
import { newestReason, planRetention, type RetentionPolicy, type RetentionSnapshot } from './retention.ts';

const now = new Date('2026-11-20T00:00:00Z');
const refused: unknown = expect.toSatisfy((error: unknown) => isError(error, 'usage'));

const count = z.number().optional();
const within = z.string().optional();
const policySchema = z.object({
  last: count,
  hourly: count,
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
  tags: z.array(z.array(z.string())).optional(),
  within,
  withinHourly: within,
  withinDaily: within,
  withinWeekly: within,
  withinMonthly: within,
  withinYearly: within,
});
const fixtureSchema = z.object({
  snapshots: z.array(z.object({ time: z.string(), host: z.string(), paths: z.array(z.string()), tags: z.array(z.string()).optional() })),
  cases: z.array(
    z.object({
      groupBy: z.string(),
      policy: policySchema,
      groups: z.number(),
      removed: z.number(),
      kept: z.array(z.tuple([z.number(), z.array(z.string())])),
    }),
  ),
});
const fixture = fixtureSchema.parse(JSON.parse(readFileSync(new URL('../../test/fixtures/retention/cases.json', import.meta.url), 'utf8')));
const fixtureSnapshots = fixture.snapshots.map(({ time, tags, ...rest }, index): RetentionSnapshot => ({
  ...rest,
  ...(tags ? { tags } : {}),
  id: String(index),
  time: new Date(time),
}));

/** zod's optional fields are `undefined` where they are absent; a policy has them not at all. */
function cleanPolicy(policy: z.output<typeof policySchema>): RetentionPolicy {
  const given: RetentionPolicy = Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
  return given;
}

function parseGroupBy(text: string): GroupBy {
  return { host: text.includes('host'), paths: text.includes('paths'), tags: text.includes('tags') };
}

describe('keeps what restic keeps, and why', () => {
  test.each(fixture.cases.map((entry) => [JSON.stringify(entry.policy), entry.groupBy, entry] as const))(
    '%s by "%s"',
    (_name, groupBy, entry) => {
      const policy = cleanPolicy(entry.policy);
      const groups = groupSnapshots(fixtureSnapshots, parseGroupBy(groupBy));
      expect(groups).toHaveLength(entry.groups);
      const plans = groups.map((group) => ({ group, plan: planRetention(group.snapshots, policy, now) }));
      const kept = plans.flatMap(({ plan }) => plan.keep);
      expect(kept.length + plans.flatMap(({ plan }) => plan.remove).length).toBe(fixtureSnapshots.length);

      /* The judge is restic 0.14: the rules below came to restic later, or are ours. They may only ever add the oldest and the newest of a group. */
      const beyond = kept.filter(({ reasons }) => reasons.every(isBeyond)).map(({ id }) => id);
      const ends = plans
        .flatMap(({ group }) => group.snapshots.toSorted((a, b) => a.time.getTime() - b.time.getTime()))
        .map(({ id }) => id);
      expect(ends).toEqual(expect.arrayContaining(beyond));
      expect(beyond.length).toBeLessThanOrEqual(2 * groups.length);
      const asRestic = kept
        .map(({ id, reasons }): [number, string[]] => [Number(id), reasons.filter((reason) => !isBeyond(reason))])
        .filter(([, reasons]) => reasons.length > 0)
        .toSorted(([a], [b]) => a - b);
      expect(asRestic).toEqual(entry.kept);
    },
  );

  function isBeyond(reason: string): boolean {
    return reason === newestReason || reason.startsWith('oldest ');
  }
});

function daily(length: number): RetentionSnapshot[] {
  return Array.from({ length }, (_, index) => ({ id: `day${index}`, time: new Date(Date.UTC(2026, 9, 31 - index, 12)) }));
}

describe('planRetention', () => {
  test('the newest stays though no rule keeps it (restic would remove it)', () => {
    const snapshots = daily(3).map((snapshot, index) => ({ ...snapshot, tags: index === 2 ? ['release'] : [] }));
    expect(planRetention(snapshots, { tags: [['release']] }, now)).toEqual({
      keep: [
        { id: 'day0', reasons: [newestReason] },
        { id: 'day2', reasons: ['has tags [release]'] },
      ],
      remove: ['day1'],
    });
  });

  test('a policy that keeps nothing is refused', () => {
    expect(() => planRetention(daily(3), { tags: [['no such tag']] }, now)).toThrow(refused);
    expect(planRetention([], { tags: [['no such tag']] }, now)).toEqual({ keep: [], remove: [] });
  });

  test.each([{}, { last: 0 }, { within: '' }, { daily: 0, within: '0d', tags: [] }])('the empty policy %j keeps all', (policy) => {
    expect(planRetention(daily(3), policy, now)).toEqual({
      keep: daily(3).map(({ id }) => ({ id, reasons: ['policy is empty'] })),
      remove: [],
    });
  });

  test('the oldest stays while there is room in its rule', () => {
    const snapshots = daily(40);
    const plan = planRetention(snapshots, { monthly: 3 }, now);
    expect(plan.keep).toEqual([
      { id: 'day0', reasons: ['monthly snapshot'] },
      { id: 'day31', reasons: ['monthly snapshot'] },
      { id: 'day39', reasons: ['oldest monthly snapshot'] },
    ]);
    expect(planRetention(snapshots, { monthly: 2 }, now).keep.map(({ id }) => id)).toEqual(['day0', 'day31']);
  });

  test.each([-1, 'unlimited'] as const)('%s keeps one of every day', (all) => {
    const snapshots = daily(400).flatMap(({ id, time }) => [
      { id, time },
      { id: `${id}-early`, time: new Date(time.getTime() - 3_600_000) },
    ]);
    const plan = planRetention(snapshots, { daily: all }, now);
    expect(plan.keep).toHaveLength(401);
    expect(plan.keep.at(-1)).toEqual({ id: 'day399-early', reasons: ['oldest daily snapshot'] });
  });

  test('a day is that of the place where the snapshot was made', () => {
    const snapshots = [
      { id: 'b', time: new Date('2026-10-02T00:30:00Z') },
      { id: 'a', time: new Date('2026-10-01T23:30:00Z') },
      { id: 'x', time: new Date('2026-09-01T00:00:00Z') },
    ];
    expect(planRetention(snapshots, { daily: 2 }, now).remove).toEqual(['x']);
    const inBerlin = snapshots.map((snapshot) => ({ ...snapshot, utcOffset: 120 }));
    expect(planRetention(inBerlin, { daily: 2 }, now).remove).toEqual(['a']);
  });

  test('a snapshot of the future does not age the others', () => {
    const snapshots = [...daily(3), { id: 'future', time: new Date('2030-01-01T00:00:00Z') }];
    expect(planRetention(snapshots, { within: '2d' }, now).remove).toEqual(['day2']);
    expect(planRetention([{ id: 'future', time: new Date('2030-01-01T00:00:00Z') }], { within: '1h' }, now).remove).toEqual([]);
  });

  test.each([{ last: -2 }, { daily: 1.5 }, { weekly: Number.NaN }, { within: '5' }, { withinDaily: '3w' }])('refuses %j', (policy) => {
    expect(() => planRetention(daily(2), policy, now)).toThrow(refused);
  });

  test('every snapshot is in the plan once, the newest always among those that stay', () => {
    const anySnapshots = fc
      .array(fc.date({ min: new Date(0), max: new Date(2e12), noInvalidDate: true }), { minLength: 1, maxLength: 60 })
      .map((times) => times.map((time, index): RetentionSnapshot => ({ id: String(index), time, tags: index % 9 === 8 ? ['t'] : [] })));
    const anyCount = fc.nat({ max: 12 });
    const anyPolicy = fc.record(
      {
        last: anyCount,
        hourly: anyCount,
        daily: anyCount,
        weekly: anyCount,
        monthly: anyCount,
        yearly: anyCount,
        within: fc.constantFrom('1d', '3m', '2y'),
        tags: fc.constant([['t']]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anySnapshots, anyPolicy, (snapshots, policy) => {
        let plan;
        try {
          plan = planRetention(snapshots, policy, now);
        } catch (error) {
          expect(error).toSatisfy((thrown: unknown) => isError(thrown, 'usage'));
          return;
        }
        const newest = Math.max(...snapshots.map(({ time }) => time.getTime()));
        expect([...plan.keep.map(({ id }) => id), ...plan.remove].toSorted()).toEqual(snapshots.map(({ id }) => id).toSorted());
        expect(plan.keep.map(({ id }) => snapshots[Number(id)]?.time.getTime())).toContain(newest);
      }),
    );
  });
});

test('groups are by what is asked for, whatever the order of tags and paths', () => {
  const snapshots = [
    { id: '1', time: now, host: 'a', paths: ['/x', '/y'], tags: ['t', 'u'] },
    { id: '2', time: now, host: 'b', paths: ['/y', '/x'], tags: ['u', 't'] },
    { id: '3', time: now, host: 'a', paths: ['/x'] },
  ];
  const ids = (by: GroupBy): string[] => groupSnapshots(snapshots, by).map((group) => group.snapshots.map(({ id }) => id).join());
  expect(ids({})).toEqual(['1,2,3']);
  expect(ids({ host: true })).toEqual(['1,3', '2']);
  expect(ids({ paths: true })).toEqual(['1,2', '3']);
  expect(ids({ tags: true })).toEqual(['1,2', '3']);
  expect(ids({ host: true, paths: true })).toEqual(['1', '2', '3']);
  expect(groupSnapshots(snapshots, { host: true, paths: true })[1]?.key).toEqual({ host: 'b', paths: ['/x', '/y'] });
});

test('durations are numbers with units', () => {
  expect(parseRetentionDuration(' 1y5m7d2h ')).toEqual({ years: 1, months: 5, days: 7, hours: 2 });
  expect(parseRetentionDuration('2h1y')).toEqual({ years: 1, months: 0, days: 0, hours: 2 });
  expect(parseRetentionDuration('')).toEqual({ years: 0, months: 0, days: 0, hours: 0 });
  for (const text of ['5', 'd', '-1d', '1w', '1.5d', '1 d', '999999y', '1d5']) expect(() => parseRetentionDuration(text)).toThrow(refused);
});
