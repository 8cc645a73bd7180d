/** What a number was to be expected to be today: its trend, its day of the week, and how far it usually strays. Pure. */
import { deviationOf, lineThrough, medianOf } from './robust-statistics.ts';

/** Days before today (not negative), and the number then, in whatever scale differences are to be judged. */
export type Past = readonly [daysAgo: number, value: number];

export interface Expectation {
  readonly value: number;
  /** As a standard deviation, but unmoved by a few wild values. */
  readonly spread: number;
}

const fewest = 8;
/** Three of each day of the week. */
const seasonDays = 20.5;
const seasonSamples = 3;
/** What is older says little about today. */
const comparedDays = 63.5;
/** Of what is older still one a month is looked at, for so long: what was lost long ago and is still missing shows there. */
const rememberedDays = 400;
const monthDays = 30;

/** Undefined where fewer than eight numbers of the last nine weeks are known, or they lie within a week. */
export function expectToday(all: readonly Past[]): Expectation | undefined {
  const past = all.filter(([daysAgo]) => daysAgo <= comparedDays);
  const span = past.reduce((most, [daysAgo]) => Math.max(most, daysAgo), 0);
  if (past.length < fewest || span < 7) return undefined;
  const line = lineThrough(past.map(([daysAgo, value]) => [-daysAgo, value]));
  if (line === undefined) return undefined;
  const strays = past.map(([daysAgo, value]): Past => [daysAgo, value - line.start + line.slope * daysAgo]);
  const season = span < seasonDays ? [] : Array.from({ length: 7 }, (_, phase) => usualStray(strays, phase));
  const rest = strays.map(([daysAgo, stray]) => stray - (season[phaseOf(daysAgo)] ?? 0));
  return { value: line.start + (season[0] ?? 0), spread: deviationOf(rest, 0) };
}

/** 0 is the day of the week that today is: counted from today, an hour of daylight saving moves nothing. */
function phaseOf(daysAgo: number): number {
  return Math.round(daysAgo) % 7;
}

function usualStray(strays: readonly Past[], phase: number): number {
  const those = strays.filter(([daysAgo]) => phaseOf(daysAgo) === phase);
  return those.length < seasonSamples ? 0 : medianOf(those.map(([, stray]) => stray));
}

export function daysBetween(earlier: Date, later: Date): number {
  return (later.getTime() - earlier.getTime()) / 86_400_000;
}

/**
 * The part of a history that is compared, the oldest first: of each of the last 63 days the one that is nearest to this time of day, of each month
 * before them the newest. At most 75.
 */
export function thinOut<Kept extends { readonly at: Date }>(history: readonly Kept[], now: Date): readonly Kept[] {
  const nearest = new Map<string, { readonly kept: Kept; readonly distance: number }>();
  for (const kept of history) {
    const days = daysBetween(kept.at, now);
    if (days <= 0 || days > rememberedDays) continue;
    const isOld = days > comparedDays;
    const distance = isOld ? days : Math.abs(days - Math.round(days));
    const key = isOld ? `month ${Math.floor(days / monthDays)}` : `day ${Math.round(days)}`;
    const known = nearest.get(key);
    if (known === undefined || distance < known.distance) nearest.set(key, { kept, distance });
  }
  return [...nearest.values()].map(({ kept }) => kept).toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

const newestKept = 5;

/**
 * What is looked at of a history to see since when something has been so, the oldest first: the newest five, one of each hour of the last day, and those
 * of `thinOut`. At most 104.
 */
export function sampleHistory<Kept extends { readonly at: Date }>(history: readonly Kept[], now: Date): readonly Kept[] {
  const past = history.filter(({ at }) => at < now).toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const hourly = new Map<number, Kept>();
  for (const kept of past) if (daysBetween(kept.at, now) < 1) hourly.set(Math.floor(24 * daysBetween(kept.at, now)), kept);
  const chosen = new Set([...past.slice(-newestKept), ...hourly.values(), ...thinOut(past, now)]);
  return past.filter((kept) => chosen.has(kept));
}
