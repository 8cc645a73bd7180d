import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capture } from './anomaly.ts';
import { judgeHistory } from './judge-history.ts';

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1, 1);

/** Numbers that look like noise, the same for a seed: mulberry32, and a sum of twelve for the bell. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  const even = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, even).reduce((sum, each) => sum + each, -6);
}

interface World {
  readonly seed: number;
  readonly days: number;
  /** Share a day. */
  readonly growth: number;
  /** How much more there is on a working day. */
  readonly weekly: number;
  readonly noise: number;
  /** Days between captures. */
  readonly every: number;
}

/** A system that grows, rests on weekends, and is a little different every day. */
function live({ seed, days, growth, weekly, noise, every }: World): Capture[] {
  const chance = chanceOf(seed);
  return Array.from({ length: Math.floor(days / every) }, (_, index) => {
    const today = index * every;
    const at = new Date(start + today * day + chance() * 600_000);
    const isWeekend = [0, 6].includes(at.getUTCDay());
    const level = (size: number): number =>
      Math.round(size * (1 + growth) ** today * (isWeekend ? 1 - weekly : 1) * Math.exp(noise * chance()));
    const flow = (size: number): number => size * (isWeekend ? 0.4 : 1) * Math.exp(0.15 * chance());
    return {
      at,
      bytes: level(5e9),
      files: level(20_000),
      rows: { users: Math.round(900 * (1 + growth) ** today), invoices: level(50_000), audit: level(2_000_000), flags: 3 },
      seconds: flow(180),
      entropy: 5.5 + 0.2 * chance(),
      churn: Math.min(1, flow(0.02)),
    };
  });
}

const calm: World = { seed: 7, days: 120, growth: 0.003, weekly: 0.1, noise: 0.03, every: 1 };

/** The last capture of a calm system, changed. */
function judge(change: (capture: Capture) => Partial<Capture>, world: Partial<World> = {}) {
  const all = live({ ...calm, ...world });
  const last = all.at(-1);
  if (last === undefined) throw new Error('a world has a day');
  return judgeHistory(all.slice(0, -1), { ...last, ...change(last) });
}

test('a year of growth, weekends and noise is silent, from the first day on', () => {
  const anyWorld = fc.record({
    seed: fc.integer(),
    days: fc.constant(366),
    growth: fc.constantFrom(0, 0.001, 0.01),
    weekly: fc.constantFrom(0, 0.1, 0.15),
    noise: fc.constantFrom(0, 0.01, 0.04),
    every: fc.constantFrom(1, 1, 7, 0.5),
  });
  fc.assert(
    fc.property(anyWorld, (world) => {
      const all = live(world);
      for (const [index, capture] of all.entries()) {
        if (index % 5 !== 0 && index > 60) continue;
        const { anomalies } = judgeHistory(all.slice(Math.max(0, index - 140), index), capture);
        expect(anomalies).toEqual([]);
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);

describe('is found', () => {
  const halve = (rows: Readonly<Record<string, number>> | undefined, table: string) => ({
    rows: { ...rows, [table]: Math.round((rows?.[table] ?? 0) / 2) },
  });

  test.each([5, 9, 40, 120])('a halved table after %d days, however small beside the others', (days) => {
    const { verdict, anomalies } = judge(({ rows }) => halve(rows, 'invoices'), { days });
    expect(verdict).toBe('shrunk');
    expect(anomalies).toMatchObject([{ metric: 'rows', table: 'invoices', change: 'shrunk', severity: 'warning' }]);
    expect(anomalies[0]?.sentence).toMatch(/^invoices had [4567]\d,\d{3} rows, now [23]\d,\d{3}$/);
  });

  test('a halved table in any such year', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 30, max: 200 }), fc.constantFrom(0, 0.1), (seed, days, weekly) => {
        expect(judge(({ rows }) => halve(rows, 'invoices'), { seed, days, weekly }).verdict).toBe('shrunk');
      }),
      { numRuns: 40 },
    );
  });

  test('an emptied table, and one that is gone', () => {
    expect(judge(({ rows }) => ({ rows: { ...rows, users: 0 } })).anomalies).toMatchObject([
      { table: 'users', severity: 'critical', value: 0 },
    ]);
    const dropUsers = (rows: Readonly<Record<string, number>> = {}) =>
      Object.fromEntries(Object.entries(rows).filter(([table]) => table !== 'users'));
    expect(judge(({ rows }) => ({ rows: dropUsers(rows) })).anomalies).toMatchObject([{ table: 'users', value: 0 }]);
  });

  test('an emptied folder of uploads, on the second day already', () => {
    for (const days of [2, 120]) {
      const { verdict, anomalies } = judge(() => ({ files: 0, bytes: 0 }), { days });
      expect(verdict).toBe('shrunk');
      expect(anomalies.map(({ metric, severity }) => [metric, severity])).toEqual([
        ['bytes', 'critical'],
        ['files', 'critical'],
      ]);
    }
  });

  test('files that were encrypted: much has changed, and cannot be compressed', () => {
    const { verdict, anomalies } = judge(() => ({ entropy: 7.99, churn: 0.95 }));
    expect(verdict).toBe('shrunk');
    expect(anomalies).toMatchObject([{ metric: 'entropy', severity: 'critical', isLoss: true }]);
    expect(anomalies[0]?.sentence).toMatch(
      /^new content has 8\.0 bits a byte, about 5\.\d were expected, and 95 % changed.*as if files had been encrypted$/,
    );
    expect(judge(() => ({ entropy: 7.99 })).anomalies).toMatchObject([{ metric: 'entropy', severity: 'info' }]);
  });

  test('five times the time', () => {
    expect(judge(({ seconds = 0 }) => ({ seconds: 5 * seconds })).anomalies).toMatchObject([
      { metric: 'seconds', change: 'grew', severity: 'warning' },
    ]);
  });

  test('ten times the data, as a remark', () => {
    expect(judge(({ bytes = 0 }) => ({ bytes: 10 * bytes }))).toMatchObject({
      verdict: 'odd',
      anomalies: [{ metric: 'bytes', severity: 'info' }],
    });
  });
});

