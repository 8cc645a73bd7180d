/** Watches what every user of the machine can see: the arguments of all processes. */
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ArgumentWatch {
  /** The command lines that held the secret. */
  stop(): Promise<string[]>;
}

/** Looks again and again until it is stopped. */
export function watchArguments(secret: string): ArgumentWatch {
  const seen = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of await readdir('/proc')) {
        if (!/^\d+$/.test(pid)) continue;
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (line.includes(secret)) seen.add(line.replaceAll('\0', ' '));
      }
      await sleep(5);
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
