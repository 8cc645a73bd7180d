/** The section of the results about an object store. Pure. */
import { storePeers, storeWorks, type StoreOutcome, type StoreSample, type StoreWork } from './object-store.ts';
import { medianOf, megabytes, spreadText, verdictTable, wrapSection, writeHead, type SectionInput, type Verdict } from './section.ts';

export interface StoreReportInput extends SectionInput {
  readonly outcome: StoreOutcome;
}

const titles: Readonly<Record<StoreWork, string>> = { first: 'first backup', changed: 'backup, 1 % changed', restore: 'restore' };

export function writeStoreSection(input: StoreReportInput): string {
  const { dataset, samples, versions } = input.outcome;
  const text = `## s3: ${dataset.files.toLocaleString('en')} files, ${megabytes(dataset.bytes)} MB, on Ceph's S3 gateway

${writeHead(input, 'Ceph in memory beside the programs')}
- ${versions.join(', ')}; defaults of each, with their caches

| work | program | wall s | CPU s | peak MB | requests |
|---|---|--:|--:|--:|--:|
${storeWorks.flatMap((work) => storePeers.map(({ name }) => rowOf(samples, work, name))).join('\n')}

${verdictTable(judgeStore(samples))}

Each round has a store of its own, and who begins changes. What was restored is counted, and in the first round compared byte by byte. Requests are counted by a proxy in a pass
of its own that is not timed.`;
  return wrapSection('s3', text);
}

/** What was asked for, as ratios of medians. */
function judgeStore(samples: readonly StoreSample[]): Verdict[] {
  const ratio = (work: StoreWork, of: (sample: StoreSample) => number | undefined): number => {
    const [theirs, ours] = storePeers.map(({ name }) => medianOf(valuesOf(samples, work, name, of)));
    return (ours ?? Number.NaN) / (theirs ?? Number.NaN);
  };
  const wall = (sample: StoreSample): number | undefined => (sample.requests === undefined ? sample.wallSeconds : undefined);
  return [
    { text: 'first backup: wall ÷ restic', measured: ratio('first', wall), most: 0.6 },
    { text: 'backup, 1 % changed: wall ÷ restic', measured: ratio('changed', wall), most: 0.6 },
    { text: 'restore: wall ÷ restic', measured: ratio('restore', wall), most: 0.6 },
    ...storeWorks.map((work) => ({
      text: `${titles[work]}: requests ÷ restic`,
      measured: ratio(work, ({ requests }) => requests),
      most: 1,
    })),
  ];
}

function rowOf(samples: readonly StoreSample[], work: StoreWork, program: string): string {
  const timed = samples.filter(({ requests }) => requests === undefined);
  const show = (of: (sample: StoreSample) => number, digits: number, unit = 1): string =>
    spreadText(valuesOf(timed, work, program, of), digits, unit);
  const requests = valuesOf(samples, work, program, (sample) => sample.requests);
  return `| ${titles[work]} | ${program} | ${show(({ wallSeconds }) => wallSeconds, 2)} | ${show(({ cpuSeconds }) => cpuSeconds, 2)} | ${show(({ peakBytes }) => peakBytes, 0, 1e6)} | ${spreadText(requests, 0)} |`;
}

function valuesOf(
  samples: readonly StoreSample[],
  work: StoreWork,
  program: string,
  of: (sample: StoreSample) => number | undefined,
): number[] {
  return samples.filter((sample) => sample.work === work && sample.program === program).flatMap((sample) => of(sample) ?? []);
}
