import { expect, test } from 'vitest';
import type { DumpProgram, DumpSample, DumpWork } from './postgres-dump.ts';
import { judgeDumps } from './postgres-report.ts';
import { replaceSection, sectionOf } from './section.ts';

const sample = (program: DumpProgram, work: DumpWork, wallSeconds: number, bytes: number): DumpSample => ({
  program,
  work,
  round: 1,
  wallSeconds,
  cpuSeconds: 1,
  peakBytes: 1,
  bytes,
});

test('ratios of medians are judged, and what is reached exactly is met', () => {
  const verdicts = judgeDumps([
    sample('pg_dump | gzip', 'first', 10, 1000),
    sample('pg_dump | gzip', 'first', 30, 1000),
    sample('holdfast', 'first', 12, 750),
    sample('holdfast', 'unchanged', 1, 760),
    sample('holdfast', 'changed', 1, 800),
    sample('holdfast', 'vacuumed', 1, 820),
    sample('holdfast', 'later', 1, 830),
    sample('pg_dump | gzip', 'restore', 5, 1000),
    sample('holdfast', 'restore', 6, 750),
  ]);
  expect(verdicts.map(({ measured }) => measured)).toEqual([0.6, 0.75, 40 / 750, 20 / 750, 10 / 750, 1.2]);
  expect(verdicts.map(({ measured, most }) => measured <= most)).toEqual([true, true, false, true, true, false]);
});

test('a new section takes the place of the old one, and everything else stays', () => {
  const section = (text: string): string => `<!-- begin: dump -->\n${text}\n<!-- end: dump -->`;
  const first = replaceSection('# Results\n\nothers\n', 'dump', section('one $& two'));
  expect(first).toBe(`# Results\n\nothers\n\n${section('one $& two')}\n`);
  expect(replaceSection(`${first}\nafter\n`, 'dump', section('three'))).toBe(`# Results\n\nothers\n\n${section('three')}\n\nafter\n`);
  expect(sectionOf(first, 'dump')).toBe(section('one $& two'));
  expect(sectionOf('# Results\n', 'dump')).toBeUndefined();
});
