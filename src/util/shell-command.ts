/**
 * Runs what a person wrote for a shell: a hook, a migration. It gets a process group of its own, so that all it started can be ended
 * with it, and a time limit, because a command that hangs must not hang a backup.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ShellCommand {
  /** For `sh -c`. */
  readonly run: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Milliseconds after which it is ended. */
  readonly withinMs: number;
  /** Ends it too. */
  readonly signal: AbortSignal;
}

export interface ShellEnd {
  /** Exit status, or undefined when a signal ended it or it never started. */
  readonly status: number | undefined;
  readonly killedBy: string | undefined;
  /** It was ended because its time was up. */
  readonly timedOut: boolean;
  /** Why it could not be started. */
  readonly startFailure: Error | undefined;
  /** The last 64 KiB of each. */
  readonly stdout: string;
  readonly stderr: string;
}

const outputLimit = 64 * 1024;
const graceMilliseconds = 5000;
const lingerMilliseconds = 1000;
const longestTimer = 2 ** 31 - 1;

/** Runs a command to its end. Never throws. What it left running in the background is left alone, unless its time was up or the signal came. */
export async function runShell({ run, env, folder, withinMs, signal }: ShellCommand): Promise<ShellEnd> {
  const child = spawn('sh', ['-c', run], { env: { ...env }, cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = [keepTail(child.stdout), keepTail(child.stderr)];
  let timedOut = false;
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= endGroup(child));
  const timer = setTimeout(
    () => {
      timedOut = true;
      void end();
    },
    Math.min(withinMs, longestTimer),
  );
  const abort = (): void => void end();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const startFailure = await untilExit(child);
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  await ending;
  await untilClosed(child);
  return {
    status: startFailure === undefined ? (child.exitCode ?? undefined) : undefined,
    killedBy: child.signalCode ?? undefined,
    timedOut,
    startFailure,
    stdout: stdout(),
    stderr: stderr(),
  };
}

function untilExit(child: ChildProcess): Promise<Error | undefined> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.once('error', (error) => resolve(error));
  });
}

/* A process in the background may hold the pipes for as long as it likes: what it still writes is no part of the command. */
async function untilClosed(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const streams = [child.stdout, child.stderr];
  if (child.pid === undefined || streams.every((stream) => stream?.closed === true)) return;
  const lingering = new AbortController();
  await Promise.race([closed, sleep(lingerMilliseconds, undefined, { signal: lingering.signal }).catch(() => {})]);
  lingering.abort();
  for (const stream of streams) stream?.destroy();
}

/** Ends every process of the group: first kindly. */
async function endGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined || !signalGroup(pid, 'SIGTERM')) return;
  for (let waited = 0; waited < graceMilliseconds; waited += 50) {
    await sleep(50);
    if (!signalGroup(pid, 0)) return;
  }
  signalGroup(pid, 'SIGKILL');
}

/** Whether there was a process to tell. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function keepTail(stream: NodeJS.ReadableStream): () => string {
  let tail = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > outputLimit) tail = Buffer.from(tail.subarray(tail.length - outputLimit));
  });
  return () => tail.toString('utf8');
}