describe('what was lost is told', () => {
  const all = live({ ...calm, days: 200 });
  const losing = (from: number, table: string, left: (index: number) => number): Capture[] =>
    all.map((capture, index) => (index < from ? capture : { ...capture, rows: { ...capture.rows, [table]: left(index - from) } }));
  const judgeAt = (world: readonly Capture[], index: number, accepted: Parameters<typeof judgeHistory>[2] = []) => {
    const current = world[index];
    if (current === undefined) throw new Error('there is no such day');
    return judgeHistory(world.slice(0, index), current, accepted);
  };

  test.each([100, 101, 130, 180])('until it is accepted: on day %d', (index) => {
    const world = losing(100, 'invoices', (days) => 10 * days);
    expect(judgeAt(world, 99).anomalies).toEqual([]);
    const { verdict, anomalies } = judgeAt(world, index);
    expect(verdict).toBe('shrunk');
    expect(anomalies).toMatchObject([{ table: 'invoices', severity: 'critical', isLoss: true, lastGood: world[99]?.at }]);
    const at = world[index]?.at ?? new Date(start);
    expect(judgeAt(world, index, [{ metric: 'rows', table: 'invoices', at }]).anomalies).toEqual([]);
    expect(judgeAt(world, index + 10, [{ metric: 'rows', table: 'invoices', at }]).anomalies).toEqual([]);
    // Of another table it says nothing, nor of what is lost later.
    expect(judgeAt(world, index, [{ metric: 'rows', table: 'users', at }]).verdict).toBe('shrunk');
  });

  test('until it is back', () => {
    const world = losing(100, 'invoices', (days) => (days < 5 ? 0 : 60_000));
    expect(judgeAt(world, 104).verdict).toBe('shrunk');
    expect(judgeAt(world, 105).anomalies).toEqual([]);
  });

  test('a table that was accepted, and is lost again', () => {
    const world = losing(100, 'invoices', (days) => (days < 40 ? 20_000 : 0));
    const at = world[101]?.at ?? new Date(start);
    expect(judgeAt(world, 139, [{ metric: 'rows', table: 'invoices', at }]).anomalies).toEqual([]);
    expect(judgeAt(world, 140, [{ metric: 'rows', table: 'invoices', at }]).anomalies).toMatchObject([
      { table: 'invoices', sentence: 'invoices had 20,000 rows, now 0' },
    ]);
  });

  test('encrypted files, for weeks', () => {
    const world = all.map((capture, index) => (index === 100 ? { ...capture, entropy: 7.98, churn: 0.9, renamed: 1 } : capture));
    expect(judgeAt(world, 100).anomalies[0]?.sentence).toContain('100 % of the files have other names: as if files had been encrypted');
    expect(judgeAt(world, 130)).toMatchObject({ verdict: 'shrunk', anomalies: [{ metric: 'entropy', since: world[100]?.at }] });
    const at = world[130]?.at ?? new Date(start);
    expect(judgeAt(world, 131, [{ metric: 'entropy', at }]).anomalies).toEqual([]);
  });

  test('with backups every few minutes, on the first day', () => {
    const minute = (index: number, users: number): Capture => ({ at: new Date(start + index * 60_000), rows: { users } });
    const history = [minute(0, 500), minute(1, 510), minute(2, 0), minute(3, 0), minute(4, 0)];
    expect(judgeHistory(history, minute(5, 0)).anomalies).toMatchObject([{ table: 'users', value: 0, since: history[2]?.at }]);
  });
});

