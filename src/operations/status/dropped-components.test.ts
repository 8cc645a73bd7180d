import { expect, test } from 'vitest';
import type { RunRecord } from '../../catalog/run-record.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { findDropped } from './dropped-components.ts';

const file = '/srv/shop/holdfast.yaml';
const parsed = parseConfiguration(
  'application: shop\nrepositories: { local: ./backups }\ncomponents: { uploads: { files: ./uploads } }\n',
  {
    file,
    environment: {},
  },
);
if (!('configuration' in parsed)) throw new Error('a configuration was expected');
const { configuration } = parsed;
const now = new Date('2026-11-21T03:00:00Z');

function run(began: string, components: readonly string[], other: Partial<RunRecord> = {}): RunRecord {
  const rest = { id: began, trigger: 'schedule', status: 'done', facts: {}, host: 'vault', user: 'root', pid: 1 } as const;
  return { ...rest, kind: 'backup', configuration: file, components, began: new Date(began), ...other };
}

test('a component that was saved yesterday and stands in the file no more is told of, once', () => {
  const runs = [run('2026-11-20T02:00:00Z', ['uploads', 'cache']), run('2026-11-19T02:00:00Z', ['uploads', 'cache'])];
  expect(findDropped(configuration, runs, now)).toEqual([
    {
      kind: 'component-dropped',
      component: 'cache',
      severity: 'warning',
      since: '2026-11-20T02:00:00.000Z',
      sentence:
        'cache was last saved at 2026-11-20 02:00, and does not stand in holdfast.yaml any more: nothing of it is saved from now on',
    },
  ]);
});

test.each([
  ['one that stands there', run('2026-11-20T02:00:00Z', ['uploads'])],
  ['one that was left out a week ago', run('2026-11-13T02:00:00Z', ['cache'])],
  ['one of another configuration', run('2026-11-20T02:00:00Z', ['cache'], { configuration: '/srv/other/holdfast.yaml' })],
  ['a backup that failed', run('2026-11-20T02:00:00Z', ['cache'], { status: 'failed' })],
  ['a restore', run('2026-11-20T02:00:00Z', ['cache'], { kind: 'restore' })],
])('nothing is told of %s', (_, record) => expect(findDropped(configuration, [record], now)).toEqual([]));
