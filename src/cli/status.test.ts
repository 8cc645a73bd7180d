import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyOf, containing } from '../../test/harness/programs/expected-text.ts';
import { exitStatus } from '../errors.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const run = (...args: string[]): Promise<RunResult> =>
  runHoldfast([...args, '-c', place.path('holdfast.yaml')], { env: { HOLDFAST_STATE: place.path('state') } });
const status = async (): Promise<[number, Record<string, unknown>]> => {
  const { status: exit, stdout } = await run('status', '--json');
  const [record] = parseLines(stdout);
  return [exit, record ?? {}];
};

const configure = (): Promise<void> =>
  writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
components:
  uploads: { files: ./uploads, objective: { rpo: 24h, rto: 1h } }
drills:
  monthly: { schedule: "0 5 1 * *" }
`,
  );

beforeAll(async () => {
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads/a.txt'), 'a'.repeat(10_000));
  await configure();
});

afterAll(() => place.remove());

test('a repository that is not there is said, and is exit status 1', async () => {
  const [exit, record] = await status();
  expect(exit).toBe(exitStatus.failed);
  expect(record).toMatchObject({
    verdict: 'missed',
    repositories: [{ name: 'local', reachable: false, message: containing('repository') }],
  });
});

test('after a backup the loss is met, and what no drill has measured is unknown', async () => {
  expect(await run('backup')).toMatchObject({ status: exitStatus.done });
  const [exit, record] = await status();
  expect(exit).toBe(exitStatus.done);
  expect(record).toMatchObject({
    application: 'shop',
    verdict: 'unknown',
    components: [{ name: 'uploads', rpo: { verdict: 'met' }, rto: { verdict: 'unknown' }, shrunk: false, anomalies: [] }],
    repositories: [{ name: 'local', reachable: true, points: 1 }],
    drills: [{ name: 'monthly' }],
  });
});

test('a drill measures it, and the table says so', async () => {
  expect(await run('drill', 'monthly')).toMatchObject({ status: exitStatus.done });
  const [exit, record] = await status();
  expect(exit).toBe(exitStatus.done);
  expect(record).toMatchObject({
    verdict: 'met',
    components: [{ rto: { verdict: 'met', measured_seconds: anyOf(Number) }, proven: { point: anyOf(String) } }],
    drills: [{ name: 'monthly', last: { verdict: 'proven' } }],
  });
  const { stdout } = await run('status');
  expect(stdout).toContain('shop: every objective is met');
  expect(stdout).toContain('1 day / 1 h');
});

test('the same as metrics, on stdout and in a text file', async () => {
  const { stdout } = await run('metrics');
  expect(stdout).toContain('holdfast_objective_met{application="shop",component="uploads",objective="rpo"} 1');
  await run('metrics', '--textfile', place.path('holdfast.prom'));
  expect(await readFile(place.path('holdfast.prom'), 'utf8')).toContain('holdfast_objective_met');
  expect((await stat(place.path('holdfast.prom'))).mode & 0o777).toBe(0o644);
});

test('an objective that is missed is exit status 4', async () => {
  const text = await readFile(place.path('holdfast.yaml'), 'utf8');
  await writeFile(place.path('holdfast.yaml'), text.replace('drills:', '  more: { files: ./uploads, objective: { rpo: 24h } }\ndrills:'));
  const [exit, record] = await status();
  expect(exit).toBe(exitStatus.disproved);
  expect(record).toMatchObject({
    verdict: 'missed',
    components: [{ rpo: { verdict: 'met' } }, { name: 'more', rpo: { verdict: 'missed' } }],
  });
  expect((await run('status')).stdout).toContain('MISSED');
});

test('one of two repositories that is gone does not hide what the other has', async () => {
  await configure();
  const text = await readFile(place.path('holdfast.yaml'), 'utf8');
  await writeFile(place.path('holdfast.yaml'), text.replace('{ local: ./repository }', '{ local: ./repository, second: ./second }'));
  expect(await run('backup')).toMatchObject({ status: exitStatus.done });
  await rename(place.path('repository'), place.path('away'));
  const [exit, record] = await status();
  expect(exit).toBe(exitStatus.failed);
  expect(record).toMatchObject({
    components: [{ rpo: { verdict: 'met' } }],
    repositories: [
      { name: 'local', reachable: false },
      { name: 'second', reachable: true },
    ],
  });
});

test('the checklist is answered from what is known', async () => {
  const { status: exit, stdout } = await run('status', '--checklist', '--json');
  expect(exit).toBe(exitStatus.disproved);
  const items = parseLines(stdout).map(({ id, answer }) => `${String(id)}: ${String(answer)}`);
  expect(items).toEqual(
    expect.arrayContaining(['backups-well: yes', 'whole: yes', 'objectives: unknown', 'restore: no', 'off-site: no', 'recovery: no']),
  );
  expect((await run('status', '--checklist')).stdout).toContain('[x]');
});
