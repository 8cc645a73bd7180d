/** Runs holdfast as another machine would: with a host name and process ids that mean nothing here. Needs root. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mainFile } from '../../src/cli/testing/run-holdfast.ts';
import { password } from '../harness/programs/run-programs.ts';
import { endWithoutSecrets } from '../harness/programs/watch-arguments.ts';

export interface ForeignRun {
  readonly ended: Promise<{ readonly status: number | null; readonly stderr: string }>;
  /** Reaches the run itself. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
}

/** `env`: what the run needs beside a path, a home and the password, such as the credentials of a store. */
export function startOnHost(
  host: string,
  repository: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ForeignRun {
  const inside = ['sh', '-c', 'hostname "$0" && exec "$@"', host, process.execPath, '--disable-warning=ExperimentalWarning', mainFile];
  const child = spawn('unshare', ['--uts', '--pid', '--fork', '--kill-child', ...inside, ...words, '-r', repository], {
    cwd: tmpdir(),
    detached: true, // a group of its own, so that signals reach the run behind unshare
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: tmpdir(),
      HOLDFAST_PASSWORD: password,
      NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-cli-tests-cache'),
      HOLDFAST_STATE: join(tmpdir(), 'holdfast-cli-tests-cache', 'state'),
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<Awaited<ForeignRun['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stderr: Buffer.concat(stderr).toString() }));
  });
  return {
    ended: endWithoutSecrets(ended, { pid: child.pid, secrets: [password] }),
    signal: (name) => {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    },
  };
}
