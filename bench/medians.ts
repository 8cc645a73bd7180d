/** Medians and spreads of the samples of one program doing one thing. */
import type { DatasetName } from './datasets/dataset.ts';
import type { Sample } from './round.ts';
import type { ScenarioName } from './scenarios.ts';

export const metricNames = ['wallSeconds', 'cpuSeconds', 'peakBytes', 'repositoryBytes'] as const;
export type MetricName = (typeof metricNames)[number];

export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Question {
  readonly program: string;
  readonly set: DatasetName;
  readonly scenario: ScenarioName;
}

/** Looks the samples up; undefined when there are none. */
export function spreadOf(samples: readonly Sample[], question: Question, metric: MetricName): Spread | undefined {
  const values = samples
    .filter((sample) => sample.program === question.program && sample.set === question.set && sample.scenario === question.scenario)
    .map((sample) => sample[metric])
    .toSorted((a, b) => a - b);
  const lowest = values[0];
  const highest = values.at(-1);
  if (lowest === undefined || highest === undefined) return undefined;
  const upper = values[Math.floor(values.length / 2)] ?? highest;
  const lower = values[Math.floor((values.length - 1) / 2)] ?? lowest;
  return { median: (lower + upper) / 2, lowest, highest };
}
