import { expect, test } from 'vitest';
import { matching } from '../../../test/harness/programs/expected-text.ts';
import type { RunRecord } from '../../catalog/run-record.ts';
import { alarmsOfEndless, alarmsOfOverdue, type JobHistory } from './overdue-jobs.ts';
import type { PlannedJob } from './plan-jobs.ts';

const now = new Date('2026-11-21T12:00:00Z');
const at = (text: string): Date => new Date(`2026-11-${text}Z`);
const backup: PlannedJob = {
  id: 'backup:0_2_*_*_*',
  kind: 'backup',
  schedule: { cron: '0 2 * * *', timezone: 'UTC' },
  words: ['backup', 'database'],
  components: ['database'],
};
const drill: PlannedJob = { ...backup, id: 'drill:weekly', kind: 'drill', schedule: { cron: '0 5 * * 1', timezone: 'UTC' } };

function ran(began: string, more: Partial<RunRecord> = {}): RunRecord {
  const common = { id: began, kind: 'backup', components: ['database'], trigger: 'schedule', status: 'done', facts: {} } as const;
  return { ...common, began: at(began), host: 'h', user: 'u', pid: 4711, job: backup.id, ...more };
}

const history = (runs: readonly RunRecord[], jobs: readonly PlannedJob[] = [backup]): JobHistory => ({
  application: 'shop',
  now,
  jobs,
  runs,
});
const overdue = (runs: readonly RunRecord[], added = '01T00:00:00', jobs?: readonly PlannedJob[]) =>
  alarmsOfOverdue(history(runs, jobs), () => at(added));

test('what ran when it was due is no alarm, however it ended: of its end somebody else tells', () => {
  expect(overdue([ran('21T02:00:03'), ran('20T02:00:03')])).toEqual([]);
  expect(overdue([ran('21T02:00:03', { status: 'failed' })])).toEqual([]);
  expect(overdue([ran('21T01:59:58')])).toEqual([]);
});

test('what did not run is told with when it was due and what to do', () => {
  expect(overdue([ran('20T02:00:03')])).toMatchObject([
    {
      key: 'missed:backup:0_2_*_*_*',
      event: 'missed',
      severity: 'warning',
      component: 'database',
      title: 'The backup of database was not run when it was due',
      text: matching(/due at 2026-11-21T02:00:00.000Z.*last run began at 2026-11-20T02:00:03.000Z.*holdfast schedule install/),
    },
  ]);
  expect(overdue([])).toHaveLength(1);
});

test('nobody is told of what was due before the job was first seen, or only just now', () => {
  expect(overdue([], '21T09:00:00')).toEqual([]);
  expect(overdue([ran('20T02:00:03')], '01T00:00:00', [{ ...backup, schedule: { cron: '30 11 * * *', timezone: 'UTC' } }])).toHaveLength(1);
  expect(overdue([ran('20T11:30:03')], '01T00:00:00', [{ ...backup, schedule: { cron: '30 11 * * *', timezone: 'UTC' } }])).toEqual([]);
});

test('a backup that somebody makes by hand counts, one of another component and a drill do not', () => {
  const { job: _, ...byHand } = ran('21T03:00:00', { trigger: 'person' });
  expect(overdue([byHand])).toEqual([]);
  expect(overdue([{ ...byHand, components: ['uploads'] }])).toHaveLength(1);
  expect(overdue([{ ...byHand, kind: 'drill' }], '01T00:00:00', [drill])).toHaveLength(1);
});

test('a run of a clock that was a year ahead does not hide that nothing runs', () => {
  const ahead = { ...ran('21T02:00:00'), began: new Date('2027-11-21T02:00:00Z') };
  expect(overdue([ahead, ran('20T02:00:03')])).toHaveLength(1);
});

test('a run that goes on although its job was due again is told, with its process', () => {
  const hangs = ran('20T02:00:03', { status: 'running' });
  expect(alarmsOfEndless(history([hangs]))).toMatchObject([
    {
      key: 'missed:backup:0_2_*_*_*',
      title: 'The backup of database does not end',
      text: matching(/began at 2026-11-20T02:00:03.*kill 4711/),
    },
  ]);
  expect(overdue([hangs])).toEqual([]);
  expect(alarmsOfEndless(history([ran('21T02:00:03', { status: 'running' })]))).toEqual([]);
});
