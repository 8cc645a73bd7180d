import { readdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { makeWorkplace, runHoldfast } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 60_000 });

const work = await makeWorkplace();
afterAll(() => work.remove());
beforeAll(() =>
  writeFile(
    work.path('holdfast.yaml'),
    'application: shop\nrepositories: { local: { url: ./b, keep: { daily: 7 } } }\ncomponents: { uploads: { files: u, schedule: 0 3 * * 0 }, code: { code: . } }\n',
  ),
);

const run = (...words: string[]) => runHoldfast(['schedule', ...words], { cwd: work.folder });

test('the list has every job with its next three due times', async () => {
  const { status, stdout } = await run();
  expect(status).toBe(0);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual(
    expect.arrayContaining([
      ['backup', 'uploads', '0 3 * * 0'],
      ['prune', 'local', '30 4 * * *'],
      ['check', 'local', '30 5 * * *'],
    ]),
  );
  const records = (await run('--json')).stdout.trimEnd().split('\n');
  const jobs = records.map((line) =>
    z.looseObject({ kind: z.string(), next: z.array(z.iso.datetime()).length(3) }).parse(JSON.parse(line)),
  );
  expect(jobs.map(({ kind }) => kind).toSorted()).toEqual(['backup', 'check', 'prune']);
});

test('it is printed as it is, or written into a folder', async () => {
  const printed = await run('print', '--as', 'crontab', '--program', '/opt/holdfast');
  expect(printed.status).toBe(0);
  expect(printed.stdout).toMatch(/^# begin holdfast-shop\n# .*\n0 3 \* \* 0 cd .* \/opt\/holdfast backup uploads --config .*--quiet\n/);
  expect(printed.stderr).toContain('note: cron does not catch up');
  const written = await run('print', '--as', 'systemd', '--out', 'units', '--user', 'backup');
  expect(written.status).toBe(0);
  expect((await readdir(work.path('units'))).length).toBe(6);
});

test('what cannot be done is said', async () => {
  const compose = await run('install', '--as', 'compose');
  expect(compose.status).toBe(2);
  expect(compose.stderr).toContain('holdfast schedule print --as compose --out DIR');
  expect((await run('print', '--as', 'crontab', '--user', 'backup')).status).toBe(2);
  expect((await run('print', '--as', 'launchd')).status).toBe(2);
  const none = await runHoldfast(['schedule'], { cwd: '/' });
  expect(none.stderr).toContain('there is none in /');
});
