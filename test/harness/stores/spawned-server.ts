/** A server as a child process that is gone when the test process is, however that ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface SpawnedServer {
  /** What the pattern found in the server's output: its first group. */
  readonly found: string;
  /** Ends the server and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ServerCommand {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder: string;
  /** What the server says when it listens, with a group for where. */
  readonly ready: RegExp;
}

/* The third descriptor ends when the test process stops it, or dies. */
export const keeper = '"$@" </dev/null & child=$!; (read -r _ <&3; kill -9 "$child") 2>/dev/null & wait "$child"';
/* Milliseconds: a loaded machine takes its time. */
const longestStart = 45_000;

/** Starts a server and waits until it says that it listens. Throws with its output where it does not. */
export async function spawnServer(command: ServerCommand): Promise<SpawnedServer> {
  const child = spawn('bash', ['-c', keeper, 'keeper', command.file, ...command.args], {
    cwd: command.folder,
    env: { ...process.env, ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    const isGone = child.exitCode !== null || child.signalCode !== null;
    const ended = isGone ? undefined : once(child, 'exit');
    for (const stream of child.stdio) stream?.destroy();
    await ended;
  };
  try {
    return { found: await whenReady(child, command), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whenReady(child: ChildProcess, { name, ready }: ServerCommand): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = '';
  const fail = (how: string): void => reject(new Error(`Cannot start ${name}: ${how}. Its output:\n${output}`));
  const timer = setTimeout(() => fail(`it does not listen after ${longestStart / 1000} seconds`), longestStart);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-20_000);
      const found = ready.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
  }
  child.once('error', (error) => fail(error.message));
  child.once('exit', (status) => fail(`it ended with status ${status}`));
  return promise.finally(() => clearTimeout(timer));
}
