/**
 * Times as the repository writes them: RFC 3339 with up to nine digits of a second, none of them a trailing zero, as Go prints
 * a time in JSON. holdfast always writes UTC (`Z`); restic writes the zone of the machine, so any offset is read.
 */
import { HoldfastError } from '../../errors.ts';

const billion = 1_000_000_000n;
/** Seconds that fit the years 0 to 9999, which is all that RFC 3339 can say. */
const firstSecond = -62_167_219_200;
const lastSecond = 253_402_300_799;
/** JavaScript's Date reaches no further; a file system can. */
const dateLimit = 8_640_000_000_000;

let cachedSecond = Number.NaN;
let cachedText = '';

/** Nanoseconds since 1970 as RFC 3339 in UTC. A year before 0 or after 9999 becomes 0 or 9999, the rest of the date stays, as in restic. */
export function formatTime(ns: bigint): string {
  let second = ns / billion;
  let nanosecond = ns % billion;
  if (nanosecond < 0n) {
    nanosecond += billion;
    second -= 1n;
  }
  return formatTimeParts(Number(second), Number(nanosecond));
}

/**
 * Seconds since 1970 (whole, negative before it) and nanoseconds (0 to 999999999) as RFC 3339 in UTC. The last second is
 * remembered: files written together share it, and composing it costs most of the call.
 */
export function formatTimeParts(second: number, nanosecond: number): string {
  if (second !== cachedSecond) {
    cachedText = formatSecond(second);
    cachedSecond = second;
  }
  if (nanosecond === 0) return `${cachedText}Z`;
  let digits = nanosecond;
  let width = 9;
  while (digits % 10 === 0) {
    digits /= 10;
    width -= 1;
  }
  return `${cachedText}.${String(digits).padStart(width, '0')}Z`;
}

/** Every part is in its range; the day is looked at again by `isTime`, since months differ. */
const rfc3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** Whether the text is a time as the repository writes them: a day that exists, any offset. */
export function isTime(text: string): boolean {
  if (!rfc3339.test(text)) return false;
  const day = Number(text.slice(8, 10));
  return day <= 28 || day <= daysInMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

/** Nanoseconds since 1970. Throws `damaged` when the text is no RFC 3339 time. */
export function parseTime(text: string): bigint {
  const match = rfc3339.exec(text);
  if (match === null || !isTime(text))
    throw new HoldfastError('damaged', { object: 'a time', reason: `${JSON.stringify(text.slice(0, 40))} is not RFC 3339` });
  const [, , , , , , , fraction = '', sign, hours = '0', minutes = '0'] = match;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60);
  const second = Date.parse(`${text.slice(0, 19)}Z`) / 1000 - offset;
  return BigInt(second) * billion + BigInt(fraction.padEnd(9, '0'));
}

function formatSecond(second: number): string {
  if (second >= firstSecond && second <= lastSecond) return new Date(second * 1000).toISOString().slice(0, 19);
  const clamped = Math.max(-dateLimit, Math.min(dateLimit, second));
  const date = new Date(clamped * 1000);
  date.setUTCFullYear(second < 0 ? 0 : 9999);
  return date.toISOString().slice(0, 19);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
