import { expect, test } from 'vitest';
import { forecastFull, type SpaceSample } from './forecast.ts';

const day = 86_400_000;
const now = new Date('2026-11-20T12:00:00Z');

/** The last so many days, one sample each. */
function samples(count: number, used: (daysAgo: number) => number): SpaceSample[] {
  return Array.from({ length: count }, (_, daysAgo) => ({ at: new Date(now.getTime() - daysAgo * day), used: used(daysAgo) }));
}

function daysUntil(date: Date | undefined): number {
  return date === undefined ? Infinity : (date.getTime() - now.getTime()) / day;
}

test('a steady growth is full on its day', () => {
  const forecast = forecastFull(
    samples(30, (daysAgo) => 1000 - 10 * daysAgo),
    1500,
    now,
  );
  expect(forecast?.growthPerDay).toBeCloseTo(10);
  expect(daysUntil(forecast?.full)).toBeCloseTo(50);
  expect(daysUntil(forecast?.earliest)).toBeCloseTo(50);
  expect(daysUntil(forecast?.latest)).toBeCloseTo(50);
});

test('a few days of chaos move it little, and widen the interval around it', () => {
  const odd = new Map([
    [3, 5000],
    [11, 0],
    [20, 9000],
  ]);
  const forecast = forecastFull(
    samples(30, (daysAgo) => odd.get(daysAgo) ?? 1000 - 10 * daysAgo + ((daysAgo * 37) % 11) * 5),
    1500,
    now,
  );
  expect(daysUntil(forecast?.full)).toBeGreaterThan(40);
  expect(daysUntil(forecast?.full)).toBeLessThan(60);
  expect(daysUntil(forecast?.earliest)).toBeLessThan(daysUntil(forecast?.full));
  expect(daysUntil(forecast?.latest)).toBeGreaterThan(daysUntil(forecast?.full));
});

test('what does not grow is never full, and what is full is full now', () => {
  const flat = forecastFull(
    samples(30, () => 700),
    1000,
    now,
  );
  expect(flat).toEqual({ growthPerDay: 0 });
  expect(
    forecastFull(
      samples(30, (daysAgo) => 700 + daysAgo),
      1000,
      now,
    ),
  ).not.toHaveProperty('full');
  expect(
    forecastFull(
      samples(30, (daysAgo) => 1000 - daysAgo),
      900,
      now,
    )?.full,
  ).toEqual(now);
});

test('too little history foretells nothing', () => {
  expect(forecastFull([], 1000, now)).toBeUndefined();
  expect(
    forecastFull(
      samples(4, (daysAgo) => 100 - daysAgo),
      1000,
      now,
    ),
  ).toBeUndefined();
  expect(
    forecastFull(
      samples(6, (daysAgo) => 100 - daysAgo),
      1000,
      now,
    ),
  ).toBeUndefined();
  expect(
    forecastFull(
      samples(9, (daysAgo) => 100 - daysAgo),
      1000,
      now,
    ),
  ).toBeDefined();
});

test('many samples a day are one, and old ones are forgotten', () => {
  const hourly = Array.from({ length: 2000 }, (_, hours) => ({
    at: new Date(now.getTime() - (hours * day) / 24),
    used: 1e6 - 100 * hours,
  }));
  const ancient = samples(90, () => 0).map(({ at, used }) => ({ at: new Date(at.getTime() - 91 * day), used }));
  expect(forecastFull([...ancient, ...hourly], 2e6, now)?.growthPerDay).toBeCloseTo(2400);
});
