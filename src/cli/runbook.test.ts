import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { exitStatus } from '../errors.ts';
import { makeWorkplace, password, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const run = (...args: string[]): Promise<RunResult> =>
  runHoldfast([...args, '-c', place.path('holdfast.yaml')], { env: { HOLDFAST_STATE: place.path('state') }, cwd: place.folder });

beforeAll(async () => {
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads/a.txt'), 'content');
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: { url: ./repository, keep: { daily: 7 } } }
objective: { rpo: 24h, rto: 2h }
components:
  uploads: { files: ./uploads, schedule: "0 3 * * *", objective: { rpo: 24h, rto: 1h } }
recovery: { health: { url: "http://localhost:1/health" }, smoke: [{ run: "test -e /" }] }
notify: [{ slack: "https://hooks.example/services/T0/secret-part" }]
`,
  );
});

afterAll(() => place.remove());

test('before the first backup it says what is missing', async () => {
  const { status, stdout } = await run('runbook');
  expect(status).toBe(exitStatus.done);
  expect(stdout).toContain('There is no point to recover from yet');
});

test('it has what is protected, who is told without secrets, and the steps in order', async () => {
  expect(await run('backup')).toMatchObject({ status: exitStatus.done });
  const { stdout } = await run('runbook');
  expect(stdout).toContain('# Recovery of shop');
  expect(stdout).toMatch(/\| uploads \| files \| 0 3 /);
  expect(stdout).toContain('7 daily');
  expect(stdout).toContain('https://hooks.example/…');
  expect(stdout).not.toContain('secret-part');
  expect(stdout).not.toContain(password);
  expect(stdout).toMatch(/\n1\. .*\n2\. /);
  expect(stdout).toContain('http://localhost:1/health answers');
});

test('what it says to type without holdfast brings the files back', async () => {
  const { stdout } = await run('runbook');
  const [, commands = ''] = /## Without holdfast.*?```\n(.*?)```/s.exec(stdout) ?? [];
  const lines = commands.trim().split('\n').slice(1);
  expect(lines).toHaveLength(2);
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.folder, RESTIC_PASSWORD: password };
  for (const line of lines)
    expect(spawnSync('sh', ['-c', line], { cwd: place.folder, env, encoding: 'utf8' })).toMatchObject({ status: 0 });
  expect(await readFile(`${place.path('back/uploads')}${place.path('uploads/a.txt')}`, 'utf8')).toBe('content');
});

test('a drill renews what is kept, and that is read with the address and the password alone', async () => {
  expect(await run('drill')).toMatchObject({ status: exitStatus.done });
  const { status, stdout } = await runHoldfast(['runbook', '--stored', '-r', place.path('repository')]);
  expect(status).toBe(exitStatus.done);
  expect(stdout).toContain('# Recovery of shop');
  expect(stdout).toMatch(/\| by hand \| restore \| proven \|/);
  const empty = place.path('empty');
  await runHoldfast(['repo', 'init', '-r', empty]);
  expect(await runHoldfast(['runbook', '--stored', '-r', empty])).toMatchObject({
    status: exitStatus.failed,
    stderr: containing('none was kept there'),
  });
});

test('as a page, in a file that others cannot read', async () => {
  expect(await run('runbook', '--html', '--out', 'runbook.html', '--no-keep')).toMatchObject({ status: exitStatus.done });
  const page = await readFile(place.path('runbook.html'), 'utf8');
  expect(page).toContain('<h1>Recovery of shop</h1>');
  expect((await stat(place.path('runbook.html'))).mode & 0o777).toBe(0o600);
  await rm(place.path('runbook.html'));
});
