import { HoldfastError } from '../errors.ts';

/** A span of the calendar: "one month" has as many days as the month it is taken from. */
export interface RetentionDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const units = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const;
/** A time further back than JavaScript can name would compare as "never", which here would mean "delete". */
const largest = 99_999;

/** Reads `1y5m7d2h`: numbers, each with a unit, in any order; `m` is months. Empty is no time at all. Throws `usage`. */
export function parseRetentionDuration(text: string): RetentionDuration {
  const duration = { years: 0, months: 0, days: 0, hours: 0 };
  const trimmed = text.trim();
  if (!/^(?:\d+[ymdh])*$/.test(trimmed)) throw durationError(text, 'is not of the form 1y5m7d2h');
  for (const [, digits = '', unit = ''] of trimmed.matchAll(/(\d+)([ymdh])/g)) {
    const number = Number(digits);
    if (number > largest) throw durationError(text, `has a number above ${largest}`);
    if (unit === 'y' || unit === 'm' || unit === 'd' || unit === 'h') duration[units[unit]] = number;
  }
  return duration;
}

/** The shortest text that `parseRetentionDuration` reads back. */
export function formatRetentionDuration({ years, months, days, hours }: RetentionDuration): string {
  return [
    [years, 'y'],
    [months, 'm'],
    [days, 'd'],
    [hours, 'h'],
  ]
    .filter(([number]) => number !== 0)
    .map((part) => part.join(''))
    .join('');
}

/** True when nothing is in it, which means "not given". */
export function isZeroDuration({ years, months, days, hours }: RetentionDuration): boolean {
  return years === 0 && months === 0 && days === 0 && hours === 0;
}

function durationError(text: string, reason: string): HoldfastError {
  return new HoldfastError('usage', { reason: `the duration ${JSON.stringify(text)} ${reason}`, help: 'holdfast prune --help' });
}
