/** The section of the results about base backups and the write-ahead log. Pure. */
import { copierNames, type CopierName } from './physical-copiers.ts';
import { physicalWorks, type PhysicalOutcome, type PhysicalSample, type PhysicalWork } from './postgres-physical.ts';
import { medianOf, megabytes, spreadText, verdictTable, wrapSection, writeHead, type SectionInput, type Verdict } from './section.ts';

export interface PhysicalReportInput extends SectionInput {
  readonly outcome: PhysicalOutcome;
}

const titles: Readonly<Record<PhysicalWork, string>> = {
  full: 'full backup',
  increment: 'increment',
  wal: 'write-ahead log, a segment',
  recovery: 'restore and recovery to a moment',
};
const [plain, dense, ours] = copierNames;

export function writePhysicalSection(input: PhysicalReportInput): string {
  const { database, samples, changed, versions } = input.outcome;
  const text = `## physical: a PostgreSQL server of ${megabytes(database.bytes)} MB, ${database.rows.toLocaleString('en')} rows, ${(changed * 100).toFixed(1)} % of all pages changed

${writeHead(input, `PostgreSQL ${database.serverVersion} beside the programs`)}
- ${versions.join(', ')}: as it is without settings; and with compress-type=zst, repo1-cipher-type=aes-256-cbc, process-max=2
- holdfast: defaults, built package; it encrypts always

| work | program | wall s | CPU s | peak MB | MB added |
|---|---|--:|--:|--:|--:|
${physicalWorks.flatMap((work) => copierNames.flatMap((program) => rowOf(samples, work, program))).join('\n')}

${verdictTable(judgePhysical(samples))}

Each round has a server of its own. The programs take turns within each work: a full backup; one row changed on every tenth page of the larger table (of its indexes none), and an increment; more
work, the moment to go back to, and a change that must not be there then; all the write-ahead log since the beginning; and the way back, from the increment and the log to that
moment, until the server is no longer in recovery. The rows must then be those of that moment. All begin with a checkpoint at once.
For pgBackRest \`archive-push\` is run for one finished segment after the other, as the server does; its backups do not wait for the log (\`--no-archive-check\`). holdfast's figure is that of
\`wal stream --once\`, which catches up with all of it over the replication protocol. CPU time is that of the programs: pgBackRest reads the files itself, for holdfast the server reads and sends
them, which is in the wall time but not in the CPU time; nor is the server's own work while it recovers, for both. The peak is that of the largest process; pgBackRest has several. In the recovery
holdfast runs the server itself, with its 512 MB of shared buffers: that is the largest process there, while pgBackRest leaves the start to others.
`;
  return wrapSection('physical', text.trimEnd());
}

/** What was asked for, as ratios of medians. */
export function judgePhysical(samples: readonly PhysicalSample[]): Verdict[] {
  const median = (program: CopierName, work: PhysicalWork, metric: Metric): number => medianOf(valuesOf(samples, program, work, metric));
  const ratio = (work: PhysicalWork, metric: Metric, other: CopierName): number => median(ours, work, metric) / median(other, work, metric);
  // In a recovery the largest process is the PostgreSQL server that holdfast runs.
  const peak = Math.max(...physicalWorks.filter((work) => work !== 'recovery').map((work) => median(ours, work, 'peakBytes')));
  return [
    { text: `full backup: wall ÷ ${plain}`, measured: ratio('full', 'wallSeconds', plain), most: 0.4 },
    { text: `full backup: wall ÷ ${dense}`, measured: ratio('full', 'wallSeconds', dense), most: 1 },
    { text: `increment: bytes ÷ ${plain}`, measured: ratio('increment', 'addedBytes', plain), most: 0.1 },
    { text: `increment: bytes ÷ ${dense}`, measured: ratio('increment', 'addedBytes', dense), most: 0.1 },
    { text: `restore and recovery: wall ÷ ${plain}`, measured: ratio('recovery', 'wallSeconds', plain), most: 1 },
    { text: `restore and recovery: wall ÷ ${dense}`, measured: ratio('recovery', 'wallSeconds', dense), most: 1 },
    { text: `write-ahead log: wall ÷ archive-push, ${plain}`, measured: ratio('wal', 'wallSeconds', plain), most: 0.6 },
    { text: `write-ahead log: wall ÷ archive-push, ${dense}`, measured: ratio('wal', 'wallSeconds', dense), most: 0.6 },
    { text: 'peak memory of backups and log, MB', measured: peak / 1e6, most: 200 },
  ];
}

type Metric = 'wallSeconds' | 'cpuSeconds' | 'peakBytes' | 'addedBytes';

function rowOf(samples: readonly PhysicalSample[], work: PhysicalWork, program: CopierName): string[] {
  if (valuesOf(samples, program, work, 'addedBytes').length === 0) return [];
  const digits = work === 'wal' ? 3 : 2;
  const show = (metric: Metric, places: number, unit = 1): string => spreadText(valuesOf(samples, program, work, metric), places, unit);
  const added = work === 'recovery' ? '–' : show('addedBytes', work === 'wal' ? 2 : 1, 1e6);
  return [
    `| ${titles[work]} | ${program} | ${show('wallSeconds', digits)} | ${show('cpuSeconds', digits)} | ${show('peakBytes', 0, 1e6)} | ${added} |`,
  ];
}

/** The write-ahead log is told by the segment, all but its memory. */
function valuesOf(samples: readonly PhysicalSample[], program: CopierName, work: PhysicalWork, metric: Metric): number[] {
  return samples
    .filter((sample) => sample.program === program && sample.work === work)
    .map((sample) => (metric === 'peakBytes' ? sample[metric] : sample[metric] / (sample.segments ?? 1)));
}
