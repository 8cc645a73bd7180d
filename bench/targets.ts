/** What holdfast must reach, as data, and whether it does. */
import type { DatasetName } from './datasets/dataset.ts';
import { spreadOf, type MetricName } from './medians.ts';
import type { Sample } from './round.ts';
import type { ScenarioName } from './scenarios.ts';

export interface Target {
  readonly set: DatasetName;
  readonly scenario: ScenarioName;
  readonly metric: MetricName;
  /** At most this many times the other program's figure, or at most this many bytes. */
  readonly limit: { readonly times: number; readonly program: 'restic' | 'borg' } | { readonly bytes: number };
}

export interface Verdict {
  readonly target: Target;
  readonly outcome: 'met' | 'missed' | 'not measured';
  /** The median of holdfast, in the metric's unit. */
  readonly measured?: number;
  /** What it may be at most. */
  readonly allowed?: number;
}

const sets: readonly DatasetName[] = ['small', 'mixed', 'sql'];
const large: readonly DatasetName[] = ['mixed', 'sql'];
const backups: readonly ScenarioName[] = ['first', 'unchanged', 'changed'];
const heavy: readonly ScenarioName[] = ['first', 'restore'];

export const targets: readonly Target[] = [
  ...heavy.flatMap((scenario) =>
    sets.flatMap((set): Target[] => [
      { set, scenario, metric: 'wallSeconds', limit: { times: 0.55, program: 'restic' } },
      { set, scenario, metric: 'wallSeconds', limit: { times: 1, program: 'borg' } },
    ]),
  ),
  { set: 'small', scenario: 'unchanged', metric: 'wallSeconds', limit: { times: 0.33, program: 'restic' } },
  ...large.flatMap((set) => backups.map((scenario): Target => ({ set, scenario, metric: 'peakBytes', limit: { bytes: 160e6 } }))),
  ...backups.map((scenario): Target => ({ set: 'small', scenario, metric: 'peakBytes', limit: { times: 1, program: 'restic' } })),
  ...sets.map((set): Target => ({ set, scenario: 'restore', metric: 'peakBytes', limit: { times: 1, program: 'restic' } })),
  ...sets.flatMap((set) =>
    backups.map((scenario): Target => ({ set, scenario, metric: 'repositoryBytes', limit: { times: 1.02, program: 'restic' } })),
  ),
];

/** Judges every target by the medians. */
export function judgeTargets(samples: readonly Sample[]): Verdict[] {
  return targets.map((target) => {
    const measured = spreadOf(samples, { ...target, program: 'holdfast' }, target.metric)?.median;
    const allowed = allowedBy(target, samples);
    if (measured === undefined || allowed === undefined) return { target, outcome: 'not measured' };
    return { target, outcome: measured <= allowed ? 'met' : 'missed', measured, allowed };
  });
}

function allowedBy({ limit, ...question }: Target, samples: readonly Sample[]): number | undefined {
  if ('bytes' in limit) return limit.bytes;
  const theirs = spreadOf(samples, { ...question, program: limit.program }, question.metric)?.median;
  return theirs === undefined ? undefined : theirs * limit.times;
}
