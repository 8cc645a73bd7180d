/**
 * Ends a command inside a container. The engine has no word for that, and knows its processes by numbers of another namespace: so every
 * command carries a mark in its environment, which all it starts inherit, and those who carry it are ended from inside.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** The variable that carries the mark. */
export const marker = 'HOLDFAST_COMMAND';

export interface MarkedCommand {
  isRunning(): Promise<boolean>;
  /** Runs a program in the same container, as root. Its exit status. */
  run(command: readonly string[]): Promise<number>;
}

const graceMilliseconds = 5000;

const script = `
for folder in /proc/[0-9]*; do
  if grep -q "$2" "$folder/environ" 2>/dev/null; then kill -s "$1" "\${folder#/proc/}" 2>/dev/null; fi
done
exit 0
`;

/** SIGTERM, then SIGKILL. Never throws: where it cannot be ended (no shell inside, no engine), closing its streams must do. */
export async function killMarked(mark: string, command: MarkedCommand): Promise<void> {
  for (const signal of ['TERM', 'KILL']) {
    try {
      if (!(await command.isRunning())) return;
      await command.run(['sh', '-c', script, 'holdfast', signal, mark]);
      for (let waited = 0; waited < graceMilliseconds; waited += 100) {
        if (!(await command.isRunning())) return;
        await sleep(100);
      }
    } catch {
      return;
    }
  }
}
