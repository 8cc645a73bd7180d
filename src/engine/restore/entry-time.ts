/** Reads a time that `isTime` has accepted, without a Date or a bigint: it happens twice for every file. */
const secondsPerDay = 86_400;

/** Seconds since 1970, rounded down. */
export function secondsOf(time: string): number {
  const day = daysSince1970(digits(time, 0, 4), digits(time, 5, 7), digits(time, 8, 10));
  const second = day * secondsPerDay + digits(time, 11, 13) * 3600 + digits(time, 14, 16) * 60 + digits(time, 17, 19);
  if (time.endsWith('Z')) return second;
  const at = time.length - 6;
  const offset = digits(time, at + 1, at + 3) * 3600 + digits(time, at + 4, at + 6) * 60;
  return time[at] === '-' ? second + offset : second - offset;
}

/** Nanoseconds of the second, 0 to 999 999 999. */
export function nanosecondsOf(time: string): number {
  if (time[19] !== '.') return 0;
  let value = 0;
  let place = 100_000_000;
  for (let at = 20; place >= 1; at += 1, place /= 10) {
    const digit = time.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    value += digit * place;
  }
  return value;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}

/** Days of the Gregorian calendar, counted in years that begin in March so that the leap day is the last. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return marchYear * 365 + Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400) + dayOfYear - 719_468;
}
