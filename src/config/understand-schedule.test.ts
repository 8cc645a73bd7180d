import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Configuration } from './configuration.ts';
import { parseConfiguration, type ParseOptions } from './parse-configuration.ts';
import { readSchedule } from './understand-schedule.ts';
import { writeOut } from './write-out.ts';

const options: ParseOptions = { file: '/app/holdfast.yaml', environment: {} };
const head = 'application: shop\nrepositories: { r: ./b }\n';
const hour = 3_600_000;

function parse(text: string): Configuration {
  const parsed = parseConfiguration(text, options);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.configuration;
}

function problemsOf(text: string): string {
  const parsed = parseConfiguration(text, options);
  return 'problems' in parsed ? parsed.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('\n') : '';
}

/** Of a component that is written so. */
function scheduleOf(written: string): unknown {
  return parse(`${head}components: { c: { files: u, schedule: ${written} } }\n`).components[0]?.schedule;
}

describe('a schedule', () => {
  test.each([
    ['0 2 * * *', { cron: '0 2 * * *' }],
    ['"*/15 8-18 * JAN-MAR mon,fri"', { cron: '*/15 8-18 * JAN-MAR mon,fri' }],
    ['hourly', { cron: '0 * * * *' }],
    ['quarterly', { cron: '0 0 1 1,4,7,10 *' }],
    ['6h', { everyMs: 6 * hour }],
    ['on-change', { onChange: true, everyMs: hour / 2 }],
    ['never', undefined],
    ['{ every: weekly, jitter: 10m, catch-up: false }', { cron: '0 0 * * 0', jitterMs: hour / 6, catchUp: false }],
    ['{ cron: 0 2 * * *, timezone: Europe/Berlin }', { cron: '0 2 * * *', timezone: 'Europe/Berlin' }],
    ['{ on-change: true }', { onChange: true, everyMs: hour / 2 }],
    ['{ on-change: true, every: 5m }', { onChange: true, everyMs: hour / 12 }],
    ['{ on-change: false, every: 2d }', { everyMs: 48 * hour }],
  ])('%s', (written, schedule) => {
    expect(scheduleOf(written)).toEqual(schedule);
  });

  test.each([
    ['monday', 'five fields of cron'],
    ['0 25 * * *', 'five fields of cron'],
    ['0 0 30 2 *', 'five fields of cron'],
    ['0 0 L * *', 'five fields of cron'],
    ['0 0 * * * *', 'five fields of cron'],
    ['10s', 'five fields of cron'],
    ['7', 'found the number 7'],
    ['{ jitter: 5m }', 'exactly one of cron, every, on-change'],
    ['{ cron: 0 2 * * *, every: 6h }', 'found cron and every'],
    ['{ cron: 0 2 * * *, on-change: true }', 'allowed is a duration: every: 30m'],
    ['{ on-change: true, every: daily }', 'a duration such as 30m'],
    ['{ every: 6h, timezone: Mars/Base }', 'a time zone such as Europe/Berlin'],
    ['{ every: 6h, jiter: 5m }', 'did you mean "jitter"?'],
  ])('%s is refused', (written, message) => {
    expect(problemsOf(`${head}components: { c: { files: u, schedule: ${written} } }\n`)).toContain(message);
  });

  test('a component has the one of the whole file where it has none, and never where it says so; zones come from above', () => {
    const text = `${head}timezone: Europe/Berlin
schedule: { cron: 0 2 * * *, jitter: 15m }
objective: { rpo: 1h, rto: 4h }
components:
  database: { postgres: { url: postgresql:///shop, mode: both }, objective: { rpo: 5m } }
  uploads: { files: u, schedule: { cron: 0 3 * * 0, timezone: UTC } }
  code: { code: ., schedule: never }
maintenance: { prune: never, check: weekly, check-within: 90d }
`;
    const configuration = parse(text);
    const usual = { cron: '0 2 * * *', jitterMs: hour / 4, timezone: 'Europe/Berlin' };
    expect(configuration.components.map(({ name, schedule, objective }) => [name, schedule, objective])).toEqual([
      ['database', usual, { rpoMs: hour / 12 }],
      ['database-base', undefined, undefined],
      ['uploads', { cron: '0 3 * * 0', timezone: 'UTC' }, undefined],
      ['code', undefined, undefined],
    ]);
    expect(configuration).toMatchObject({
      schedule: usual,
      timezone: 'Europe/Berlin',
      objective: { rpoMs: hour, rtoMs: 4 * hour },
      maintenance: { check: { cron: '0 0 * * 0', timezone: 'Europe/Berlin' }, checkWithinMs: 90 * 24 * hour },
    });
    expect(configuration.maintenance).not.toHaveProperty('prune');
    expect(parse(stringify(writeOut(configuration)))).toEqual(configuration);
  });
});

test('the line of an archive or a drill', () => {
  expect(readSchedule('0 5 1 * *', 'UTC')).toEqual({ cron: '0 5 1 * *', timezone: 'UTC' });
  expect(readSchedule('monthly', undefined)).toEqual({ cron: '0 0 1 * *' });
});
