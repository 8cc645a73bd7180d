import { describe, expect, test } from 'vitest';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import type { ComponentConfiguration } from '../../config/configuration.ts';
import { judgeStatus } from './judge-status.ts';
import { alarmsOfStatus } from './status-alarms.ts';
import type { CaptureFacts, RepositoryFacts, StatusFacts } from './status-facts.ts';
import { metricsOfStatus } from './status-metrics.ts';
import { recordOfStatus, statusRecordSchema } from './status-record.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date('2026-11-21T12:00:00Z');
const long = new Date('2026-01-01T00:00:00Z');
const ago = (milliseconds: number): Date => new Date(now.getTime() - milliseconds);

function component(name: string, rest: Partial<ComponentConfiguration> = {}): ComponentConfiguration {
  return { name, source: { kind: 'files', paths: ['/srv'] }, hooks: { before: [], after: [], failed: [] }, tags: [], ...rest };
}

function configuration(...components: ComponentConfiguration[]): Parameters<typeof judgeStatus>[0] {
  return { application: 'shop', components, repositories: [{ name: 'local', url: '/backups' }], drills: [] };
}

function captures(count: number, each: (index: number) => Partial<CaptureFacts> = () => ({})): CaptureFacts[] {
  return Array.from({ length: count }, (_, index) => ({
    at: ago((count - index) * day - 20 * hour),
    point: `point${index}`,
    snapshot: `snapshot${index}`,
    bytes: 1e9,
    files: 1000,
    seconds: 30,
    proven: false,
    ...each(index),
  }));
}

function repository(rest: Partial<RepositoryFacts> = {}): RepositoryFacts {
  return {
    name: 'local',
    location: '/backups',
    components: [],
    accepted: [],
    recoveries: [],
    drills: [],
    drillProblems: [],
    growth: [],
    ...rest,
  };
}

const facts = (rest: Partial<StatusFacts>): StatusFacts => ({ now, repositories: [], unreachable: [], ...rest });

test('what has only just begun is given the time that was promised', () => {
  const status = recordOfStatus(
    judgeStatus(
      configuration(component('files', { objective: { rpoMs: day } })),
      facts({ unreachable: [{ name: 'local', code: 'repository-missing', reason: 'Cannot open.', hint: 'Make one.' }] }),
    ),
  );
  expect(alarmsOfStatus(status, ago(hour))).toEqual([]);
  expect(alarmsOfStatus(status, ago(26 * hour)).map(({ key }) => key)).toEqual(['objective:rpo:files', 'repository:local']);
});

describe('objectives', () => {
  const database = component('database', { objective: { rpoMs: day, rtoMs: hour } });

  test('the age of the newest moment is what may be lost; what was never measured is unknown', () => {
    const found = captures(3);
    const restorable = found.at(-1)?.at ?? now;
    const status = judgeStatus(
      configuration(database),
      facts({ repositories: [repository({ components: [{ name: 'database', captures: found, restorable }] })] }),
    );
    expect(status.components[0]).toMatchObject({ rpo: { verdict: 'met', measuredMs: 4 * hour }, rto: { verdict: 'unknown' } });
    expect(status.verdict).toBe('unknown');
  });

  test('the log counts: it makes the moment newer than the newest capture', () => {
    const components = [
      { name: 'database', captures: captures(3), restorable: ago(4 * hour) },
      { name: 'database-base', captures: captures(1), restorable: ago(60_000) },
    ];
    const both = configuration(database, component('database-base', { partOf: 'database' }));
    const status = judgeStatus(both, facts({ repositories: [repository({ components })] }));
    expect(status.components.map(({ name }) => name)).toEqual(['database']);
    expect(status.components[0]?.rpo?.measuredMs).toBe(60_000);
  });

  test('the newest of several repositories counts, and a capture that lies in two is one', () => {
    const old = repository({ components: [{ name: 'database', captures: captures(3).slice(0, 2), restorable: ago(2 * day) }] });
    const fresh = repository({ name: 'offsite', components: [{ name: 'database', captures: captures(3), restorable: ago(4 * hour) }] });
    const status = judgeStatus(configuration(database), facts({ repositories: [old, fresh] }));
    expect(status.components[0]?.rpo).toMatchObject({ verdict: 'met' });
  });

  test('where nothing can be restored an objective is missed, and an alarm says so', () => {
    const status = judgeStatus(configuration(database), facts({ repositories: [repository()] }));
    expect(status.verdict).toBe('missed');
    expect(alarmsOfStatus(recordOfStatus(status), long)).toMatchObject([
      { key: 'objective:rpo:database', severity: 'critical', component: 'database', text: containing('nothing can be restored') },
    ]);
  });

  test('the whole is as old as its oldest component', () => {
    const whole = { ...configuration(component('a'), component('b')), objective: { rpoMs: 6 * hour } };
    const components = [
      { name: 'a', captures: captures(1), restorable: ago(hour) },
      { name: 'b', captures: captures(1), restorable: ago(7 * hour) },
    ];
    expect(judgeStatus(whole, facts({ repositories: [repository({ components })] })).whole?.rpo).toMatchObject({
      verdict: 'missed',
      measuredMs: 7 * hour,
    });
    expect(
      judgeStatus(whole, facts({ repositories: [repository({ components: components.slice(0, 1) })] })).whole?.rpo?.measuredMs,
    ).toBeUndefined();
  });

  test('what is saved whenever it changes makes nothing older, and counts where it was never saved', () => {
    const objective = { rpoMs: 6 * hour };
    const onChange = component('b', { schedule: { onChange: true, everyMs: hour }, objective });
    const whole = { ...configuration(component('a'), onChange), objective };
    const a = { name: 'a', captures: captures(1), restorable: ago(hour) };
    const b = { name: 'b', captures: captures(1), restorable: ago(30 * day) };
    const looked = new Map([['b', ago(hour / 2)]]);
    const judge = (...components: RepositoryFacts['components']) =>
      judgeStatus(whole, { ...facts({ repositories: [repository({ components })] }), looked });
    const both = judge(a, b);
    expect(both.whole?.rpo).toMatchObject({ verdict: 'met', measuredMs: hour });
    expect(both.components[1]).toMatchObject({ restorable: ago(30 * day), rpo: { verdict: 'met' } });
    expect(judge(a).whole?.rpo?.verdict).toBe('missed');
    expect(judge(a).components[1]?.rpo?.verdict).toBe('missed');
    // Nobody looks any more: what it is now is not known.
    const stale = { ...facts({ repositories: [repository({ components: [a, b] })] }), looked: new Map([['b', ago(7 * hour)]]) };
    expect(judgeStatus(whole, stale).components[1]?.rpo).toMatchObject({ verdict: 'missed', measuredMs: 7 * hour });
    expect(judgeStatus(whole, { ...stale, looked: new Map() }).whole?.rpo?.verdict).toBe('missed');
  });
});

