import { describe, expect, test } from 'vitest';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import type { RunRecord } from '../../catalog/run-record.ts';
import type { ComponentConfiguration } from '../../config/configuration.ts';
import { makeChecklist, type ChecklistFacts, type ChecklistItem } from './checklist.ts';
import { judgeStatus } from './judge-status.ts';
import type { CaptureFacts, RepositoryFacts } from './status-facts.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date('2026-11-21T12:00:00Z');
const ago = (milliseconds: number): Date => new Date(now.getTime() - milliseconds);

const database: ComponentConfiguration = {
  name: 'database',
  source: { kind: 'files', paths: ['/srv'] },
  hooks: { before: [], after: [], failed: [] },
  tags: [],
  schedule: { cron: '0 2 * * *', timezone: 'UTC' },
  objective: { rpoMs: day },
};

const capture = (at: Date, rest: Partial<CaptureFacts> = {}): CaptureFacts => ({
  at,
  point: 'p',
  snapshot: 's',
  bytes: 1e9,
  proven: false,
  ...rest,
});

function repository(name: string, captures: readonly CaptureFacts[], rest: Partial<RepositoryFacts> = {}): RepositoryFacts {
  const [newest] = captures.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  const components = [{ name: 'database', captures, ...(newest === undefined ? {} : { restorable: newest.at }) }];
  return { name, location: name, components, accepted: [], recoveries: [], drills: [], drillProblems: [], growth: [], ...rest };
}

function run(kind: RunRecord['kind'], status: RunRecord['status'], ended: Date): RunRecord {
  const who = { host: 'h', user: 'u', pid: 1 };
  return { id: 'r', kind, components: [], trigger: 'schedule', began: ended, ended, status, facts: {}, ...who };
}

function drill(kind: 'restore' | 'full', verdict: 'proven' | 'disproved', ended: Date): RepositoryFacts['drills'][number] {
  const id = 'a'.repeat(64);
  return {
    format: 1,
    id: '0123456789abcdef',
    application: 'shop',
    drill: null,
    kind,
    repository: { id: 'x', location: 'local' },
    point: { id, time: ended.toISOString(), host: 'h' },
    began: ended.toISOString(),
    ended: ended.toISOString(),
    seconds: 1,
    withinSeconds: 60,
    verdict,
    by: { user: 'u', host: 'h', trigger: 'schedule' },
    versions: {},
    components: [],
    steps: [],
    assertions: [],
    findings: [],
    remarks: [],
    previous: [],
  };
}

function answers(
  repositories: readonly RepositoryFacts[],
  rest: Partial<Pick<ChecklistFacts, 'runs'>> = {},
): Record<string, ChecklistItem> {
  const configuration = {
    application: 'shop',
    components: [database],
    repositories: [
      { name: 'local', url: '/backups', keep: { daily: 7 } },
      { name: 'offsite', url: 's3://bucket' },
    ],
    drills: [],
  };
  const facts = { now, repositories, unreachable: [] };
  const items = makeChecklist({ configuration, status: judgeStatus(configuration, facts), facts, runs: [], ...rest });
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

test('where all is well every answer is yes', () => {
  const captures = Array.from({ length: 20 }, (_, index) => capture(ago(index * day + 10 * hour)));
  const space = { space: { free: 50, capacity: 100 } };
  const drills = { drills: [drill('restore', 'proven', ago(3 * day)), drill('full', 'proven', ago(100 * day))] };
  const runs = [run('backup', 'done', ago(10 * hour)), run('prune', 'done', ago(day)), run('check', 'done', ago(day))];
  const all = answers([repository('local', captures, { ...space, ...drills }), repository('offsite', captures)], { runs });
  expect(Object.values(all).filter(({ answer }) => answer !== 'yes')).toEqual([]);
  expect(Object.keys(all)).toHaveLength(12);
});

describe('a no says why', () => {
  const fresh = [capture(ago(10 * hour))];
  test.each([
    ['backups-ran', [repository('local', [capture(ago(35 * hour))])], [], 'database was not saved when due'],
    ['backups-well', [repository('local', fresh)], [run('backup', 'failed', ago(hour))], 'was failed'],
    ['old-removed', [repository('local', fresh)], [run('prune', 'done', ago(20 * day))], 'the last prune was 20 days ago'],
    ['integrity', [repository('local', fresh)], [run('check', 'failed', ago(hour))], 'failed'],
    ['restore', [repository('local', fresh)], [], 'no test restore yet'],
    ['restore', [repository('local', fresh, { drills: [drill('restore', 'proven', ago(50 * day))] })], [], '50 days ago'],
    ['restore', [repository('local', fresh, { drills: [drill('restore', 'disproved', ago(day))] })], [], 'was disproved'],
    ['space', [repository('local', fresh, { space: { free: 1, capacity: 100 } })], [], 'nearly full'],
    ['errors', [repository('local', fresh)], [run('backup', 'done', ago(hour)), run('drill', 'failed', ago(day))], '1 of 2 runs: drill'],
    ['whole', [repository('local', [])], [], 'database: never saved'],
    ['off-site', [repository('local', fresh), repository('offsite', [capture(ago(5 * day))])], [], 'older than the newest'],
    ['recovery', [repository('local', fresh)], [], 'no recovery of the whole'],
    ['objectives', [repository('local', [capture(ago(3 * day))])], [], 'database'],
  ] as const)('%s', (id, repositories, runs, why) => {
    expect(answers(repositories, { runs })[id]).toMatchObject({ answer: 'no', why: containing(why) });
  });
});

test('a recovery that was real counts as one', () => {
  const view = repository('local', [capture(ago(hour))], { recoveries: [{ at: ago(10 * day), seconds: 60 }] });
  expect(answers([view])['recovery']).toMatchObject({ answer: 'yes' });
});

test('what nobody remembers is unknown, and not well', () => {
  const all = answers([repository('local', [capture(ago(hour))])]);
  expect(['backups-well', 'integrity', 'errors'].map((id) => all[id]?.answer)).toEqual(['unknown', 'unknown', 'unknown']);
});
