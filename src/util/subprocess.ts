/**
 * The one place that starts other programs. Output is streamed with back-pressure, stderr is kept to a bounded tail, and the
 * exit status is always looked at by the caller. Secrets go into `env`, never into `args`: arguments are visible to every user
 * of the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';

export interface SubprocessCommand {
  /** Path of the program, or its name on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** What the program reads on stdin; nothing when absent. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Ends the program (SIGTERM, then SIGKILL) when aborted. */
  readonly signal?: AbortSignal;
}

export interface SubprocessEnd {
  /** Exit status, or undefined when a signal ended it or it never started. */
  readonly status: number | undefined;
  readonly killedBy: string | undefined;
  /** The last 64 KiB of stderr. */
  readonly stderr: string;
  /** Why it could not be started (ENOENT, EACCES, …). */
  readonly startFailure: Error | undefined;
  /** What `input` threw, when it did: then the program was ended and its own complaint means nothing. */
  readonly inputFailure: Error | undefined;
}

export interface Subprocess {
  /** stdout, to be read to its end or left by `return()`. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves, never rejects, when the program has ended and its streams are closed. */
  readonly ended: Promise<SubprocessEnd>;
  /** Ends the program if it still runs and waits until it is gone. */
  stop(): Promise<void>;
}

const stderrLimit = 64 * 1024;
const graceMilliseconds = 5000;

/** Starts a program. Never throws: a program that cannot be started shows in `ended`. */
export function startSubprocess(command: SubprocessCommand): Subprocess {
  const child = spawn(command.file, [...command.args], {
    env: { ...command.env },
    cwd: command.folder,
    stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const { stdout } = child;
  if (stdout === null) throw new TypeError('stdout is always a pipe');
  const kill = killer(child);
  const abort = (): void => void kill();
  command.signal?.addEventListener('abort', abort, { once: true });
  if (command.signal?.aborted === true) abort();
  const ended = watch(child, command.input, kill).finally(() => command.signal?.removeEventListener('abort', abort));
  const stop = async (): Promise<void> => {
    stdout.destroy();
    await kill();
  };
  return { output: stdout, ended, stop };
}

/** Runs a program to its end and returns its output, which must not be large (`limit` bytes, 16 MiB by default). */
export async function runSubprocess(
  command: SubprocessCommand,
  limit = 16 * 1024 * 1024,
): Promise<SubprocessEnd & { readonly stdout: Buffer }> {
  const child = startSubprocess(command);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of child.output) {
      size += chunk.length;
      if (size > limit) throw new RangeError(`${command.file} wrote more than ${limit} bytes`);
      chunks.push(chunk);
    }
    return { ...(await child.ended), stdout: Buffer.concat(chunks) };
  } finally {
    await child.stop();
  }
}

async function watch(child: ChildProcess, input: AsyncIterable<Uint8Array> | undefined, kill: () => Promise<void>): Promise<SubprocessEnd> {
  const stderr = keepTail(child);
  let startFailure: Error | undefined;
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      startFailure ??= error;
      resolve();
    });
  });
  const feeding = input === undefined ? undefined : feed(child, input, kill);
  await closed;
  return {
    status: child.exitCode === null || startFailure !== undefined ? undefined : child.exitCode,
    killedBy: child.signalCode ?? undefined,
    stderr: stderr(),
    startFailure,
    inputFailure: await feeding,
  };
}

/** Writes the input. A program that stops reading is judged by its exit status, so a broken pipe is no failure of the input. */
async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array>, kill: () => Promise<void>): Promise<Error | undefined> {
  if (child.stdin === null) return undefined;
  let failure: Error | undefined;
  const watched = async function* watchInput(): AsyncGenerator<Uint8Array> {
    try {
      yield* input;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      /* Before its stdin closes: what it read so far could pass for the whole. */
      await kill();
      throw failure;
    }
  };
  await pipeline(watched, child.stdin).catch(() => {});
  return failure;
}

function keepTail(child: ChildProcess): () => string {
  let tail = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > stderrLimit) tail = Buffer.from(tail.subarray(tail.length - stderrLimit));
  });
  return () => tail.toString('utf8');
}

function killer(child: ChildProcess): () => Promise<void> {
  let killing: Promise<void> | undefined;
  const kill = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit').catch(() => {});
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
    await exited;
    clearTimeout(force);
  };
  return () => (killing ??= kill());
}
