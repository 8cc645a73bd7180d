import type { ReadDataChoice } from '../engine/check/check-report.ts';

/** Days, weeks (which begin on Monday) and months of this machine's calendar, counted without a gap. */
const calendars: Readonly<Record<string, (now: Date) => number>> = {
  'today': dayOf,
  'this-week': (now) => Math.floor((dayOf(now) + 3) / 7),
  'this-month': (now) => now.getFullYear() * 12 + now.getMonth(),
};

/**
 * Reads `--read-data-subset`: `5%`, `2.5%`, `2/7` for the second of seven shares, `today/30` for the share of this day out of thirty, so that
 * a check every day reads everything in thirty days; `this-week/4` and `this-month/3` alike. Throws a plain error.
 */
export function readDataSubset(text: string, now: Date): ReadDataChoice {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return { percent: Number(percent) };
  const [, part, of] = /^(\d{1,9}|today|this-week|this-month)\/(\d{1,9})$/.exec(text) ?? [];
  const turn = part === undefined ? undefined : calendars[part]?.(now);
  if (turn !== undefined && Number(of) >= 1) return { part: (turn % Number(of)) + 1, of: Number(of) };
  if (part !== undefined && of !== undefined && Number(part) >= 1 && Number(part) <= Number(of))
    return { part: Number(part), of: Number(of) };
  throw new Error('is not a share such as 5%, 2/7 or today/30');
}

/** The day of the calendar, whatever the hour and the daylight saving. */
function dayOf(now: Date): number {
  return Math.floor(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / 86_400_000);
}
