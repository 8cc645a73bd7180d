import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countDue, decideDue, jitterOf, lastDue, nextDue, nextStart, type Schedule, type ScheduledJob } from './schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const at = (text: string): Date => new Date(text);

/** The due times of a schedule between two moments. */
function dueBetween(schedule: Schedule, from: Date, to: Date): Date[] {
  const found: Date[] = [];
  for (let next = nextDue(schedule, from); next !== undefined && next <= to; next = nextDue(schedule, next)) found.push(next);
  return found;
}

function job(more: Partial<ScheduledJob>): ScheduledJob {
  const added = at('2026-01-01T00:00:00Z');
  return { id: 'a', kind: 'backup', schedule: { cron: '0 2 * * *', timezone: 'UTC' }, added, running: false, ...more };
}

describe('daylight saving', () => {
  test.each([
    [
      'a time that does not exist, once, when the clock has moved on',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:00:00Z',
    ],
    ['the next day as ever', '30 2 * * *', 'Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['a time that exists twice, the first time', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['and not again', '30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['a list of hours is fixed too', '30 2,14 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T13:30:00Z'],
    ['every hour is every hour that passes', '30 * * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    ['half an hour of difference', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z', '2026-10-03T15:30:00Z'],
    ['midnight that does not exist', '0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00:00Z', '2026-04-23T22:00:00Z'],
  ])('%s', (_, cron, timezone, after, due) => {
    expect(nextDue({ cron, timezone }, at(after))).toEqual(at(due));
  });

  test('a daily time is due once on every day of every zone', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'America/Santiago',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
      'UTC',
      'Pacific/Apia',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 2020, max: 2035 }),
        fc.integer({ min: 0, max: 1439 }),
        (timezone, year, minuteOfDay) => {
          const schedule = { cron: `${minuteOfDay % 60} ${Math.floor(minuteOfDay / 60)} * * *`, timezone };
          const dues = dueBetween(schedule, new Date(Date.UTC(year, 0, 3)), new Date(Date.UTC(year + 1, 0, 3)));
          const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short' });
          const days = dues.map((due) => format.format(due));
          expect(new Set(days).size).toBe(days.length);
          const span = (Date.parse(days.at(-1) ?? '') - Date.parse(days[0] ?? '')) / day;
          expect(days.length).toBe(span + 1);
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
});

const anySchedule: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({
    cron: fc.constantFrom(
      '0 2 * * *',
      '30 2 * * 0',
      '*/15 * * * *',
      '0 5 1 * *',
      '0 0 29 2 *',
      '15 1,13 * * 1-5',
      '0 0 1 1,7 *',
      '0 0 13 * 5',
      '59 23 31 12 *',
    ),
    timezone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'),
  }),
  fc.record({ everyMs: fc.constantFrom(minute, 7 * minute, 6 * hour, 2 * day) }),
  fc.constant({ onChange: true as const }),
);
const anyMoment = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2034, 0, 1) }).map((time) => new Date(time));

test('what is due last and next are neighbours, wherever one asks from', () => {
  fc.assert(
    fc.property(anySchedule, anyMoment, (schedule, now) => {
      const [last, next] = [lastDue(schedule, now), nextDue(schedule, now)];
      if (last === undefined || next === undefined) throw new Error('there is always one');
      expect(last.getTime()).toBeLessThanOrEqual(now.getTime());
      expect(next.getTime()).toBeGreaterThan(now.getTime());
      expect(nextDue(schedule, last)).toEqual(next);
      expect(nextDue(schedule, new Date(last.getTime() - 1))).toEqual(last);
      expect(lastDue(schedule, next)).toEqual(next);
      expect(countDue(schedule, last, next)).toBe(1);
    }),
    { numRuns: 120 },
  );
}, 60_000);

test('a day that never comes again has a last time, and one that is years away has none', () => {
  expect(lastDue({ cron: '0 0 29 2 *', timezone: 'UTC' }, at('2027-06-01T00:00:00Z'))).toEqual(at('2024-02-29T00:00:00Z'));
  expect(nextDue({ everyMs: 6 * hour }, at('2026-05-05T06:00:00Z'))).toEqual(at('2026-05-05T12:00:00Z'));
});

