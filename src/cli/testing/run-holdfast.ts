/** Runs the real command line in a process of its own, and restic as the judge of what it did. */
import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithoutSecrets } from '../../../test/harness/programs/watch-arguments.ts';
import { readObject, type JsonObject } from '../../util/wire.ts';

export interface RunOptions {
  /** Beyond PATH and a home of the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the program reads on stdin; it is at its end at once when absent. */
  readonly input?: string | Uint8Array;
  /** Called when it writes on stderr: to send a signal at the right moment. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Runs it as this user, which only root may. */
  readonly uid?: number;
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

export const mainFile = fileURLToPath(new URL('../main.ts', import.meta.url));
export const password = 'correct horse battery staple';
/** A shorter password is in ordinary words. */
const shortestTelling = 8;

/** A folder for one test file, gone when `remove` is called. */
export async function makeWorkplace(
  above = tmpdir(),
): Promise<{ readonly folder: string; path(...names: string[]): string; remove(): Promise<void> }> {
  const folder = await realpath(await mkdtemp(join(above, 'holdfast-cli-')));
  return { folder, path: (...names) => join(folder, ...names), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Runs holdfast with the test's password unless `env` says otherwise. Fails where a password is among the arguments of what runs. */
export function runHoldfast(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const caches = join(tmpdir(), 'holdfast-cli-tests-cache');
  const env = {
    HOLDFAST_PASSWORD: password,
    NODE_COMPILE_CACHE: caches,
    XDG_CACHE_HOME: join(caches, 'xdg'),
    HOLDFAST_STATE: join(caches, 'state'),
    ...options.env,
  };
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    name.endsWith('PASSWORD') && value.length >= shortestTelling ? [value] : [],
  );
  const words = [...(options.node ?? []), '--disable-warning=ExperimentalWarning', mainFile, ...args];
  return run(process.execPath, words, { ...options, env }, (ended, pid) => endWithoutSecrets(ended, { pid, secrets }));
}

/** Runs stock restic on a repository. */
export function runRestic(repository: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run('restic', ['-r', repository, '--no-cache', ...args], { ...options, env: { RESTIC_PASSWORD: password, ...options.env } });
}

/** The objects that a command printed, one a line. Throws where a line is no JSON object. */
export function parseLines(text: string): JsonObject[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readObject(JSON.parse(line), 'a line'));
}

/** The lines that were told, without the progress that a run tells every ten seconds. */
export function toldBeside(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !/^[a-z -]+: {2}.*\d items/.test(line));
}

function run(
  file: string,
  args: readonly string[],
  options: RunOptions,
  watch: (ended: Promise<RunResult>, pid: number | undefined) => Promise<RunResult> = (ended) => ended,
): Promise<RunResult> {
  const child = spawn(file, [...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), TZ: 'UTC', ...options.env },
    stdio: 'pipe',
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const ended = new Promise<RunResult>((resolve, reject) => {
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk);
      options.onStderr?.(chunk.toString(), (signal) => child.kill(signal));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stdoutBytes = Buffer.concat(stdout);
      resolve({
        status: code ?? (signal === 'SIGKILL' ? 137 : 128),
        stdoutBytes,
        stdout: stdoutBytes.toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
  return watch(ended, child.pid);
}
