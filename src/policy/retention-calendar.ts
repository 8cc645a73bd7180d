/** Hours, days, weeks, months and years of snapshots, each in the time zone where the snapshot was made. */
import type { RetentionDuration } from './retention-duration.ts';

interface Dated {
  readonly time: Date;
  readonly utcOffset?: number;
}

/** The year as a number that only snapshots of that year share; so the others for their part of the calendar. */
export function yearOf(snapshot: Dated): number {
  return localTime(snapshot).getUTCFullYear();
}

export function monthOf(snapshot: Dated): number {
  const local = localTime(snapshot);
  return local.getUTCFullYear() * 100 + local.getUTCMonth() + 1;
}

export function dayOf(snapshot: Dated): number {
  return monthOf(snapshot) * 100 + localTime(snapshot).getUTCDate();
}

export function hourOf(snapshot: Dated): number {
  return dayOf(snapshot) * 100 + localTime(snapshot).getUTCHours();
}

/** ISO 8601: weeks begin on Monday and belong to the year that their Thursday lies in. */
export function isoWeekOf(snapshot: Dated): number {
  const thursday = localTime(snapshot);
  thursday.setUTCDate(thursday.getUTCDate() - ((thursday.getUTCDay() + 6) % 7) + 3);
  const year = thursday.getUTCFullYear();
  const newYear = new Date(0);
  newYear.setUTCFullYear(year, 0, 1);
  return year * 100 + Math.floor((thursday.getTime() - newYear.getTime()) / (7 * 86_400_000)) + 1;
}

/**
 * The moment so long before a snapshot, in milliseconds since 1970; a day that the month does not have runs over into the next month.
 * Before everything where there is no snapshot.
 */
export function subtractDuration(snapshot: Dated | undefined, { years, months, days, hours }: RetentionDuration): number {
  if (snapshot === undefined) return Number.NEGATIVE_INFINITY;
  const local = localTime(snapshot);
  local.setUTCFullYear(local.getUTCFullYear() - years, local.getUTCMonth() - months, local.getUTCDate() - days);
  const moment = local.getTime() - hours * 3_600_000 - (snapshot.utcOffset ?? 0) * 60_000;
  return Number.isNaN(moment) ? Number.NEGATIVE_INFINITY : moment;
}

/** A date whose UTC parts are the local ones. */
function localTime({ time, utcOffset = 0 }: Dated): Date {
  return new Date(time.getTime() + utcOffset * 60_000);
}
