/** The time that the name of a backup says. Pure. */

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly clock: string;
}

/* `_143000`, `T14:30:05Z`, `-14-30`, ` 14h30`, after a date. */
const clock = String.raw`(?:[T_ .@-]{1,3}(?<hour>[01]\d|2[0-3])[:._h-]?(?<minute>[0-5]\d)(?:[:._m-]?(?<second>[0-5]\d))?(?:\.\d+)?s?(?<zone>Z)?)?(?!\d)`;
const forms = [
  new RegExp(String.raw`(?<!\d)(?<year>(?:19|20)\d\d)(?<month>[01]\d)(?<day>[0-3]\d)${clock}`),
  /* 20251120143000 */
  /(?<!\d)(?<year>(?:19|20)\d\d)(?<month>[01]\d)(?<day>[0-3]\d)(?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?<second>[0-5]\d)?(?<zone>Z)?(?!\d)/,
  new RegExp(String.raw`(?<!\d)(?<year>(?:19|20)\d\d)[-_.](?<month>[01]?\d)[-_.](?<day>[0-3]?\d)${clock}`),
  new RegExp(String.raw`(?<!\d)(?<day>[0-3]?\d)[-_.](?<month>[01]?\d)[-_.](?<year>(?:19|20)\d\d)${clock}`),
  /* 11-20-2025, where the second cannot be a month. */
  new RegExp(String.raw`(?<!\d)(?<month>[01]?\d)[-_.](?<day>[0-3]\d)[-_.](?<year>(?:19|20)\d\d)${clock}`),
  new RegExp(
    String.raw`(?<!\d)(?<day>[0-3]?\d)[-_. ]?(?<word>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-_. ]?(?<year>(?:19|20)\d\d)${clock}`,
    'i',
  ),
];
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** In this machine's zone, unless a Z says otherwise; a date alone is its midnight. Undefined where there is none, or one that no calendar has. */
export function timeInName(name: string): Date | undefined {
  for (const form of forms) {
    const time = readForm(form.exec(name)?.groups);
    if (time !== undefined) return time;
  }
  const [, seconds] = /(?<!\d)(1[0-9]{9})(?!\d)/.exec(name) ?? [];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
}

function readForm(groups: Readonly<Record<string, string | undefined>> | undefined): Date | undefined {
  if (groups === undefined) return undefined;
  const { word, month: number, hour = '00', minute = '00', second = '00', zone = '' } = groups;
  const month = word === undefined ? Number(number) : months.indexOf(word.toLowerCase()) + 1;
  return timeOf({ year: Number(groups['year']), month, day: Number(groups['day']), clock: `${hour}:${minute}:${second}${zone}` });
}

function timeOf({ year, month, day, clock: text }: Parts): Date | undefined {
  const date = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  const midnight = new Date(`${date}T00:00:00Z`);
  /* Date takes 2025-02-30 for the second of March. */
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) return undefined;
  return new Date(`${date}T${text}`);
}
