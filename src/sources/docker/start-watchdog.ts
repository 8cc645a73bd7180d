/** Programs that put things right when the process that started them dies. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Starts a program of node that waits for the end of its stdin, which comes when this process ends, however it does. It has a session of its own, so that
 * what ends this process's group does not end it. Returns what ends its wait. Where it cannot be started, what it is for is left to the next command.
 */
export function startWatchdog(program: string, args: readonly string[]): () => void {
  const watchdog = spawn(process.execPath, [program, ...args], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.on('error', () => {});
  watchdog.stdin.on('error', () => {});
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return () => watchdog.stdin.end();
}

/** In the program: resolves when the process that started it has ended, or needs it no more. */
export async function untilStarterEnds(): Promise<void> {
  process.stdin.resume();
  await new Promise<void>((resolve) => {
    process.stdin.on('end', resolve);
    process.stdin.on('error', () => resolve());
  });
}
