/** Five fields of cron as the numbers that they mean, for schedulers that write them otherwise. */

export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  /** From 1. */
  readonly months: readonly number[];
  /** Sunday is 0. */
  readonly weekdays: readonly number[];
}

const fieldRanges = { minutes: [0, 59], hours: [0, 23], days: [1, 31], months: [1, 12], weekdays: [0, 6] } as const;

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Reads what the configuration's schema has let through. */
export function readCron(text: string): CronFields {
  const [minutes = '*', hours = '*', days = '*', months = '*', weekdays = '*'] = text.split(/ +/);
  const fields = {
    minutes: readField(minutes, 0, 59, []),
    hours: readField(hours, 0, 23, []),
    days: readField(days, 1, 31, []),
    months: readField(months, 1, 12, monthNames),
    weekdays: [...new Set(readField(weekdays, 0, 7, weekdayNames).map((day) => day % 7))].toSorted((a, b) => a - b),
  };
  // Either kind of day counts where neither is a plain `*`: with all of one kind, that is every day.
  const isEither = days !== '*' && weekdays !== '*' && (isEvery(fields, 'days') || isEvery(fields, 'weekdays'));
  return isEither ? { ...fields, days: readField('*', 1, 31, []), weekdays: readField('*', 0, 6, []) } : fields;
}

/** Whether a field means every number of its range. */
export function isEvery(fields: CronFields, name: keyof CronFields): boolean {
  const [least, most] = fieldRanges[name];
  return fields[name].length === most - least + 1;
}

/** The same fields with nothing that crons understand differently: `*`, numbers, ranges and lists. */
export function writeCron(fields: CronFields): string {
  const write = (name: keyof CronFields): string => (isEvery(fields, name) ? '*' : writeNumbers(fields[name]));
  return [write('minutes'), write('hours'), write('days'), write('months'), write('weekdays')].join(' ');
}

/** `1-5,9` */
function writeNumbers(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ',' : '-'}${to}`)).join(',');
}

function readField(text: string, least: number, most: number, names: readonly string[]): number[] {
  const numberOf = (word: string): number => {
    const index = names.indexOf(word.toLowerCase());
    return index === -1 ? Number(word) : index + least;
  };
  const found = text.split(',').flatMap((part) => {
    const [range = '*', step = '1'] = part.split('/');
    const [from, to] = range === '*' ? [String(least), String(most)] : range.split('-');
    const first = numberOf(from ?? '');
    // `5/10`: from 5 to the end.
    const last = to === undefined ? (part.includes('/') ? most : first) : numberOf(to);
    return Array.from({ length: Math.max(0, Math.floor((last - first) / Number(step)) + 1) }, (_, index) => first + index * Number(step));
  });
  return [...new Set(found)].toSorted((a, b) => a - b);
}
