/** How much there is, beside how much there was: bytes, files, rows of all tables and of each. Pure. */
import type { AcceptedMoments, Anomaly, AnomalySubject, Capture } from './anomaly.ts';
import { daysBetween, expectToday, thinOut, type Expectation, type Past } from './expectation.ts';
import { tableLevels } from './table-levels.ts';

type LevelMetric = 'bytes' | 'files' | 'rows';

interface Sample {
  readonly at: Date;
  readonly value: number;
}

interface Level extends AnomalySubject {
  readonly metric: LevelMetric;
  readonly now: Sample;
  /** The oldest first. */
  readonly past: readonly Sample[];
  /** The table is not there any more. */
  readonly isGone?: boolean;
}

/** Losing less than this is not worth a word. */
const leastLoss = { bytes: 64 * 1024, files: 10, rows: 20 } as const;
/** But a table that always had as many rows as this, and has none. */
const leastEmptied = 10;
/** Of what was expected: below it is odd, ... */
const oddShare = 0.7;
/** ... and below this, or where there is little history below this share of the least that was ever there, much is missing. */
const shrunkShare = 0.6;
/** Of 100 bytes no 10 are left. */
const emptyShare = 0.1;
const grownTimes = 2.5;
/** How many standard deviations a number may stray. */
const tolerance = 6;
/** Where there is little history: falls of so many times the largest that was seen. */
const usualFalls = 1.5;
/** What was as low before, so many times, and came back each time, is emptied now and then. */
const usualDips = 2;

/** @param known captures before the current one, the oldest first */
export function judgeLevels(known: readonly Capture[], current: Capture, acceptedAt: AcceptedMoments): Anomaly[] {
  const simple = (metric: LevelMetric, read: (capture: Capture) => number | undefined): Level[] => {
    const value = read(current);
    if (value === undefined) return [];
    const past = known.flatMap((each) => {
      const then = read(each);
      return then === undefined ? [] : [{ at: each.at, value: then }];
    });
    return [{ metric, now: { at: current.at, value }, past }];
  };
  const levels: Level[] = [
    ...simple('bytes', ({ bytes }) => bytes),
    ...simple('files', ({ files }) => files),
    ...simple('rows', ({ rows }) => (rows === undefined ? undefined : Object.values(rows).reduce((sum, count) => sum + count, 0))),
    ...tableLevels(known, current).map((level): Level => ({ metric: 'rows', ...level })),
  ];
  return levels.flatMap((level) => judgeLevel(level, acceptedAt(level)));
}

function judgeLevel(level: Level, accepted: Date | undefined): Anomaly[] {
  const past = accepted === undefined ? level.past : level.past.filter(({ at }) => at >= accepted);
  const last = past.at(-1);
  if (last === undefined) return [];
  return [...findLoss(level, past), ...findGrowth(level, past, last)];
}

/**
 * What has been as low as now since some capture was lost then: it is judged by what there was before that, so that a loss does not become usual by
 * being there for a day.
 */
function findLoss(level: Level, past: readonly Sample[]): Anomaly[] {
  const { now } = level;
  const low = Math.max(now.value / oddShare, now.value + floorOf(level, now.value) - 1);
  const before = past.findLastIndex(({ value }) => value > low);
  // Most of what there is has never been higher: it needs no arithmetic.
  if (before < 0) return [];
  const first = past[before + 1] ?? now;
  const history = past.slice(0, before + 1);
  if (countDips(history, low) >= usualDips) return [];
  const expected = lossOf(level, history, first.at, now.value);
  // What fell little by little was never lost: the fall itself must have been one.
  if (expected === undefined || lossOf(level, history, first.at, first.value) === undefined) return [];
  const [lastGood] = history.slice(-1);
  return lastGood === undefined ? [] : [describeLoss(level, lastGood, expected, first.at)];
}

/** How often it was as low and came back. */
function countDips(history: readonly Sample[], low: number): number {
  return history.filter(({ value }, index) => value <= low && index > 0 && value < oddShare * (history[index - 1]?.value ?? 0)).length;
}

/** What was expected at that time, where this is too little. */
function lossOf(level: Level, history: readonly Sample[], at: Date, value: number): number | undefined {
  const floor = floorOf(level, value);
  const expectation = expectLevel(history, at);
  if (expectation === undefined) {
    const least = history.reduce((lowest, each) => Math.min(lowest, each.value), Number.POSITIVE_INFINITY);
    const isUsual = Math.log1p(least) - Math.log1p(value) <= Math.max(-Math.log(shrunkShare), usualFalls * largestFall(history));
    return isUsual || least - value < floor ? undefined : least;
  }
  const expected = Math.expm1(expectation.value);
  const stray = Math.log1p(value) - expectation.value;
  const isLow = stray < -Math.max(-Math.log(oddShare), tolerance * expectation.spread) && expected - value >= floor;
  return isLow ? expected : undefined;
}

/** From one to the next, as a difference of logarithms. */
function largestFall(history: readonly Sample[]): number {
  return history.reduce((most, { value }, index) => Math.max(most, Math.log1p(history[index - 1]?.value ?? 0) - Math.log1p(value)), 0);
}

function expectLevel(history: readonly Sample[], at: Date): Expectation | undefined {
  return expectToday(thinOut(history, at).map((each): Past => [daysBetween(each.at, at), Math.log1p(each.value)]));
}

function floorOf({ metric, table }: Level, value: number): number {
  return table !== undefined && value === 0 ? leastEmptied : leastLoss[metric];
}

function describeLoss({ metric, table, now: { value }, isGone }: Level, lastGood: Sample, expected: number, since: Date): Anomaly {
  const lost = Math.max(0, Math.round(100 * (1 - value / expected)));
  const sentence =
    table === undefined
      ? `${say(value)} ${value === 1 ? metric.slice(0, -1) : metric}, about ${say(expected)} were expected: ${lost} % less`
      : isGone === true
        ? `${table} had ${exactly(lastGood.value)} rows, now it is gone`
        : `${table} had ${exactly(lastGood.value)} rows, now ${exactly(value)}`;
  return {
    metric,
    ...(table === undefined ? {} : { table }),
    change: 'shrunk',
    value,
    expected,
    severity: value < emptyShare * expected ? 'critical' : 'warning',
    since,
    lastGood: lastGood.at,
    isLoss: value < shrunkShare * expected,
    sentence,
  };
}

function findGrowth({ metric, table, now }: Level, past: readonly Sample[], last: Sample): Anomaly[] {
  const { at, value } = now;
  if (value < grownTimes * last.value) return [];
  const expectation = expectLevel(past, at);
  if (expectation === undefined) return [];
  const expected = Math.expm1(expectation.value);
  const stray = Math.log1p(value) - expectation.value;
  if (stray <= Math.max(Math.log(grownTimes), tolerance * expectation.spread) || value - expected < leastLoss[metric]) return [];
  const what = table === undefined ? metric : `rows of ${table}`;
  const sentence = `${say(value)} ${what}, about ${say(expected)} were expected`;
  const about = { metric, ...(table === undefined ? {} : { table }) };
  return [{ ...about, change: 'grew', value, expected, severity: 'info', since: at, isLoss: false, sentence }];
}

/** Three digits that count, in groups. */
function say(value: number): string {
  return exactly(value < 1000 ? value : Number(value.toPrecision(3)));
}

function exactly(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