describe('tables that are emptied as a matter of course', () => {
  const chance = chanceOf(11);
  const year = Array.from({ length: 366 }, (_, day): Capture => {
    const at = new Date(start + day * 86_400_000);
    return {
      at,
      rows: {
        ...live({ ...calm, days: 1 })[0]?.rows,
        sessions: Math.round(Math.exp(6 + 0.5 * chance())),
        jobs: chance() > 0 ? 0 : Math.round(50 * Math.abs(chance())),
        weekly_log: 1000 * (day % 7),
        [`audit_${Math.floor(day / 30)}`]: 1000 * (1 + (day % 30)),
        ...(day < 30 ? {} : { [`audit_${Math.floor(day / 30) - 1}`]: 30_000 }),
        ...(day < 200 ? { old_name: 700 + day } : { new_name: 700 + day }),
      },
    };
  });

  test('are silent once it has been seen, and so are tables made by the month, and one that was renamed', () => {
    const alarms = year.flatMap((capture, index) =>
      judgeHistory(year.slice(0, index), capture).anomalies.flatMap(({ table, severity }) =>
        severity === 'info' ? [] : [`${index} ${table}`],
      ),
    );
    // What is truncated for the first times cannot be told from a loss.
    expect(alarms.filter((alarm) => Number(alarm.split(' ')[0]) > 21)).toEqual([]);
    expect(alarms.filter((alarm) => !/ (?:weekly_log|jobs)$/.test(alarm))).toEqual([]);
  });
});

describe('is not', () => {
  test('a capture with none before it', () => {
    expect(judgeHistory([], { at: new Date(start), bytes: 0 })).toEqual({ verdict: 'unknown', anomalies: [] });
  });

  test('a weekend of something that hardly lives on weekends', () => {
    const history = Array.from({ length: 60 }, (_, index) => {
      const at = new Date(start + index * day);
      return { at, bytes: [0, 6].includes(at.getUTCDay()) ? 1e8 : 1e9 };
    });
    for (let index = 29; index < 60; index += 1) {
      const [current, before] = [history[index], history.slice(0, index)];
      if (current !== undefined) expect(judgeHistory(before, current).anomalies).toEqual([]);
    }
  });

  test('a table that is sometimes large and sometimes empty', () => {
    const chance = chanceOf(3);
    const history = Array.from({ length: 60 }, (_, index) => ({
      at: new Date(start + index * day),
      rows: { sessions: Math.round(Math.exp(5 + 2 * chance())) },
    }));
    expect(judgeHistory(history, { at: new Date(start + 60 * day), rows: { sessions: 30 } }).anomalies).toEqual([]);
  });

  test('a handful more or less, or a few seconds', () => {
    const history = Array.from({ length: 60 }, (_, index) => ({
      at: new Date(start + index * day),
      files: 5,
      rows: { flags: 8 },
      seconds: 2,
    }));
    expect(judgeHistory(history, { at: new Date(start + 60 * day), files: 1, rows: { flags: 0 }, seconds: 14 }).anomalies).toEqual([]);
  });

  test('what somebody accepted', () => {
    const all = live({ ...calm, days: 100 });
    const purged = all.map((capture, index) => (index < 90 ? capture : { ...capture, rows: { ...capture.rows, audit: 100_000 } }));
    const [current, history] = [purged[95], purged.slice(0, 95)];
    if (current === undefined) throw new Error('there are a hundred days');
    const rows = { ...current.rows, audit: 40_000 };
    expect(judgeHistory(history, { ...current, rows }).verdict).toBe('shrunk');
    const at = purged[90]?.at ?? current.at;
    expect(judgeHistory(history, current, [{ metric: 'rows', table: 'audit', at }]).anomalies).toEqual([]);
  });
});