describe('what is due now', () => {
  test('a due time that came, not one from before the schedule was there', () => {
    expect(decideDue([job({})], at('2026-01-01T01:59:59Z'))).toEqual([]);
    expect(decideDue([job({})], at('2026-01-01T02:00:00Z'))).toEqual([
      { id: 'a', kind: 'backup', due: at('2026-01-01T02:00:00Z'), missed: 0 },
    ]);
    expect(decideDue([job({ added: at('2026-01-01T02:00:00Z') })], at('2026-01-01T03:00:00Z'))).toEqual([]);
  });

  test('not one that was served, nor one whose job still runs', () => {
    const now = at('2026-01-05T02:10:00Z');
    expect(decideDue([job({ lastDueRun: at('2026-01-05T02:00:00Z') })], now)).toEqual([]);
    expect(decideDue([job({ lastDueRun: at('2026-01-04T02:00:00Z'), running: true })], now)).toEqual([]);
  });

  test('after days without power once, with the number of those that were missed', () => {
    const now = at('2026-01-05T12:00:00Z');
    expect(decideDue([job({ lastDueRun: at('2026-01-01T02:00:00Z') })], now)).toEqual([
      { id: 'a', kind: 'backup', due: at('2026-01-05T02:00:00Z'), missed: 3 },
    ]);
  });

  test('without catching up, only what is fresh', () => {
    const schedule = { cron: '0 2 * * *', timezone: 'UTC', catchUp: false };
    expect(decideDue([job({ schedule })], at('2026-01-05T02:04:00Z'))).toHaveLength(1);
    expect(decideDue([job({ schedule })], at('2026-01-05T02:06:00Z'))).toEqual([]);
    expect(nextStart(job({ schedule }), at('2026-01-05T02:06:00Z'))).toEqual(at('2026-01-06T02:00:00Z'));
  });

  test('restores before backups before archives before drills before maintenance; then by priority and due time', () => {
    const schedule = { cron: '0 2 * * *', timezone: 'UTC' };
    const jobs = [
      job({ id: 'check', kind: 'check', schedule }),
      job({ id: 'prune', kind: 'prune', schedule }),
      job({ id: 'drill', kind: 'drill', schedule }),
      job({ id: 'archive', kind: 'archive', schedule }),
      job({ id: 'copy', kind: 'copy', schedule }),
      job({ id: 'later', kind: 'backup', schedule, priority: 1 }),
      job({ id: 'half', kind: 'backup', schedule: { cron: '30 2 * * *', timezone: 'UTC' } }),
      job({ id: 'b', kind: 'backup', schedule }),
      job({ id: 'a', kind: 'backup', schedule }),
      job({ id: 'restore', kind: 'restore', schedule }),
    ];
    const ids = decideDue(jobs, at('2026-01-01T03:00:00Z')).map(({ id }) => id);
    expect(ids).toEqual(['restore', 'a', 'b', 'half', 'later', 'copy', 'archive', 'drill', 'prune', 'check']);
  });

  test('a share of the jitter later, which is the same for a job and differs between jobs', () => {
    const schedule = { cron: '0 2 * * *', timezone: 'UTC', jitterMs: hour };
    const shares = Array.from({ length: 200 }, (_, index) => jitterOf(`job-${index}`, schedule));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThan(hour);
    expect(new Set(shares).size).toBeGreaterThan(190);
    const start = Date.UTC(2026, 0, 1, 2) + jitterOf('a', schedule);
    expect(decideDue([job({ schedule })], new Date(start - 1))).toEqual([]);
    expect(decideDue([job({ schedule })], new Date(start))).toMatchObject([{ due: at('2026-01-01T02:00:00Z') }]);
    expect(nextStart(job({ schedule }), at('2026-01-01T00:00:00Z'))).toEqual(new Date(start));
  });
});

describe('a clock that jumps', () => {
  const served = at('2026-05-10T02:00:00Z');

  test('back by hours: nothing twice', () => {
    for (const now of ['2026-05-10T01:30:00Z', '2026-05-10T02:00:00Z', '2026-05-10T02:30:00Z', '2026-05-09T03:00:00Z'])
      expect(decideDue([job({ lastDueRun: served })], at(now))).toEqual([]);
    expect(decideDue([job({ lastDueRun: served })], at('2026-05-11T02:00:00Z'))).toHaveLength(1);
  });

  test('forward by days: once', () => {
    expect(decideDue([job({ lastDueRun: served })], at('2026-05-20T12:00:00Z'))).toMatchObject([
      { due: at('2026-05-20T02:00:00Z'), missed: 9 },
    ]);
  });

  test('back from years ahead: later runs are not lost', () => {
    const ahead = job({ lastDueRun: at('2099-01-01T02:00:00Z'), added: at('2026-01-01T00:00:00Z') });
    expect(decideDue([ahead], at('2026-05-10T12:00:00Z'))).toEqual([]);
    expect(decideDue([ahead], at('2026-05-11T02:00:30Z'))).toMatchObject([{ due: at('2026-05-11T02:00:00Z'), missed: 0 }]);
    expect(nextStart(ahead, at('2026-05-10T12:00:00Z'))).toEqual(at('2026-05-11T02:00:00Z'));
  });
});

test('in years of outages and reboots every due time is served once or told as missed, and none twice', () => {
  const events = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 * day }), runs: fc.integer({ min: 0, max: 2 * hour }) }), {
    minLength: 20,
    maxLength: 80,
  });
  fc.assert(
    fc.property(anySchedule, anyMoment, events, fc.integer({ min: 0, max: 2 * hour }), (timing, began, steps, jitterMs) => {
      const schedule = { ...timing, jitterMs };
      let [now, lastDueRun, missed]: [number, Date | undefined, number] = [began.getTime(), undefined, 0];
      const served: number[] = [];
      for (const { gap, runs } of steps) {
        now += gap;
        const [due] = decideDue([job({ schedule, added: began, ...(lastDueRun === undefined ? {} : { lastDueRun }) })], new Date(now));
        if (due === undefined) continue;
        served.push(due.due.getTime());
        missed += due.missed;
        lastDueRun = due.due;
        now += runs;
      }
      expect(served).toEqual([...new Set(served)].toSorted((a, b) => a - b));
      const until = new Date(now);
      const all = lastDueRun === undefined ? 0 : countDue(schedule, began, lastDueRun, Infinity);
      if (missed < 1000) expect(served.length + missed).toBe(all);
      expect(lastDueRun === undefined || lastDueRun <= until).toBe(true);
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('a job may start exactly when it says so', () => {
  fc.assert(
    fc.property(anySchedule, anyMoment, fc.integer({ min: 0, max: 3 * hour }), fc.boolean(), (timing, now, jitterMs, catchUp) => {
      const one = job({ schedule: { ...timing, jitterMs, catchUp }, added: now });
      const start = nextStart(one, now);
      if (start === undefined) return;
      expect(decideDue([one], start)).toHaveLength(1);
      expect(decideDue([one], new Date(start.getTime() - 1))).toEqual([]);
    }),
    { numRuns: 120 },
  );
}, 60_000);
