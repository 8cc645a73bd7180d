/** Values of options as people write them. Each function throws a plain error that says what is allowed. */

const sizeUnits: Readonly<Record<string, number>> = { '': 1, 'b': 1, 'k': 2 ** 10, 'm': 2 ** 20, 'g': 2 ** 30, 't': 2 ** 40 };
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500`, `64K`, `1.5G`, `10 MiB`: bytes; units are powers of 1024, as in restic. */
export function readSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const factor = sizeUnits[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) throw new Error('is not a size such as 500K, 64M or 1.5G');
  const bytes = Math.floor(Number(digits) * factor);
  if (!Number.isSafeInteger(bytes)) throw new Error('is larger than any size');
  return bytes;
}

/** `90s`, `5m`, `1h30m`, `2d`: milliseconds. */
export function readDuration(text: string): number {
  const compact = text.trim().replaceAll(/\s+/g, '');
  if (!/^(?:\d+(?:ms|[smhd]))+$/.test(compact) && compact !== '0') throw new Error('is not a duration such as 90s, 5m or 1h30m');
  let milliseconds = 0;
  for (const [, count = '0', unit = ''] of compact.matchAll(/(\d+)(ms|[smhd])/g))
    milliseconds += Number(count) * (durationUnits[unit] ?? 0);
  if (!Number.isSafeInteger(milliseconds)) throw new Error('is longer than any duration');
  return milliseconds;
}

/** A whole number from 0. */
export function readCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error('is not a whole number');
  return Number(text);
}

/**
 * A moment: RFC 3339 (`2026-11-20T14:30:00Z`), or a date with an optional time in this machine's zone (`2026-11-20`, `2026-11-20 14:30`,
 * `2026-11-20 14:30:05`).
 */
export function readTime(text: string): Date {
  const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text.trim());
  const [, day, clock = '00:00', zone = ''] = form ?? [];
  const time = day === undefined ? undefined : new Date(`${day}T${clock.replace(/(\.\d{3})\d+$/, '$1')}${zone}`);
  if (day === undefined || time === undefined || Number.isNaN(time.getTime()) || !isRealDay(day))
    throw new Error('is not a time such as 2026-11-20 14:30');
  return time;
}

/* Date takes 2026-02-30 for the second of March. */
function isRealDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
