import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { createMemoryAlarmStore } from '../observe/notify/memory-alarm-store.ts';
import { createNotifier } from '../observe/notify/notifier.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import { createExaminer } from './examine-application.ts';

test('that nobody can look is an alarm, and ends when somebody can; what is wrong with jobs is told with it', async () => {
  const [long, now] = [new Date('2026-01-01T00:00:00Z'), { at: new Date('2026-11-21T12:00:00Z') }];
  const clock = { now: () => now.at };
  const notifier = createNotifier({ application: 'shop', routes: [], store: createMemoryAlarmStore(), clock, host: 'vault' });
  const record = {
    message_type: 'application_status',
    application: 'shop',
    time: '2026-11-21T12:00:00.000Z',
    verdict: 'met',
    components: [],
    repositories: [],
    drills: [],
  };
  let script = 'echo it hangs >&2; exit 1';
  const endless: Alarm = {
    key: 'missed:backup:daily',
    event: 'missed',
    severity: 'warning',
    application: 'shop',
    title: 'The backup does not end',
    text: '',
    facts: {},
    at: now.at,
  };
  const examiner = createExaminer({
    clock,
    order: () => ({ program: { file: '/bin/sh', args: ['-c', script] }, words: [], environment: {}, folder: tmpdir() }),
    since: () => long,
    ofJobs: () => [endless],
    application: () => 'shop',
  });
  await expect(examiner.examine(notifier, undefined)).rejects.toThrow('it hangs');
  expect(notifier.openAlarms().map(({ alarm }) => alarm)).toMatchObject([
    { key: 'daemon:standing', event: 'daemon', severity: 'warning', text: containing('it hangs') },
  ]);
  now.at = new Date('2026-11-21T13:00:01Z');
  script = `echo '${JSON.stringify(record)}'`;
  await examiner.examine(notifier, undefined);
  expect(notifier.openAlarms().map(({ alarm }) => alarm.key)).toEqual(['missed:backup:daily']);
});
