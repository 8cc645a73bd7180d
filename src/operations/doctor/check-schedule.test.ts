import { expect, test } from 'vitest';
import { anyOf, containing } from '../../../test/harness/programs/expected-text.ts';
import type { RunRecord } from '../../catalog/run-record.ts';
import type { PlannedJob } from '../jobs/plan-jobs.ts';
import { checkFired, type FiredQuestion } from './check-schedule.ts';

const job: PlannedJob = {
  id: 'backup:0_2_*_*_*',
  kind: 'backup',
  schedule: { cron: '0 2 * * *', timezone: 'UTC' },
  words: ['backup', 'database'],
  components: ['database'],
};
const since = new Date('2027-01-01T00:00:00Z');
const run: RunRecord = {
  id: '1',
  kind: 'backup',
  components: [],
  trigger: 'schedule',
  began: new Date('2027-03-01T02:00:10Z'),
  ended: new Date('2027-03-01T02:05:00Z'),
  status: 'done',
  facts: {},
  host: 'web1',
  user: 'root',
  pid: 7,
};
const at = (time: string, more: Partial<FiredQuestion> = {}) =>
  checkFired({ job, last: run, since, now: new Date(`2027-03-${time}Z`), ...more });

test('a job that ran when it was due is well until it is due again, and a while longer', () => {
  for (const time of ['01T09:00:00', '02T01:59:00', '02T02:30:00'])
    expect(at(time)).toMatchObject({ status: 'ok', what: containing('ended well; it is due next at') });
});

test('one that did not run when it was due has failed, and is told how to do it now', () => {
  expect(at('02T09:00:00')).toMatchObject({
    name: 'schedule: backup:0_2_*_*_*',
    status: 'failed',
    what: 'it was due at 2027-03-02T02:00:00.000Z, and did not run (the last time it did was 2027-03-01T02:00:10.000Z)',
    do: 'See what ran, and do it now:\nholdfast history\nholdfast backup database',
  });
  expect(at('02T09:00:00', { last: undefined })).toMatchObject({ status: 'failed' });
});

test('before anything had it to run, nothing was missed', () => {
  expect(at('02T09:00:00', { last: undefined, since: new Date('2027-03-02T08:00:00Z') })).toMatchObject({
    status: 'ok',
    what: 'it has not run yet; it is due next at 2027-03-03T02:00:00.000Z',
  });
  expect(at('02T09:00:00', { last: undefined, since: undefined })).toMatchObject({ status: 'ok' });
});

test('one that still runs is not late', () => {
  expect(at('02T09:00:00', { last: { ...run, status: 'running' } })).toMatchObject({ status: 'ok', what: containing('it runs, since') });
});

test('one that ran and failed says why', () => {
  const error = { code: 'storage-full', message: 'Cannot write: the disk is full.', hint: 'Free space.' };
  expect(at('01T09:00:00', { last: { ...run, status: 'failed', error } })).toMatchObject({
    status: 'failed',
    what: containing('was failed: Cannot write: the disk is full'),
    do: 'Free space.',
  });
  expect(at('01T09:00:00', { last: { ...run, status: 'partial' } })).toMatchObject({ status: 'warning', do: anyOf(String) });
});

test('jitter and looking for changes have their time', () => {
  const jittered: PlannedJob = { ...job, id: 'backup:x', schedule: { ...job.schedule, jitterMs: 12 * 3_600_000 } };
  expect(at('02T03:00:30', { job: jittered })).toMatchObject({ status: 'ok' });
  const looking: PlannedJob = { ...job, schedule: { onChange: true, everyMs: 1_800_000 } };
  expect(at('01T05:00:00', { job: looking })).toMatchObject({ status: 'ok' });
  expect(at('01T12:00:00', { job: looking })).toMatchObject({ status: 'failed' });
});
