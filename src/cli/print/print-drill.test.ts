import { expect, test } from 'vitest';
import type { DrillReport } from '../../operations/drill/drill-report.ts';
import { RunFactsListener } from '../run-facts.ts';
import { recordsOfDrillFindings } from './print-drill.ts';

const id = 'a'.repeat(64);
const component = { kind: 'files', point: id, snapshot: id, seconds: 1, steps: [], bytes: 1, compared: {}, remarks: [] };
const report: Omit<DrillReport, 'previous'> = {
  format: 1,
  id: '0123456789abcdef',
  application: 'shop',
  drill: 'daily',
  kind: 'restore',
  repository: { id, location: '/backups' },
  point: { id, time: '2026-11-20T02:00:00Z', host: 'vault' },
  began: '2026-11-20T05:00:00Z',
  ended: '2026-11-20T05:01:00Z',
  seconds: 60,
  withinSeconds: 3600,
  verdict: 'disproved',
  by: { user: 'root', host: 'vault', trigger: 'schedule' },
  versions: {},
  components: [
    { ...component, name: 'database', verdict: 'disproved', mismatches: ['orders has 49 rows of 50'] },
    { ...component, name: 'uploads', verdict: 'proven', mismatches: [] },
    {
      ...component,
      name: 'code',
      verdict: 'disproved',
      mismatches: [],
      error: { code: 'git-failed', message: 'Cannot fetch: it is gone.', hint: 'Push.' },
    },
  ],
  steps: [],
  assertions: [
    { name: 'select true', passed: true, seconds: 0 },
    { name: 'sh ./check.sh', passed: false, seconds: 0, reason: 'a file is missing' },
  ],
  findings: ['the pack 12 is not there'],
  remarks: [],
};

test('each thing that a drill found is a record, and whoever listens to the run hears it', () => {
  const listener = new RunFactsListener();
  for (const record of recordsOfDrillFindings(report)) listener.hear(record);
  expect(listener.findings).toEqual([
    'the repository: the pack 12 is not there',
    'database: orders has 49 rows of 50',
    'code: Cannot fetch: it is gone.',
    'sh ./check.sh: a file is missing',
  ]);
});

test('of very many findings the first few are remembered', () => {
  const listener = new RunFactsListener();
  for (let count = 0; count < 100; count += 1)
    listener.hear({ message_type: 'error', item: `pack ${count}`, error: { message: `${'x'.repeat(1000)}\u001b[31m` }, during: 'check' });
  expect(listener.findings).toHaveLength(12);
  expect(listener.findings[0]?.length).toBeLessThanOrEqual(500);
});
