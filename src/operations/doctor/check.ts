/** What the doctor finds: one value for each thing that was looked at. */
import { toHoldfastError } from '../../errors.ts';

export interface Check {
  /** What it is about, and what was looked at: `repository local: space`, `database: wal_level`. Stays the same from version to version. */
  readonly name: string;
  /** `failed`: a backup, or getting it back, will fail. `warning`: it works today. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was found; a sentence without its full stop. */
  readonly what: string;
  /** How to put it right: a sentence, and below it the lines to paste, each on a line of its own. */
  readonly do?: string;
}

export const ok = (name: string, what: string): Check => ({ name, status: 'ok', what });

export const warning = (name: string, what: string, remedy: string): Check => ({ name, status: 'warning', what, do: remedy });

export const failed = (name: string, what: string, remedy: string): Check => ({ name, status: 'failed', what, do: remedy });

/** A check that ended in an error: its sentence and its hint. */
export function failedWith(name: string, error: unknown): Check {
  const { message, hint } = toHoldfastError(error);
  return failed(name, message.replace(/\.$/, ''), hint);
}

/** Bytes for people: `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
