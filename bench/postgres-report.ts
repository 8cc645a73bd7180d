/** The dump benchmark's section of the results, and how it is put in the place of the old one. Pure. */
import type { Machine } from './machine.ts';
import { dumpPrograms, dumpWorks, type DumpOutcome, type DumpProgram, type DumpSample, type DumpWork } from './postgres-dump.ts';

export interface DumpReportInput {
  readonly date: Date;
  readonly command: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly scale: number;
  readonly outcome: DumpOutcome;
}

const begin = '<!-- begin: dump -->';
const end = '<!-- end: dump -->';

const titles: Readonly<Record<DumpWork, string>> = {
  first: 'first dump',
  restore: 'restore into a new database',
  unchanged: 'dump, nothing changed',
  changed: 'dump, 1 % changed in 8 clusters',
};

/** The results with a new section in the place of the old one, or after all else where there was none. */
export function replaceDumpSection(results: string, section: string): string {
  const kept = dumpSectionOf(results);
  if (kept === undefined) return `${results.trimEnd()}\n\n${section}\n`.trimStart();
  return results.replace(kept, () => section);
}

/** The section that a file of results has, with its marks. */
export function dumpSectionOf(results: string): string | undefined {
  const from = results.indexOf(begin);
  const to = results.indexOf(end, from);
  return from === -1 || to === -1 ? undefined : results.slice(from, to + end.length);
}

export function writeDumpSection(input: DumpReportInput): string {
  const { date, command, machine, rounds, scale, outcome } = input;
  const { database, samples, commands } = outcome;
  const trial = scale === 1 ? '' : `\n- **A trial with data of ${scale} times the size: the figures mean nothing.**`;
  return `${begin}
## dump: a PostgreSQL database of ${megabytes(database.bytes)} MB, ${database.rows.toLocaleString('en')} rows

- Date: ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC; \`${command}\`; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, medians, with the lowest and the highest
- Machine: ${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ${machine.system}; PostgreSQL ${database.serverVersion} beside the programs${trial}

| work | program | wall s | CPU s | peak MB | MB |
|---|---|--:|--:|--:|--:|
${dumpWorks.flatMap((work) => dumpPrograms.flatMap((program) => rowOf(samples, work, program))).join('\n')}

| target | measured | |
|---|--:|---|
${judgeDumps(samples)
  .map(({ text, measured, most }) => `| ${text} at most ${most} | ${measured.toFixed(3)} | ${measured <= most ? 'met' : '**missed**'} |`)
  .join('\n')}

CPU time is that of the programs; the server's is not in it. MB is the file, or the whole repository, after the work. In each round the programs take
turns, \`restic check\` judges the repository after every dump, and a restored database must have the same rows.
The database is not vacuumed after it is loaded, so that rows which change later go to the end of their table. In one that was, they fill small gaps in many pages, and more
of a dump is new: 7 % of the first one, where that was tried with 16 clusters.

\`\`\`
${commands.join('\n')}
\`\`\`
${end}`;
}

export interface DumpVerdict {
  readonly text: string;
  readonly measured: number;
  readonly most: number;
}

/** What was asked for, as ratios of medians. */
export function judgeDumps(samples: readonly DumpSample[]): DumpVerdict[] {
  const [theirs, ours] = dumpPrograms;
  const wall = (program: DumpProgram, work: DumpWork): number => median(samples, program, work, 'wallSeconds');
  const size = (program: DumpProgram, work: DumpWork): number => median(samples, program, work, 'bytes');
  return [
    { text: 'first dump: wall ÷ pg_dump \\| gzip', measured: wall(ours, 'first') / wall(theirs, 'first'), most: 0.6 },
    { text: 'first dump: size ÷ pg_dump \\| gzip', measured: size(ours, 'first') / size(theirs, 'first'), most: 0.75 },
    {
      text: '1 % changed: bytes added ÷ first dump',
      measured: (size(ours, 'changed') - size(ours, 'unchanged')) / size(ours, 'first'),
      most: 0.05,
    },
    { text: 'restore: wall ÷ gunzip \\| psql', measured: wall(ours, 'restore') / wall(theirs, 'restore'), most: 1 },
  ];
}

function rowOf(samples: readonly DumpSample[], work: DumpWork, program: DumpProgram): string[] {
  if (valuesOf(samples, program, work, 'bytes').length === 0) return [];
  const show = (metric: Metric, digits: number, unit = 1): string => {
    const values = valuesOf(samples, program, work, metric).map((value) => (value / unit).toFixed(digits));
    const middle = (median(samples, program, work, metric) / unit).toFixed(digits);
    return values.length < 2 ? middle : `${middle} (${values[0] ?? ''}–${values.at(-1) ?? ''})`;
  };
  const name = work === 'restore' && program !== 'holdfast' ? 'gunzip \\| psql' : program.replace('|', '\\|');
  return [
    `| ${titles[work]} | ${name} | ${show('wallSeconds', 2)} | ${show('cpuSeconds', 2)} | ${show('peakBytes', 0, 1e6)} | ${show('bytes', 1, 1e6)} |`,
  ];
}

type Metric = 'wallSeconds' | 'cpuSeconds' | 'peakBytes' | 'bytes';

function valuesOf(samples: readonly DumpSample[], program: DumpProgram, work: DumpWork, metric: Metric): number[] {
  return samples
    .filter((sample) => sample.program === program && sample.work === work)
    .map((sample) => sample[metric])
    .toSorted((a, b) => a - b);
}

function median(samples: readonly DumpSample[], program: DumpProgram, work: DumpWork, metric: Metric): number {
  const values = valuesOf(samples, program, work, metric);
  const upper = values[Math.floor(values.length / 2)] ?? Number.NaN;
  const lower = values[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
  return (upper + lower) / 2;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
