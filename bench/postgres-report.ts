/** The dump benchmark's section of the results. Pure. */
import { clusters } from './postgres-database.ts';
import { dumpPrograms, dumpWorks, type DumpOutcome, type DumpProgram, type DumpSample, type DumpWork } from './postgres-dump.ts';
import { medianOf, megabytes, spreadText, verdictTable, wrapSection, writeHead, type SectionInput, type Verdict } from './section.ts';

export interface DumpReportInput extends SectionInput {
  readonly outcome: DumpOutcome;
}

const titles: Readonly<Record<DumpWork, string>> = {
  first: 'first dump',
  restore: 'restore into a new database',
  unchanged: 'dump, nothing changed',
  changed: 'dump, 1 % changed, never vacuumed',
  vacuumed: 'dump, 1 % changed after VACUUM',
  later: 'dump, the same a day later',
};

export function writeDumpSection(input: DumpReportInput): string {
  const { database, samples, commands } = input.outcome;
  const text = `## dump: a PostgreSQL database of ${megabytes(database.bytes)} MB, ${database.rows.toLocaleString('en')} rows

${writeHead(input, `PostgreSQL ${database.serverVersion} beside the programs`)}

| work | program | wall s | CPU s | peak MB | MB |
|---|---|--:|--:|--:|--:|
${dumpWorks.flatMap((work) => dumpPrograms.flatMap((program) => rowOf(samples, work, program))).join('\n')}

${verdictTable(judgeDumps(samples))}

CPU time is that of the programs; the server's is not in it. MB is the file, or the whole repository, after the work. In each round the programs take
turns, \`restic check\` judges the repository after every dump, and a restored database must have the same rows.
What "1 % changed" adds depends on where the server puts the changed rows. The rows of ${clusters} runs of neighbours are changed three times, other ones each time: first
in a database that was never vacuumed, where they go to the end of their table; then after a VACUUM, when they also fill gaps at the ends of pages and the places
that the first day has left; then after another VACUUM. The last is the every-day case of a server that is well.

\`\`\`
${commands.join('\n')}
\`\`\``;
  return wrapSection('dump', text);
}

/** Each with the work before it, whose repository it adds to. */
const changes = [
  ['unchanged', 'changed'],
  ['changed', 'vacuumed'],
  ['vacuumed', 'later'],
] as const;

/** What was asked for, as ratios of medians. */
export function judgeDumps(samples: readonly DumpSample[]): Verdict[] {
  const [theirs, ours] = dumpPrograms;
  const wall = (program: DumpProgram, work: DumpWork): number => medianOf(valuesOf(samples, program, work, 'wallSeconds'));
  const size = (program: DumpProgram, work: DumpWork): number => medianOf(valuesOf(samples, program, work, 'bytes'));
  return [
    { text: 'first dump: wall ÷ pg_dump \\| gzip', measured: wall(ours, 'first') / wall(theirs, 'first'), most: 0.6 },
    { text: 'first dump: size ÷ pg_dump \\| gzip', measured: size(ours, 'first') / size(theirs, 'first'), most: 0.75 },
    ...changes.map(([before, work]) => ({
      text: `${titles[work].replace('dump, ', '')}: bytes added ÷ first dump`,
      measured: (size(ours, work) - size(ours, before)) / size(ours, 'first'),
      most: 0.05,
    })),
    { text: 'restore: wall ÷ gunzip \\| psql', measured: wall(ours, 'restore') / wall(theirs, 'restore'), most: 1 },
  ];
}

function rowOf(samples: readonly DumpSample[], work: DumpWork, program: DumpProgram): string[] {
  if (valuesOf(samples, program, work, 'bytes').length === 0) return [];
  const show = (metric: Metric, digits: number, unit = 1): string => spreadText(valuesOf(samples, program, work, metric), digits, unit);
  const name = work === 'restore' && program !== 'holdfast' ? 'gunzip \\| psql' : program.replace('|', '\\|');
  return [
    `| ${titles[work]} | ${name} | ${show('wallSeconds', 2)} | ${show('cpuSeconds', 2)} | ${show('peakBytes', 0, 1e6)} | ${show('bytes', 1, 1e6)} |`,
  ];
}

type Metric = 'wallSeconds' | 'cpuSeconds' | 'peakBytes' | 'bytes';

function valuesOf(samples: readonly DumpSample[], program: DumpProgram, work: DumpWork, metric: Metric): number[] {
  return samples.filter((sample) => sample.program === program && sample.work === work).map((sample) => sample[metric]);
}
