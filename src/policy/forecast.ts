/** When a disk or a repository will be full, by a line that a few odd days do not bend. Pure. */
import { medianOf, slopesOf } from './robust-statistics.ts';

export interface SpaceSample {
  readonly at: Date;
  /** Bytes. */
  readonly used: number;
}

export interface Forecast {
  /** Bytes a day; negative where it shrinks. */
  readonly growthPerDay: number;
  /** When it will be full. Absent where it does not grow, or not within a hundred years. */
  readonly full?: Date;
  /** The day lies between these four times out of five. `latest` is absent where it may as well never be full. */
  readonly earliest?: Date;
  readonly latest?: Date;
}

const day = 86_400_000;
const mostSamples = 90;
const fewestSamples = 5;
const leastSpanMs = 7 * day;
const farthestDays = 36_525;
/** Of the normal distribution: 80 % lie within so many deviations. */
const eighty = 1.2816;

/**
 * By the samples of the last 90 days (of more than one a day the newest). Undefined where there are fewer than five or they lie within
 * a week.
 * @param capacity bytes that there are at most
 */
export function forecastFull(samples: readonly SpaceSample[], capacity: number, now: Date): Forecast | undefined {
  const points = pointsOf(samples, now);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < fewestSamples || (last[0] - first[0]) * day < leastSpanMs)
    return undefined;
  const slopes = slopesOf(points).toSorted((a, b) => a - b);
  const growthPerDay = medianOf(slopes);
  const used = medianOf(points.map(([x, y]) => y - growthPerDay * x));
  // The ranks of the slopes between which the true one lies (Sen 1968).
  const margin = eighty * Math.sqrt((points.length * (points.length - 1) * (2 * points.length + 5)) / 18);
  const [slow, fast] = [rankOf(slopes, (slopes.length - margin) / 2 - 1), rankOf(slopes, (slopes.length + margin) / 2)];
  const dayOf = (slope: number): Date | undefined => {
    if (used >= capacity) return now;
    const days = slope <= 0 ? Infinity : (capacity - used) / slope;
    return days > farthestDays ? undefined : new Date(now.getTime() + days * day);
  };
  const [full, earliest, latest] = [dayOf(growthPerDay), dayOf(fast), dayOf(slow)];
  return {
    growthPerDay,
    ...(full === undefined ? {} : { full }),
    ...(earliest === undefined ? {} : { earliest }),
    ...(latest === undefined ? {} : { latest }),
  };
}

function rankOf(sorted: readonly number[], rank: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))] ?? 0;
}

/** Days from now and bytes, the oldest first, one a day. */
function pointsOf(samples: readonly SpaceSample[], now: Date): (readonly [number, number])[] {
  const daily = new Map<number, readonly [number, number]>();
  for (const { at, used } of samples.toSorted((a, b) => a.at.getTime() - b.at.getTime())) {
    const x = (at.getTime() - now.getTime()) / day;
    if (x <= 0 && x > -mostSamples) daily.set(Math.floor(x), [x, used]);
  }
  return [...daily.values()];
}
