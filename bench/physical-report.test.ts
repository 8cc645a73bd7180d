import { expect, test } from 'vitest';
import type { CopierName } from './physical-copiers.ts';
import { judgePhysical } from './physical-report.ts';
import type { PhysicalSample, PhysicalWork } from './postgres-physical.ts';

const sample = (program: CopierName, work: PhysicalWork, wallSeconds: number, addedBytes: number, segments?: number): PhysicalSample => ({
  program,
  work,
  round: 1,
  wallSeconds,
  cpuSeconds: 1,
  peakBytes: program === 'holdfast' ? 201e6 : 1e6,
  addedBytes,
  ...(segments === undefined ? {} : { segments }),
});

test('ratios of medians are judged, the log by the segment', () => {
  const all = (program: CopierName, full: number, increment: number, wal: number, segments: number, recovery: number): PhysicalSample[] => [
    sample(program, 'full', full, 1000),
    sample(program, 'increment', 1, increment),
    sample(program, 'wal', wal, 1, segments),
    sample(program, 'recovery', recovery, 0),
  ];
  const verdicts = judgePhysical([
    ...all('pgBackRest', 100, 1000, 20, 10, 10),
    ...all('pgBackRest zst aes', 40, 500, 10, 10, 8),
    ...all('holdfast', 40, 60, 5, 5, 9),
  ]);
  expect(verdicts.map(({ measured }) => measured)).toEqual([0.4, 1, 0.06, 0.12, 0.9, 1.125, 0.5, 1, 201]);
  expect(verdicts.map(({ measured, most }) => measured <= most)).toEqual([true, true, true, false, true, false, true, false, false]);
});
