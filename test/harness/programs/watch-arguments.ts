/** Watches what every user of the machine can see: the arguments of processes. A secret must never be among them. */
import { readFile, readdir } from 'node:fs/promises';
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
      for (const pid of below === undefined ? await allProcesses() : await processesBelow(below)) {
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
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

async function allProcesses(): Promise<string[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
}

async function processesBelow(root: number): Promise<string[]> {
  const found = [String(root)];
  for (const pid of found) {
    const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
    for (const thread of threads) {
      const children = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '');
      found.push(...children.split(' ').filter((child) => child !== ''));
    }
  }
  return found;
}
