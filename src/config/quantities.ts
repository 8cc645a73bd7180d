/** Durations and sizes as people write them in holdfast.yaml. */

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = { '': 1, 'k': 2 ** 10, 'm': 2 ** 20, 'g': 2 ** 30, 't': 2 ** 40 };

export const durationForm = /^(?:\d{1,9}(?:ms|[smhd]))+$/;
export const sizeForm = /^\d{1,12}(?:\.\d{1,3})?\s?[KMGTkmgt]?(?:i?[Bb])?$/;
/** As policy/retention-duration.ts reads it: m is months. */
export const calendarDurationForm = /^(?:\d{1,5}[ymdh])+$/;

/** What a timer can wait: 24 days. */
const longestDuration = 24 * 86_400_000;

/** `90s`, `10m`, `2m30s`, `24h` in milliseconds; undefined for anything else, for nothing, and for more than 24 days. */
export function readDuration(text: string): number | undefined {
  if (!durationForm.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, count = '0', unit = ''] of text.matchAll(/(\d+)(ms|[smhd])/g)) milliseconds += Number(count) * (durationUnits[unit] ?? 0);
  return milliseconds > 0 && milliseconds <= longestDuration ? milliseconds : undefined;
}

/** The shortest text that `readDuration` reads back: `2m30s`. */
export function formatDuration(milliseconds: number): string {
  let left = milliseconds;
  let text = '';
  for (const [unit, size] of Object.entries(durationUnits).toReversed()) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** `500`, `64K`, `1.5G`, `10 MiB` in bytes; units are powers of 1024. Undefined for anything else. */
export function readSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const factor = sizeUnits[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(digits) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
