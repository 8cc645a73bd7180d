/** Holdfast's own command line and stock restic, as processes, on repositories with a password of the tests' own. A password among arguments fails the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mainFile, parseLines, runHoldfast, runRestic, type RunOptions, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import type { JsonObject } from '../../../src/util/wire.ts';
import { endWithoutSecrets } from './watch-arguments.ts';

/** Long enough to be told from other words. */
export const password = 'seen-by-nobody';

const ownWords = { HOLDFAST_PASSWORD: password, HOLDFAST_FROM_PASSWORD: password };

/** Runs holdfast to its end, whatever that is. The first words are the command's. */
export function holdfast(repository: string, words: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return runHoldfast([...words, '-r', repository], { ...options, env: { ...ownWords, ...options.env } });
}

/** Runs restic to its end, whatever that is. */
export function restic(repository: string, words: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return runRestic(repository, words, { ...options, env: { RESTIC_PASSWORD: password, ...options.env } });
}

/** Waits for a run that must end well. Throws with all it said where it does not. */
export async function done(run: Promise<RunResult>): Promise<RunResult> {
  const result = await run;
  if (result.status !== 0) throw new Error(`it ended with status ${result.status}\n${result.stderr}\n${result.stdout}`);
  return result;
}

/** Restic's own judgement of a repository. Throws with it where it is not good. A dead run's lock does not matter to it. */
export async function judge(repository: string, words: readonly string[] = ['--read-data']): Promise<void> {
  const { stdout, stderr } = await done(restic(repository, ['check', '--no-lock', ...words]));
  if (!stdout.includes('no errors were found')) throw new Error(`restic check said: ${stdout}${stderr}`);
}

/** The summary a command printed as its last JSON line. */
export function summaryOf({ stdout }: Pick<RunResult, 'stdout'>): JsonObject {
  const summary = parseLines(stdout).findLast((line) => line['message_type'] === 'summary');
  if (summary === undefined) throw new Error(`there is no summary in: ${stdout}`);
  return summary;
}

export interface StartedHoldfast {
  readonly child: ChildProcess;
  /** What it said on stderr, whole once it has ended. */
  readonly ended: Promise<{ readonly status: number | null; readonly killed: boolean; readonly stderr: string }>;
}

/** Starts holdfast itself, no shell around it, so that a signal hits what does the work. */
export function startHoldfast(repository: string, words: readonly string[]): StartedHoldfast {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words, '-r', repository], {
    cwd: tmpdir(),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: tmpdir(),
      TZ: 'UTC',
      NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-cli-tests-cache'),
      ...ownWords,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<Awaited<StartedHoldfast['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, killed: signal === 'SIGKILL', stderr: Buffer.concat(stderr).toString() }));
  });
  return { child, ended: endWithoutSecrets(ended, { pid: child.pid, secrets: [password] }) };
}
