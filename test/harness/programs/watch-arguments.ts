/** Watches what every user of the machine can see: the arguments of processes. A secret must never be among them. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ArgumentWatch {
  /** The command lines that held a secret. */
  stop(): Promise<string[]>;
}

export interface WatchedProcesses {
  /** Only this process and what it starts; every process of the machine where absent. */
  readonly below?: number | undefined;
}

const pauseMs = 10;

/** Looks again and again until it is stopped. */
export function watchArguments(secrets: readonly string[], { below }: WatchedProcesses = {}): ArgumentWatch {
  const seen = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of below === undefined ? allProcesses() : processesBelow(below)) {
        const line = readOrNothing(`/proc/${pid}/cmdline`);
        if (secrets.some((secret) => line.includes(secret))) seen.add(line.replaceAll('\0', ' '));
      }
      await sleep(pauseMs);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return [...seen];
    },
  };
}

/** Waits for the end of a process that was started, and throws where a secret was among the arguments of it or of what it started. */
export async function endWithoutSecrets<Result>(
  ended: Promise<Result>,
  { pid, secrets }: { readonly pid: number | undefined; readonly secrets: readonly string[] },
): Promise<Result> {
  if (pid === undefined) return ended;
  const watch = watchArguments(secrets, { below: pid });
  const [end] = await Promise.allSettled([ended]);
  const shown = await watch.stop();
  if (end.status === 'rejected') throw end.reason;
  if (shown.length > 0) throw new Error(`a password was among the arguments of: ${shown.join('\n')}`);
  return end.value;
}

function allProcesses(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function processesBelow(root: number): string[] {
  const found = [String(root)];
  for (const pid of found)
    for (const thread of threadsOf(pid)) {
      const children = readOrNothing(`/proc/${pid}/task/${thread}/children`);
      found.push(...children.split(' ').filter((child) => child !== ''));
    }
  return found;
}

function threadsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/* What lies below /proc is in memory: to wait for it would cost ten times as much. A process may be gone by now. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
