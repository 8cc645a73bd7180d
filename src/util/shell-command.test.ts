import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runShell } from './shell-command.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-shell-'));
const env = { PATH: process.env['PATH'] ?? '' };
const signal = new AbortController().signal;

afterAll(() => rm(folder, { recursive: true }));

/** Whether a process is there and not only waiting to be counted. */
async function isAlive(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

describe('a shell command', () => {
  test('tells its status and the end of what it said', async () => {
    const end = await runShell({ run: 'echo out; echo err >&2; pwd; exit 3', env, folder, withinMs: 10_000, signal });
    expect(end).toMatchObject({ status: 3, timedOut: false, stderr: 'err\n' });
    expect(end.stdout).toContain(folder);
  });

  test('is ended with all it started when its time is up, even where that does not listen', async () => {
    const run = "trap '' TERM; (trap '' TERM; sleep 600) & echo $! > child; sleep 600 & wait; sleep 600";
    const end = await runShell({ run, env, folder, withinMs: 300, signal });
    expect(end).toMatchObject({ status: undefined, timedOut: true });
    expect(await isAlive(await readFile(join(folder, 'child'), 'utf8'))).toBe(false);
  });

  test('does not wait for what it left in the background', async () => {
    const end = await runShell({ run: 'sleep 600 & echo $! > left', env, folder, withinMs: 30_000, signal });
    expect(end).toMatchObject({ status: 0, timedOut: false });
    const left = await readFile(join(folder, 'left'), 'utf8');
    expect(await isAlive(left)).toBe(true);
    process.kill(Number(left));
  });

  test('is ended by the signal, and says so where it could not start', async () => {
    const controller = new AbortController();
    const running = runShell({ run: 'sleep 600', env, folder, withinMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ status: undefined, timedOut: false });
    const missing = await runShell({ run: 'true', env, folder: join(folder, 'missing'), withinMs: 1000, signal });
    expect(missing.startFailure).toBeDefined();
  });
});
