/** Durations and sizes as people write them, on the command line and in holdfast.yaml. */

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = { '': 1, 'k': 2 ** 10, 'm': 2 ** 20, 'g': 2 ** 30, 't': 2 ** 40 };

export const durationForm = /^(?:\d{1,9}(?:ms|[smhd]))+$/;
export const sizeForm = /^\d{1,12}(?:\.\d{1,3})?\s?[KMGTkmgt]?(?:i?[Bb])?$/;

/** `90s`, `5m`, `1h30m`, `2d` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!durationForm.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, count = '0', unit = ''] of text.matchAll(/(\d+)(ms|[smhd])/g)) milliseconds += Number(count) * (durationUnits[unit] ?? 0);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** The shortest text that `parseDuration` reads back: `2m30s`. Milliseconds, from 1. */
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

/** `500`, `64K`, `1.5G`, `10 MiB` in bytes; units are powers of 1024, as in restic. Undefined for anything else. */
export function parseSize(text: string): number | undefined {
  if (!sizeForm.test(text)) return undefined;
  const [unit = ''] = /[kmgt]/i.exec(text) ?? [];
  const bytes = Math.floor(Number.parseFloat(text) * (sizeUnits[unit.toLowerCase()] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
