/** Values of options as people write them. Each function throws a plain error that says what is allowed. */
import { parseDuration, parseSize } from '../util/quantities.ts';

/** `500`, `64K`, `1.5G`, `10 MiB`: bytes; units are powers of 1024, as in restic. */
export function readSize(text: string): number {
  const bytes = parseSize(text.trim());
  if (bytes === undefined) throw new Error('is not a size such as 500K, 64M or 1.5G');
  return bytes;
}

/** `90s`, `5m`, `1h30m`, `2d`, and `0`: milliseconds. */
export function readDuration(text: string): number {
  const compact = text.replaceAll(/\s+/g, '');
  const milliseconds = compact === '0' ? 0 : parseDuration(compact);
  if (milliseconds === undefined) throw new Error('is not a duration such as 90s, 5m or 1h30m');
  return milliseconds;
}

/** A whole number from 0. */
export function readCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error('is not a whole number');
  return Number(text);
}

/**
 * A moment: RFC 3339 (`2026-11-20T14:30:00Z`), or a date with an optional time in this machine's zone (`2026-11-20`, `2026-11-20 14:30`,
 * `2026-11-20 14:30:05`), or as PostgreSQL prints it (`2026-11-20 14:30:05.123456+00`).
 */
export function readTime(text: string): Date {
  const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(text.trim());
  const [, day, clock = '00:00', zone = ''] = form ?? [];
  const time = day === undefined ? undefined : new Date(`${day}T${clock.replace(/(\.\d{3})\d+$/, '$1')}${writeZone(zone)}`);
  if (day === undefined || time === undefined || Number.isNaN(time.getTime()) || !isRealDay(day))
    throw new Error('is not a time such as 2026-11-20 14:30');
  return time;
}

/** `+05` and `+0530` as `+05:00` and `+05:30`. */
function writeZone(zone: string): string {
  const [, hours, minutes = '00'] = /^([+-]\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return hours === undefined ? zone : `${hours}:${minutes}`;
}

/* Date takes 2026-02-30 for the second of March. */
function isRealDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
