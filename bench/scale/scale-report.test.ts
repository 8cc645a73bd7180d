import { expect, test } from 'vitest';
import { sectionOf } from '../section.ts';
import { scaleWorks, type ScaleOutcome, type ScaleSample } from './bench-scale.ts';
import { judgeScale, writeScaleSection } from './scale-report.ts';

const sample = (repository: 'small' | 'large', wallSeconds: number, peakBytes: number): ScaleSample[] =>
  (['first', 'again'] as const).flatMap((state) =>
    scaleWorks.map((work) => ({
      repository,
      work,
      state,
      wallSeconds,
      cpuSeconds: 1,
      peakBytes: state === 'first' ? 2 * peakBytes : peakBytes,
    })),
  );

const outcome: ScaleOutcome = {
  samples: [...sample('small', 1, 100e6), ...sample('large', 1.5, 500e6), ...sample('large', 2.7, 500e6)],
  repositories: [
    { name: 'small', snapshots: 10, blobs: 10_000 },
    { name: 'large', snapshots: 10_000, blobs: 5_010_000 },
  ],
  files: 1000,
};

test('medians are compared, and memory by the blobs that there are more', () => {
  expect(judgeScale(outcome).map(({ measured }) => Number(measured.toFixed(3)))).toEqual([2.1, 2.1, 2.1, 80, 160]);
  expect(judgeScale(outcome).map(({ measured, most }) => measured <= most)).toEqual([false, false, false, true, false]);
});

test('the section has a row for each work that was measured', () => {
  const machine = { processor: 'p', cores: 2, memoryBytes: 2 ** 30, system: 's', fileSystems: ['ext4', 'ext4'], load: 0 } as const;
  const section = writeScaleSection({ outcome, date: new Date(0), command: 'c', machine, rounds: 2, scale: 1 });
  expect(sectionOf(section, 'scale')).toBe(section);
  expect(section).toContain('| list every point | 1.00 | 2.10 (1.50–2.70) | 2.10 | 500 (500–500) |');
  expect(section.split('\n').filter((line) => line.includes('| 2.10 |'))).toHaveLength(2 * scaleWorks.length);
});
