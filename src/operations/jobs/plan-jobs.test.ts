import { expect, test } from 'vitest';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { planJobs, wordsOfJob } from './plan-jobs.ts';

function plan(text: string) {
  const parsed = parseConfiguration(text, { file: '/srv/app/holdfast.yaml', environment: {} });
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return planJobs(parsed.configuration);
}

const whole = `
application: shop
timezone: Europe/Berlin
repositories:
  local: { url: /backups, keep: { daily: 7 } }
  offsite: { url: /mnt/offsite, limits: { hours: '22:00-06:00' } }
components:
  database: { postgres: { url: 'postgresql:///shop', mode: both }, schedule: '0 2 * * *' }
  uploads: { files: uploads, schedule: '0 2 * * *' }
  logs: { logs: all, schedule: weekly }
  config: { config: .env, schedule: on-change }
  code: { code: . }
archives:
  yearly: { to: /archives, schedule: yearly, keep: { last: 3 } }
  byhand: { to: /others }
drills:
  monthly: { schedule: '0 5 1 * *', restore: [database] }
`;

test('every part with a schedule is a job, and components with the same one are one job', () => {
  expect(plan(whole).map(({ id, words }) => `${id}: ${words.join(' ')}`)).toEqual([
    'backup:0_2_*_*_*@Europe~Berlin: backup database uploads',
    'backup:0_0_*_*_0@Europe~Berlin: backup logs',
    'backup:on-change-30m@Europe~Berlin: backup config --skip-if-unchanged',
    'archive:yearly: archive yearly',
    'prune-archive:yearly: archive yearly --prune',
    'copy:offsite: copy --repo offsite --from-repo local --missed',
    'drill:monthly: drill monthly',
    'prune:local: prune --repo local --yes',
    'check:local: check --repo local --read-data-subset {slice}',
    'check:offsite: check --repo offsite --read-data-subset {slice}',
  ]);
});

test('copies begin when the hours do, by the clock of the machine', () => {
  expect(plan(whole).find(({ id }) => id === 'copy:offsite')?.schedule).toEqual({ cron: '0 22 * * *' });
});

test('checks take a share each, so that everything is read in time', () => {
  const daily = plan(whole).find(({ id }) => id === 'check:local');
  expect(daily?.slices).toBe(30);
  expect([0, 29, 30].map((slice) => daily && wordsOfJob(daily, slice).at(-1))).toEqual(['1/30', '30/30', '1/30']);
  const weekly = plan(`${whole}maintenance: { check: weekly, check-within: 28d }\n`).find(({ id }) => id === 'check:local');
  expect(weekly?.slices).toBe(4);
});

test('ids tell schedules apart, and can stand in an address', () => {
  const jobs = plan(
    whole.replace('logs: all, schedule: weekly', "logs: all, schedule: { cron: '*/5 * * * *', jitter: 2m, catch-up: false }"),
  );
  expect(jobs[1]?.id).toBe('backup:*~5_*_*_*_*@Europe~Berlin@jitter-2m@no-catch-up');
  expect(jobs.every(({ id }) => /^[\w:*,@~.+-]+$/.test(id))).toBe(true);
});
