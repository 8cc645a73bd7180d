import { expect, test } from 'vitest';
import { spreadOf } from './medians.ts';
import type { Sample } from './round.ts';
import { judgeTargets, targets, type Verdict } from './targets.ts';

function sample(program: string, figures: Partial<Sample>): Sample {
  return {
    program,
    set: 'small',
    scenario: 'unchanged',
    round: 1,
    wallSeconds: 1,
    cpuSeconds: 1,
    peakBytes: 100e6,
    repositoryBytes: 50e6,
    ...figures,
  };
}

function outcomeOf(verdicts: readonly Verdict[], metric: string): string | undefined {
  return verdicts.find(({ target }) => target.set === 'small' && target.scenario === 'unchanged' && target.metric === metric)?.outcome;
}

test('the median of an odd and of an even number of rounds, with the extremes', () => {
  const question = { program: 'restic', set: 'small', scenario: 'unchanged' } as const;
  const three = [3, 1, 10].map((wallSeconds) => sample('restic', { wallSeconds }));
  expect(spreadOf(three, question, 'wallSeconds')).toEqual({ median: 3, lowest: 1, highest: 10 });
  expect(spreadOf(three.slice(0, 2), question, 'wallSeconds')).toEqual({ median: 2, lowest: 1, highest: 3 });
  expect(spreadOf(three, { ...question, program: 'borg' }, 'wallSeconds')).toBeUndefined();
});

test('a limit that is reached exactly is met, the slightest above is missed', () => {
  const restic = sample('restic', {});
  const judge = (figures: Partial<Sample>): Verdict[] => judgeTargets([restic, sample('holdfast', figures)]);
  expect(outcomeOf(judge({ wallSeconds: 0.33 }), 'wallSeconds')).toBe('met');
  expect(outcomeOf(judge({ wallSeconds: 0.331 }), 'wallSeconds')).toBe('missed');
  expect(outcomeOf(judge({ repositoryBytes: 51e6 }), 'repositoryBytes')).toBe('met');
  expect(outcomeOf(judge({ repositoryBytes: 51.1e6 }), 'repositoryBytes')).toBe('missed');
});

test('memory on large files is held against a number of bytes', () => {
  const verdicts = judgeTargets([sample('holdfast', { set: 'sql', scenario: 'first', peakBytes: 160_000_001 })]);
  const verdict = verdicts.find(({ target }) => target.set === 'sql' && target.scenario === 'first' && target.metric === 'peakBytes');
  expect(verdict).toMatchObject({ outcome: 'missed', allowed: 160e6, measured: 160_000_001 });
});

test('nothing is met that was not measured on both sides', () => {
  expect(new Set(judgeTargets([sample('restic', {}), sample('borg', {})]).map(({ outcome }) => outcome))).toEqual(
    new Set(['not measured']),
  );
  expect(outcomeOf(judgeTargets([sample('holdfast', {})]), 'wallSeconds')).toBe('not measured');
});

test('first backup and restore are held against restic and borg on every set', () => {
  for (const set of ['small', 'mixed', 'sql']) {
    for (const scenario of ['first', 'restore']) {
      const limits = targets
        .filter((target) => target.set === set && target.scenario === scenario && target.metric === 'wallSeconds')
        .map(({ limit }) => limit);
      expect(limits).toEqual([
        { times: 0.55, program: 'restic' },
        { times: 1, program: 'borg' },
      ]);
    }
  }
});
