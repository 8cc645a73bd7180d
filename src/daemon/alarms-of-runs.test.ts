import { expect, test } from 'vitest';
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import { messageOfWal, messagesOf } from './alarms-of-runs.ts';
import { judgeRun } from './judge-run.ts';
import type { Run, RunOutcome } from './run.ts';

const context = { application: 'shop', now: new Date('2026-03-01T03:00:00Z') };

function jobOf(kind: PlannedJob['kind'], name: string): PlannedJob {
  return { id: `${kind}:${name}`, kind, schedule: { cron: '0 2 * * *' }, words: [kind], components: ['database'] };
}

function ended(outcome: RunOutcome, kind: PlannedJob['kind'] = 'backup', attempt = 1) {
  const run: Run = {
    id: 'r',
    kind,
    served: [{ job: jobOf(kind, 'monthly'), due: new Date('2026-03-01T02:00:00Z') }],
    words: [kind],
    components: ['database'],
    trigger: 'schedule',
    attempt,
  };
  return messagesOf({ type: 'ended', run, outcome, judgement: judgeRun(run, outcome, false), seconds: 61 }, context);
}

test('a failure is an alarm with what was said, and what follows', () => {
  const error = { code: 'storage-full', message: 'Cannot write: the disk is full.', hint: 'Make room.' };
  expect(ended({ status: 1, problems: [], error })).toMatchObject([
    {
      raise: {
        key: 'failure:backup:monthly',
        event: 'failure',
        severity: 'critical',
        component: 'database',
        title: 'The backup of database failed',
        text: 'Cannot write: the disk is full. Make room. It is tried again in 10m.',
      },
    },
  ]);
});

test('a success resolves every alarm of the job, and is told', () => {
  expect(ended({ status: 0, problems: [] })).toMatchObject([
    { resolve: 'failure:backup:monthly' },
    { resolve: 'missed:backup:monthly' },
    { resolve: 'lock:backup:monthly' },
    { raise: { event: 'success', severity: 'info', facts: { seconds: '61' } } },
  ]);
});

test('what was not readable is named, a drill that found a difference is an alarm of drills', () => {
  expect(ended({ status: 3, problems: ['/srv/a: permission denied'] })).toMatchObject([
    {
      raise: {
        severity: 'warning',
        title: 'The backup of database is incomplete',
        text: 'Something could not be read:\n- /srv/a: permission denied',
      },
    },
  ]);
  expect(ended({ status: 4, problems: ['database: orders has 49 rows of 50'] }, 'drill')).toMatchObject([
    {
      raise: {
        event: 'drill',
        severity: 'critical',
        title: 'The drill monthly found what must not be',
        text: 'It found:\n- database: orders has 49 rows of 50',
      },
    },
  ]);
});

test('a lock is told only when it stays', () => {
  expect(ended({ status: 11, problems: [] })).toEqual([]);
  expect(ended({ status: 11, problems: [] }, 'backup', 4)).toMatchObject([{ raise: { event: 'lock', key: 'lock:backup:monthly' } }]);
});

test('a receiver that keeps ending is an alarm until it is well', () => {
  const outcome = { status: 1, problems: [] };
  expect(messageOfWal({ type: 'failing', component: 'database', failures: 3, outcome }, context)).toMatchObject({
    raise: { key: 'failure:wal:database', severity: 'critical' },
  });
  expect(messageOfWal({ type: 'well', component: 'database' }, context)).toMatchObject({ resolve: 'failure:wal:database' });
});
