/** The results as Markdown. Pure: everything it says is handed in. */
import type { Dataset } from './datasets/dataset.ts';
import type { Machine } from './machine.ts';
import { spreadOf, type MetricName, type Spread } from './medians.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Sample } from './round.ts';
import { scenarioTitles, type ScenarioName } from './scenarios.ts';
import { judgeTargets, type Target, type Verdict } from './targets.ts';

export interface ReportInput {
  readonly date: Date;
  readonly command: string;
  readonly machine: Machine;
  readonly versions: ReadonlyMap<string, string>;
  readonly peers: readonly Peer[];
  readonly datasets: readonly Pick<Dataset, 'name' | 'files' | 'bytes'>[];
  readonly scenarios: readonly ScenarioName[];
  readonly rounds: number;
  readonly scale: number;
  /** The commands of one round as they were run, without the environment. */
  readonly commands: readonly string[];
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

const metricTitles: Readonly<Record<MetricName, string>> = {
  wallSeconds: 'wall',
  cpuSeconds: 'CPU',
  peakBytes: 'peak memory',
  repositoryBytes: 'repository',
};

/** The whole file. */
export function writeReport(input: ReportInput): string {
  const parts = [
    `# Results of \`npm run bench\`\n\n${introduction(input)}`,
    ...input.datasets.map(
      (dataset) =>
        `## ${dataset.name}: ${dataset.files.toLocaleString('en')} files, ${megabytes(dataset.bytes)}\n\n${resultTable(input, dataset.name)}`,
    ),
    input.failures.length > 0 ? `## Failures\n\n${input.failures.map(failureLine).join('\n')}` : '',
    `## Targets\n\n${targetTable(judgeTargets(input.samples))}`,
    `## How it was measured\n\n${method(input)}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function introduction({ date, command, machine, peers, versions, rounds, scale }: ReportInput): string {
  const programs = peers.map((peer) => `- ${peer.name}: ${versions.get(peer.name) ?? 'version unknown'}; ${peer.settings}`);
  const trial = scale === 1 ? [] : [`- **A trial with data of ${scale} times the size: the figures mean nothing.**`];
  return [
    `- Date: ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC; \`${command}\`; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, medians`,
    `- Machine: ${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ${machine.system}`,
    `- Data on ${machine.fileSystems[0]}, repositories and restored files on ${machine.fileSystems[1]}; load before the first measurement ${machine.load.toFixed(2)}`,
    ...programs,
    ...trial,
  ].join('\n');
}

function resultTable(input: ReportInput, set: Dataset['name']): string {
  const lines = [
    '| work | program | wall s | CPU s | peak MB | repository MB | wall ÷ restic | wall ÷ borg |',
    '|---|---|--:|--:|--:|--:|--:|--:|',
  ];
  for (const scenario of input.scenarios) {
    for (const { name: program } of input.peers) {
      const get = (metric: MetricName, of = program): Spread | undefined => spreadOf(input.samples, { program: of, set, scenario }, metric);
      const wall = get('wallSeconds');
      const cells = [
        scenarioTitles[scenario],
        program,
        withSpread(wall, (value) => value.toFixed(2)),
        withSpread(get('cpuSeconds'), (value) => value.toFixed(2)),
        withSpread(get('peakBytes'), (value) => (value / 1e6).toFixed(0)),
        ((get('repositoryBytes')?.median ?? Number.NaN) / 1e6).toFixed(1).replace('NaN', '–'),
        ratio(wall, get('wallSeconds', 'restic')),
        ratio(wall, get('wallSeconds', 'borg')),
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

function targetTable(verdicts: readonly Verdict[]): string {
  const lines = ['| set | work | target | allowed | measured | |', '|---|---|---|--:|--:|---|'];
  for (const { target, outcome, allowed, measured } of verdicts) {
    const show = (value: number | undefined): string => (value === undefined ? '–' : inUnit(target.metric, value));
    lines.push(
      `| ${target.set} | ${scenarioTitles[target.scenario]} | ${targetText(target)} | ${show(allowed)} | ${show(measured)} | ${outcome === 'missed' ? '**missed**' : outcome} |`,
    );
  }
  const count = (outcome: Verdict['outcome']): number => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  return `${count('met')} met, ${count('missed')} missed, ${count('not measured')} not measured.\n\n${lines.join('\n')}`;
}

function targetText({ metric, limit }: Target): string {
  const most = 'bytes' in limit ? megabytes(limit.bytes) : `${limit.times} × ${limit.program}'s`;
  return `${metricTitles[metric]} at most ${most}`;
}

function method(input: ReportInput): string {
  return `Every round begins with new repositories and empty caches of the programs' own; within a scenario the programs take turns, and the rounds follow each
other. All the data is read once before a round, so that it comes from memory for everybody; \`sync\` runs before every measurement. Wall time, CPU
time (user and system, with all child processes) and peak memory (the largest resident set of one process) are GNU time's. MB are 1 000 000 bytes; the
repository is the sum of its files' sizes after the work. Programs run as they are by default, with their own idea of fsync and of
how much unused space a prune may leave (restic: 5 %). In the table a median
is followed by the lowest and the highest value where there were several rounds.

Work is compared before speed: every restore must bring back as many files and bytes as there were, on the first round the same bytes, modes and times; what
holdfast writes must pass stock \`restic check\` after every backup and prune. A program that fails takes no further part in its round and is listed under Failures.
Before "1 % changed", one per cent of the files (small), of the files and of the bytes of large files (mixed), or of the rows in 64 clusters (sql) is rewritten;
restore and prune come after it.

\`\`\`
${input.commands.join('\n')}
\`\`\``;
}

function failureLine({ program, set, scenario, reason }: Failure): string {
  return `- ${program}, ${set}, ${scenario}: ${reason.replaceAll(/\s+/g, ' ').slice(0, 600)}`;
}

function withSpread(spread: Spread | undefined, show: (value: number) => string): string {
  if (spread === undefined) return '–';
  const [median, lowest, highest] = [show(spread.median), show(spread.lowest), show(spread.highest)];
  return lowest === highest ? median : `${median} (${lowest}–${highest})`;
}

function ratio(ours: Spread | undefined, theirs: Spread | undefined): string {
  return ours === undefined || theirs === undefined || theirs.median === 0 ? '–' : (ours.median / theirs.median).toFixed(2);
}

function inUnit(metric: MetricName, value: number): string {
  return metric === 'wallSeconds' || metric === 'cpuSeconds' ? `${value.toFixed(2)} s` : megabytes(value);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}
