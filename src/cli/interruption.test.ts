import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, runHoldfast, runRestic } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');

beforeAll(async () => {
  await runHoldfast(['repo', 'init', '-r', repository]);
  await mkdir(place.path('source'));
  // Enough to be under way for a while.
  for (let file = 0; file < 24; file++) await writeFile(place.path('source', String(file)), randomBytes(8 * 2 ** 20));
});

afterAll(() => place.remove());

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops a backup cleanly: no lock, no snapshot, nothing broken, exit status 130',
  async (signal) => {
    const { status, stderr, stdout } = await runHoldfast(['backup', '-r', repository, '--files', place.path('source'), '--verbose'], {
      node: ['--import', signalWhenLocked(signal)],
    });
    expect({ status, stderr }).toEqual({
      status: exitStatus.interrupted,
      stderr: containing('Cannot finish: the run was interrupted.'),
    });
    expect({ status, stdout }).toEqual({ status: exitStatus.interrupted, stdout: '' });
    expect(await namesIn('locks')).toEqual([]);
    expect(await namesIn('snapshots')).toEqual([]);
    expect((await runRestic(repository, ['check', '--read-data'])).status).toBe(0);
  },
);

test('after that the same backup succeeds', async () => {
  expect((await runHoldfast(['backup', '-r', repository, '--files', place.path('source')])).status).toBe(exitStatus.done);
  expect((await runRestic(repository, ['check'])).status).toBe(0);
});

/** A folder is made with the first file in it. */
const namesIn = (folder: string): Promise<string[]> => readdir(place.path('repository', folder)).catch(() => []);

/** Code for `--import` that sends the process a signal when it holds its lock and has begun to work. */
function signalWhenLocked(signal: NodeJS.Signals): string {
  const code = `import { readdirSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
const locks = ${JSON.stringify(place.path('repository/locks'))};
const timer = isMainThread ? setInterval(() => {
  try {
    if (readdirSync(locks).length === 0) return;
  } catch {
    return;
  }
  clearInterval(timer);
  setTimeout(() => process.kill(process.pid, ${JSON.stringify(signal)}), 450);
}, 5) : undefined;
timer?.unref();`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
