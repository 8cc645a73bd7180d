/** The section of the results about large repositories. Pure. */
import { medianOf, spreadText, verdictTable, wrapSection, writeHead, type SectionInput, type Verdict } from '../section.ts';
import { scaleWorks, type ScaleOutcome, type ScaleRepository, type ScaleSample, type ScaleState, type ScaleWork } from './bench-scale.ts';

export interface ScaleReportInput extends SectionInput {
  readonly outcome: ScaleOutcome;
}

const titles: Readonly<Record<ScaleWork, string>> = {
  open: 'open, find the newest point (`list --latest 1`)',
  list: 'list every point',
  browse: 'list the files of the newest point',
  backup: 'back up, 1 % of the files changed',
  restore: 'restore the newest point',
  prune: 'plan a prune (`prune --dry-run`)',
};
const states: readonly ScaleState[] = ['again', 'first'];

export function writeScaleSection(input: ScaleReportInput): string {
  const { samples, repositories, files } = input.outcome;
  const [small, large] = repositories;
  if (small === undefined || large === undefined) throw new Error('there are no two repositories');
  const text = `## scale: a repository of ${count(large.snapshots)} snapshots and ${count(large.blobs)} blobs

${writeHead(input, 'local disk')}
- small: ${count(small.snapshots)} snapshots, ${count(small.blobs)} blobs; large: ${count(large.snapshots)} snapshots, ${count(large.blobs)} blobs. What is backed up is the same: ${count(files)} small files

| work | small, s | large, s | large ÷ small | large, peak MB |
|---|--:|--:|--:|--:|
${states.flatMap((state) => scaleWorks.flatMap((work) => rowOf(samples, work, state))).join('\n')}

${verdictTable(judgeScale(input.outcome))}

The index files and the snapshots of both repositories are real; the packs they name are not there, but for those of the files that are backed up. Within each work the
two repositories take turns. A machine keeps what it has worked out from a repository (the blob index as it lies in memory, the snapshots) sealed in its cache folder;
"first" is the first time, with nothing kept. Planning a prune trusts nothing that was kept and reads every index file. The memory per million blobs is the peak of the large repository's
backup less that of the small one's, over the blobs that it has more.`;
  return wrapSection('scale', text);
}

/** What was asked for. */
export function judgeScale({ samples, repositories }: ScaleOutcome): Verdict[] {
  const ratio = (work: ScaleWork): number =>
    medianOf(valuesOf(samples, 'large', work, 'again', 'wallSeconds')) / medianOf(valuesOf(samples, 'small', work, 'again', 'wallSeconds'));
  const peak = (name: ScaleRepository['name'], state: ScaleState): number =>
    medianOf(valuesOf(samples, name, 'backup', state, 'peakBytes'));
  const [small, large] = repositories;
  const millions = ((large?.blobs ?? 0) - (small?.blobs ?? 0)) / 1e6;
  const perMillion = (state: ScaleState): number => (peak('large', state) - peak('small', state)) / 1e6 / millions;
  return [
    { text: 'open: wall ÷ small', measured: ratio('open'), most: 2 },
    { text: 'list: wall ÷ small', measured: ratio('list'), most: 2 },
    { text: 'backup: wall ÷ small', measured: ratio('backup'), most: 2 },
    { text: 'memory, MB a million blobs', measured: perMillion('again'), most: 100 },
    { text: 'memory, MB a million blobs, the first time', measured: perMillion('first'), most: 100 },
  ];
}

function rowOf(samples: readonly ScaleSample[], work: ScaleWork, state: ScaleState): string[] {
  const small = valuesOf(samples, 'small', work, state, 'wallSeconds');
  const large = valuesOf(samples, 'large', work, state, 'wallSeconds');
  if (small.length === 0 || large.length === 0) return [];
  const peak = spreadText(valuesOf(samples, 'large', work, state, 'peakBytes'), 0, 1e6);
  const ratio = (medianOf(large) / medianOf(small)).toFixed(2);
  const title = state === 'first' ? `${titles[work]}, first` : titles[work];
  return [`| ${title} | ${spreadText(small, 2)} | ${spreadText(large, 2)} | ${ratio} | ${peak} |`];
}

function valuesOf(
  samples: readonly ScaleSample[],
  repository: ScaleRepository['name'],
  work: ScaleWork,
  state: ScaleState,
  metric: 'wallSeconds' | 'peakBytes',
): number[] {
  return samples
    .filter((sample) => sample.repository === repository && sample.work === work && sample.state === state)
    .map((sample) => sample[metric]);
}

function count(number: number): string {
  return number.toLocaleString('en');
}
