import { expect, test } from 'vitest';
import type { ComponentConfiguration, Configuration, SourceConfiguration } from '../../config/configuration.ts';
import { groupPoints, type Point } from '../points.ts';
import { planRecovery, type RecoveryPlan } from './recovery-plan.ts';

const hooks = { before: [], after: [], failed: [] };
const component = (name: string, source: SourceConfiguration): ComponentConfiguration => ({ name, source, hooks, tags: [] });
const configuration: Configuration = {
  file: '/srv/app/holdfast.yaml',
  folder: '/srv/app',
  application: 'shop',
  repositories: [],
  components: [
    component('uploads', { kind: 'files', paths: ['/srv/app/uploads'] }),
    component('attachments', { kind: 'files', paths: [], volume: 'attachments' }),
    component('logs', { kind: 'logs', services: 'all', days: 7 }),
    component('cache', { kind: 'redis', at: { service: 'redis' } }),
    component('settings', { kind: 'config', files: ['/srv/app/.env'], secrets: 'encrypted' }),
    component('database', { kind: 'postgres', at: { service: 'db', database: 'shop', user: 'shop' } }),
    component('sources', { kind: 'code', path: '/srv/app' }),
  ],
  quiesce: [],
  hooks,
  recovery: {
    quiesce: ['web'],
    after: [
      { run: 'migrate', service: 'web', withinMs: 1 },
      { run: 'migrate', service: 'web', withinMs: 1 },
    ],
    health: { url: 'http://me:secret@localhost/health', withinMs: 1 },
    smoke: [{ sql: 'select 1' }],
  },
  maintenance: { checkWithinMs: 86_400_000 },
};

/** A point of these components, each `name:kind`. */
const points = (...runs: string[][]): Point[] =>
  groupPoints(
    runs.flatMap((names, run) => {
      const id = (at: number): string => `${run}${at}`.padEnd(64, '0');
      return names.map((name, at) => {
        const [tag = '', kind = ''] = name.split(':');
        const tags = [`component:${tag}`, `kind:${kind}`, ...(at === 0 ? [] : [`point:${id(0).slice(0, 16)}`])];
        return { id: id(at), snapshot: { time: `2026-01-0${run + 1}T00:00:00Z`, tree: '0'.repeat(64), paths: [], hostname: 'h', tags } };
      });
    }),
  );

const plan = (all: Point[], base = all.at(-1)): RecoveryPlan => {
  if (base === undefined) throw new Error('there is no point');
  return planRecovery({ configuration, configurationHash: '', base, points: all, lastSeconds: () => undefined });
};

const whole = ['database:postgres', 'cache:redis', 'uploads:files', 'attachments:files', 'settings:config', 'sources:code', 'point:point'];

test('everything comes in the order that lets it come back', () => {
  const { steps, remarks } = plan(points(whole));
  expect(steps.map(({ name }) => name)).toEqual([
    'restore sources',
    'restore settings',
    'write the configuration',
    // Services may mount it.
    'restore uploads',
    'create services',
    'stop web',
    'start db',
    'wait for database',
    'restore database',
    'restore cache',
    'restore attachments',
    'run migrate in web',
    'run migrate in web (2)',
    'start all services',
    'wait until http://me:***@localhost/health is healthy',
    'smoke test select 1',
  ]);
  expect(remarks).toEqual([]);
});

test('what the point does not have comes from the newest before it that has it, never from a later one', () => {
  const all = points(whole, ['database:postgres', 'point:point'], ['uploads:files', 'point:point'], whole);
  const { remarks } = plan(all, all[2]);
  expect(remarks.map(({ component: name, point }) => [name, point?.time.slice(0, 10)])).toEqual([
    ['attachments', '2026-01-01'],
    ['cache', '2026-01-01'],
    ['settings', '2026-01-01'],
    ['database', '2026-01-02'],
    ['sources', '2026-01-01'],
  ]);
});

test('what no point has is missing, and a component that is of another kind now is not taken for it', () => {
  const { remarks, steps } = plan(points(['database:files', 'uploads:files', 'point:point']));
  expect(remarks.filter(({ point }) => point === undefined).map(({ component: name }) => name)).toEqual([
    'attachments',
    'cache',
    'settings',
    'database',
    'sources',
  ]);
  expect(steps.map(({ name }) => name)).not.toContain('restore database');
});

test('a server that comes back as files is not started before it is there, and one with a dump beside comes back from that', () => {
  const at = { service: 'db', database: 'shop', user: 'shop' };
  const base = {
    kind: 'postgres-base' as const,
    at,
    checkpoint: 'fast' as const,
    fullEveryMs: 1,
    increments: 1,
    wal: { flushMs: 1, synchronous: false },
  };
  const stepsOf = (components: readonly ComponentConfiguration[], saved: string[]): readonly string[] => {
    const all = points(saved);
    const [only] = all;
    if (only === undefined) throw new Error('there is no point');
    const changed = { ...configuration, components };
    const made = planRecovery({ configuration: changed, configurationHash: '', base: only, points: all, lastSeconds: () => undefined });
    return made.steps.map(({ name }) => name).slice(0, 6);
  };
  expect(stepsOf([component('database', base)], ['database:postgres-base'])).toEqual([
    'write the configuration',
    'create services',
    'stop web',
    'restore database',
    'start db',
    'wait for database',
  ]);
  const both = [component('database', { kind: 'postgres', at }), { ...component('database-base', base), partOf: 'database' }];
  expect(stepsOf(both, ['database:postgres', 'database-base:postgres-base'])).toEqual([
    'write the configuration',
    'create services',
    'stop web',
    'start db',
    'wait for database',
    'restore database',
  ]);
});
