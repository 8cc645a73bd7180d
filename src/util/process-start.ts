import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** When a process started, in a form that only serves to compare: a number is given to another process some day. Empty where there is none. */
export async function readProcessStart(pid: number): Promise<string> {
  try {
    return startIn(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return isAlive(pid) ? 'alive' : '';
  }
}

/** The same at once. */
export function readProcessStartNow(pid: number): string {
  try {
    return startIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return isAlive(pid) ? 'alive' : '';
  }
}

/* The second field is the program's name in brackets, and may hold anything. */
function startIn(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Where there is no /proc. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux';
  } catch {
    return false;
  }
}
