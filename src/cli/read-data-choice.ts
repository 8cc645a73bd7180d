import type { ReadDataChoice } from '../engine/check/check-report.ts';

/** Reads `--read-data-subset`: `5%`, `2.5%`, or `2/7` for the second of seven shares. Throws a plain error. */
export function readDataSubset(text: string): ReadDataChoice {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return { percent: Number(percent) };
  const [, part, of] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (part !== undefined && of !== undefined && Number(part) >= 1 && Number(part) <= Number(of))
    return { part: Number(part), of: Number(of) };
  throw new Error('is not a share such as 5% or 2/7');
}