test('a capture that lost most of its rows is an anomaly and an alarm', () => {
  const found = captures(20, (index) => ({ rows: index === 19 ? 3 : 1000 + index, bytes: index === 19 ? 100_000 : 1e9 }));
  const components = [{ name: 'database', captures: found, restorable: ago(hour) }];
  const status = judgeStatus(configuration(component('database')), facts({ repositories: [repository({ components })] }));
  expect(status.components[0]).toMatchObject({ shrunk: true });
  const keys = alarmsOfStatus(recordOfStatus(status), long).map(({ key }) => key);
  expect(keys).toContain('anomaly:rows:database');
  expect(new Set(keys).size).toBe(keys.length);
});

test('what is as ever is no alarm', () => {
  const found = captures(20, (index) => ({ rows: 1000 + index }));
  const components = [{ name: 'database', captures: found, restorable: ago(hour) }];
  const status = judgeStatus(configuration(component('database')), facts({ repositories: [repository({ components })] }));
  expect(alarmsOfStatus(recordOfStatus(status), long)).toEqual([]);
});

test('a repository that is down, a disk that fills up and a broken chain of reports are alarms', () => {
  const growth = Array.from({ length: 20 }, (_, index) => ({ at: ago((20 - index) * day), added: 1e9 }));
  const status = judgeStatus(
    {
      ...configuration(component('files')),
      repositories: [
        { name: 'local', url: '/backups' },
        { name: 'offsite', url: 's3://bucket' },
      ],
    },
    facts({
      repositories: [repository({ growth, space: { free: 10e9, capacity: 100e9 }, drillProblems: ['the report drills/x is missing'] })],
      unreachable: [
        { name: 'offsite', code: 'storage-denied', reason: 'Cannot read from s3://bucket: access denied.', hint: 'Look after the key.' },
      ],
    }),
  );
  expect(status.repositories[0]?.forecast?.full).toBeInstanceOf(Date);
  const alarms = alarmsOfStatus(recordOfStatus(status), long);
  expect(alarms).toMatchObject([
    { key: 'space:local', severity: 'warning', text: containing('10 % of its disk are free') },
    { key: 'drill-chain:local' },
    { key: 'repository:offsite', severity: 'critical', text: containing('access denied') },
  ]);
});

test('the record fits its own schema, and becomes metrics', () => {
  const database = component('database', { objective: { rpoMs: day, rtoMs: hour } });
  const components = [{ name: 'database', captures: captures(20), restorable: ago(4 * hour) }];
  const record = recordOfStatus(judgeStatus(configuration(database), facts({ repositories: [repository({ components })] })));
  expect(statusRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  expect(metricsOfStatus(record).objectives).toEqual([
    { component: 'database', objective: 'rpo', targetSeconds: 86_400, actualSeconds: 14_400, met: true },
    { component: 'database', objective: 'rto', targetSeconds: 3600, met: false },
  ]);
});
