import type { Alarm } from '../alarm.ts';

/** An alarm as a backup that failed raises it. */
export function sampleAlarm(at: Date, change: Partial<Alarm> = {}): Alarm {
  return {
    key: 'failure:backup:database',
    event: 'failure',
    severity: 'critical',
    application: 'shop',
    component: 'database',
    title: 'Backup of database failed',
    text: 'Cannot reach the server.',
    facts: { repository: 'offsite' },
    at,
    ...change,
  };
}
