import { expect, test } from 'vitest';
import { parseConfiguration } from './parse-configuration.ts';
import { writeOut } from './write-out.ts';

const options = { file: '/srv/app/holdfast.yaml', environment: {} };
const head =
  'application: app\nrepositories: { local: ./backups }\ncomponents: { database: { postgres: postgresql:///app }, uploads: { files: uploads } }\n';

function parse(drills: string): ReturnType<typeof parseConfiguration> {
  return parseConfiguration(`${head}drills: ${drills}\n`, options);
}

test('a drill in few words, and one in many; written out they mean the same', () => {
  const parsed = parse(
    '{ monthly: { schedule: monthly, restore: database }, yearly: { schedule: "0 5 1 1 *", kind: full, within: 2h, space: 10G, ports: [WEB_PORT], assert: ["select-it", { sql: select true }] } }',
  );
  if (!('configuration' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.configuration.drills).toEqual([
    {
      name: 'monthly',
      schedule: 'monthly',
      kind: 'restore',
      components: ['database'],
      into: 'temporary',
      compare: 'rows',
      assertions: [],
      withinMs: 6 * 3_600_000,
      ports: [],
    },
    {
      name: 'yearly',
      schedule: '0 5 1 1 *',
      kind: 'full',
      components: [],
      into: 'temporary',
      compare: 'rows',
      assertions: [{ run: 'select-it', withinMs: 600_000 }, { sql: 'select true' }],
      withinMs: 2 * 3_600_000,
      spaceBytes: 10 * 2 ** 30,
      ports: ['WEB_PORT'],
    },
  ]);
  const again = parseConfiguration(JSON.stringify(writeOut(parsed.configuration)), options);
  expect('configuration' in again && again.configuration.drills).toEqual(parsed.configuration.drills);
});

test.each([
  [
    '{ monthly: { restore: databse } }',
    'found the component "databse" for a drill, allowed are database, uploads; did you mean "database"?',
  ],
  ['{ monthly: { repository: remote } }', 'found the repository "remote" for a drill, allowed are local'],
  ['{ monthly: { schedule: on-change } }', 'allowed is a schedule of five fields'],
  ['{ monthly: { kind: full, restore: database } }', 'allowed are kind: restore, or all components'],
  ['{ monthly: { ports: WEB_PORT } }', 'found "ports" without kind: full'],
  ['{ monthly: { assert: { sql: select 1, component: uploads } } }', 'found the component "uploads" for a query'],
])('%s', (drills, message) => {
  const parsed = parse(drills);
  expect('problems' in parsed ? parsed.problems.map((problem) => problem.message).join('\n') : '').toContain(message);
});
