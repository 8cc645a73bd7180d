import { expect, test } from 'vitest';
import { matching } from '../../../test/harness/programs/expected-text.ts';
import { alarmsOfStatus } from './status-alarms.ts';
import type { StatusRecord } from './status-record.ts';

const long = new Date('2026-01-01T00:00:00Z');

function standing(rest: Partial<StatusRecord>): StatusRecord {
  const time = '2026-11-21T12:00:00.000Z';
  return {
    message_type: 'application_status',
    application: 'shop',
    time,
    verdict: 'met',
    components: [],
    repositories: [],
    drills: [],
    ...rest,
  };
}

function saved(time: string): StatusRecord['components'][number] {
  return { name: 'uploads', newest: { time, point: '0123abcd', size: 1 }, shrunk: false, anomalies: [] };
}

test('a point of the future is an alarm: it would hide for as long that nothing is saved', () => {
  expect(alarmsOfStatus(standing({ components: [saved('2027-11-20T12:00:00.000Z')] }), long)).toMatchObject([
    {
      key: 'clock:uploads',
      event: 'anomaly',
      severity: 'critical',
      component: 'uploads',
      text: matching(/2027-11-20.*clock of this machine.*holdfast forget 0123abcd/),
    },
  ]);
  expect(alarmsOfStatus(standing({ components: [saved('2026-11-21T12:04:00.000Z')] }), long)).toEqual([]);
});

test('a repository that does not get its copies is an alarm', () => {
  const place = (name: string, newest?: string): StatusRecord['repositories'][number] => ({
    name,
    reachable: true,
    drill_problems: [],
    ...(newest === undefined ? {} : { newest }),
  });
  const [fresh, old] = [place('local', '2026-11-21T02:00:00.000Z'), place('offsite', '2026-11-18T02:00:00.000Z')];
  expect(alarmsOfStatus(standing({ repositories: [fresh, old] }), long)).toMatchObject([
    {
      key: 'copy-behind:offsite',
      event: 'missed',
      text: matching(/newest point is of 2026-11-18.*holdfast copy --repo offsite --from-repo local --missed/),
    },
  ]);
  expect(alarmsOfStatus(standing({ repositories: [fresh, place('offsite')] }), long)).toMatchObject([{ key: 'copy-behind:offsite' }]);
  // One that is new gets its first copy with the next backup.
  expect(alarmsOfStatus(standing({ repositories: [fresh, place('offsite')] }), new Date('2026-11-21T01:00:00Z'))).toEqual([]);
  expect(alarmsOfStatus(standing({ repositories: [fresh, place('offsite', '2026-11-20T02:00:00.000Z')] }), long)).toEqual([]);
});
