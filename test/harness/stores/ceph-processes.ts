/** The servers of one store: processes below a folder of their own, all gone, with the folder, however the process that started them ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/* A shell beside each server: whoever started it holds its input open, and its end is the server's. */
const beside = `
exec 3<&0
log=$1
shift
"$@" 3<&- </dev/null >>"$log" 2>&1 &
server=$!
{ cat <&3; kill -9 $server; } >/dev/null 2>&1 &
wait $server
`;
const removeAtEnd = 'cat; for attempt in 1 2 3 4 5 6 7 8; do rm -rf "$1" && exit; sleep 0.5; done';

export interface StoreProcesses {
  readonly folder: string;
  /** Starts a server that stays in the foreground. */
  start(name: string, command: readonly string[]): void;
  /** Runs a program to its end. What it printed; throws with its complaint where it failed. */
  run(command: readonly string[]): Promise<string>;
  /** Waits until a port answers. Throws with what the servers logged where one ends before, or three minutes pass. */
  untilUp(port: number): Promise<void>;
  /** Kills the servers (-9) and waits for their end; the folder stays. */
  killAll(): Promise<void>;
  /** Kills the servers and removes the folder. May be called twice. */
  stop(): Promise<void>;
}

export async function openStoreProcesses(name: string, environment: Readonly<Record<string, string>> = {}): Promise<StoreProcesses> {
  const folder = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  const env = { PATH: `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}`, HOME: folder, LC_ALL: 'C.UTF-8', ...environment };
  const remover = spawn('sh', ['-c', removeAtEnd, 'remove', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  release(remover);
  const servers = new Map<string, ChildProcess>();
  const logOf = (server: string): string => join(folder, `${server}.output`);
  const processes: StoreProcesses = {
    folder,
    start: (server, command) => {
      const child = spawn('sh', ['-c', beside, server, logOf(server), ...command], {
        detached: true,
        cwd: folder,
        env,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      release(child);
      servers.set(server, child);
    },
    run: (command) => runToEnd(command, folder, env),
    untilUp: async (port) => {
      for (let attempt = 0; attempt < 3600; attempt += 1) {
        if (await answers(port)) return;
        for (const [server, child] of servers)
          if (isOver(child)) throw new Error(`${server} of ${name} did not stay: ${await tailOf(logOf(server))}`);
        await sleep(50);
      }
      throw new Error(
        `${name} does not answer on port ${port}: ${(await Promise.all([...servers.keys()].map(logOf).map(tailOf))).join('\n')}`,
      );
    },
    killAll: async () => {
      await Promise.all([...servers.values()].map(end));
      servers.clear();
    },
    stop: async () => {
      await processes.killAll();
      await end(remover);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return processes;
}

/** Servers keep no process alive. */
function release(child: ChildProcess): void {
  child.on('error', () => {});
  child.stdin?.on('error', () => {});
  child.unref();
  const input: { unref?: () => void } | null = child.stdin as { unref?: () => void } | null;
  input?.unref?.();
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (isOver(child)) return;
  child.ref();
  await once(child, 'exit');
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function tailOf(log: string): Promise<string> {
  return (await readFile(log, 'utf8').catch(() => 'it left no log')).slice(-2000);
}

async function runToEnd(command: readonly string[], folder: string, env: Record<string, string>): Promise<string> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 180_000, killSignal: 'SIGKILL' });
  const [printed, complaints]: Buffer[][] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => printed?.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints?.push(chunk));
  const missing = new Promise<never>((_, reject) => {
    child.once('error', () =>
      reject(new Error(`Cannot run ${file}: it is not installed. Run: sh scripts/with-node.sh scripts/prepare-system.ts`)),
    );
  });
  await Promise.race([once(child, 'close'), missing]);
  if (child.exitCode !== 0)
    throw new Error(
      `${command.join(' ')} failed: ${Buffer.concat(complaints ?? [])
        .toString('utf8')
        .slice(-2000)}`,
    );
  return Buffer.concat(printed ?? []).toString('utf8');
}
