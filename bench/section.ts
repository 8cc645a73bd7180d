/** A part of the results that one benchmark writes anew while all else stays: how it is found, and what all of them have. Pure. */
import type { Machine } from './machine.ts';

export type SectionName = 'dump' | 'physical' | 'loss' | 's3' | 'scale';
export const sectionNames: readonly SectionName[] = ['dump', 'physical', 'loss', 's3', 'scale'];

export interface SectionInput {
  readonly date: Date;
  readonly command: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly scale: number;
}

export interface Verdict {
  readonly text: string;
  readonly measured: number;
  readonly most: number;
}

const begin = (name: SectionName): string => `<!-- begin: ${name} -->`;
const end = (name: SectionName): string => `<!-- end: ${name} -->`;

export function wrapSection(name: SectionName, text: string): string {
  return `${begin(name)}\n${text}\n${end(name)}`;
}

/** The results with a new section in the place of the old one, or after all else where there was none. */
export function replaceSection(results: string, name: SectionName, section: string): string {
  const kept = sectionOf(results, name);
  if (kept === undefined) return `${results.trimEnd()}\n\n${section}\n`.trimStart();
  return results.replace(kept, () => section);
}

/** The section that a file of results has, with its marks. */
export function sectionOf(results: string, name: SectionName): string | undefined {
  const from = results.indexOf(begin(name));
  const to = results.indexOf(end(name), from);
  return from === -1 || to === -1 ? undefined : results.slice(from, to + end(name).length);
}

/** When, how often and on what. `beside`: what else ran there. */
export function writeHead({ date, command, machine, rounds, scale }: SectionInput, beside: string): string {
  const trial = scale === 1 ? '' : `\n- **A trial with data of ${scale} times the size: the figures mean nothing.**`;
  return `- Date: ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC; \`${command}\`; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, medians, with the lowest and the highest
- Machine: ${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ${machine.system}; ${beside}${trial}`;
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ text, measured, most }) => `| ${text} at most ${most} | ${measured.toFixed(3)} | ${measured <= most ? 'met' : '**missed**'} |`,
  );
  return ['| target | measured | |', '|---|--:|---|', ...rows].join('\n');
}

/** The median, and the lowest and the highest where there are several. */
export function spreadText(values: readonly number[], digits: number, unit = 1): string {
  const sorted = values.toSorted((a, b) => a - b).map((value) => (value / unit).toFixed(digits));
  const middle = (medianOf(values) / unit).toFixed(digits);
  return values.length < 2 ? middle : `${middle} (${sorted[0] ?? ''}–${sorted.at(-1) ?? ''})`;
}

/** NaN where there are none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (upper + lower) / 2;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
