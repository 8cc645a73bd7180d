/** Due times worked out day by day, as somebody with a calendar would do it: nothing of the scheduler is used. */
import type { Schedule } from '../../../src/policy/schedule.ts';

const [minute, day] = [60_000, 86_400_000];

/** Every due time from one moment to another, in order. */
export function dueTimesBetween({ cron, everyMs = 30 * minute, timezone = 'UTC' }: Schedule, from: number, to: number): number[] {
  if (cron === undefined) {
    const first = Math.ceil(from / everyMs) * everyMs;
    return Array.from({ length: Math.max(0, Math.floor((to - first) / everyMs) + 1) }, (_, index) => first + index * everyMs);
  }
  const [minutes = '', hours = '', ...days] = cron.split(' ');
  if (![minutes, hours].every((field) => /^\d+$/.test(field))) throw new Error(`this calendar knows only fixed times: ${cron}`);
  const found: number[] = [];
  for (let date = from - 2 * day; date <= to + 2 * day; date += day) {
    if (!isDayOf(days, new Date(date))) continue;
    const due = momentOf(Math.floor(date / day) * day + (Number(hours) * 60 + Number(minutes)) * minute, timezone);
    if (due >= from && due <= to) found.push(due);
  }
  return found;
}

/** Day of the month, month, day of the week. */
function isDayOf([dayField = '*', monthField = '*', weekdayField = '*']: readonly string[], date: Date): boolean {
  const fits = (field: string, value: number): boolean => field === '*' || field.split(',').map(Number).includes(value);
  return fits(dayField, date.getUTCDate()) && fits(monthField, date.getUTCMonth() + 1) && fits(weekdayField, date.getUTCDay());
}

/** The moment at which the clocks of a zone show this; the first of two; where they skip it, when they do. */
function momentOf(shown: number, timezone: string): number {
  const [before, after] = [shown - day, shown + day].map((moment) => offsetAt(moment, timezone));
  const candidates = [...new Set([before ?? 0, after ?? 0])].map((offset) => shown - offset).toSorted((a, b) => a - b);
  const moment = candidates.find((candidate) => candidate + offsetAt(candidate, timezone) === shown);
  if (moment !== undefined) return moment;
  let change = shown - day;
  while (offsetAt(change, timezone) === before) change += 15 * minute;
  return change;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
export function offsetAt(moment: number, timezone: string): number {
  const known = formats.get(timezone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: timezone, timeZoneName: 'longOffset' });
  formats.set(timezone, known);
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(known.format(moment)) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minute;
}
