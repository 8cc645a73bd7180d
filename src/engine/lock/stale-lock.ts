import { hostname } from 'node:os';
import type { LockFile } from './lock-file.ts';

/** A holder refreshes its lock every five minutes; one this old has no holder any more, or one that was asleep and will notice. */
export const staleAfterMs = 30 * 60_000;

export function isStale(lock: LockFile, now: Date): boolean {
  return ageOf(lock, now) > staleAfterMs || (isOfThisHost(lock) && !processExists(lock.pid));
}

/**
 * Whether the lock was made on this machine. Names are all that a lock holds: two containers that were given the same host name look like
 * one machine, and each finds the other's process dead. restic is misled in the same way; host names must differ.
 */
export function isOfThisHost(lock: LockFile): boolean {
  return lock.hostname !== '' && lock.hostname === hostname();
}

/** Milliseconds; never negative, though clocks of two hosts may differ. */
export function ageOf(lock: LockFile, now: Date): number {
  return Math.max(0, now.getTime() - lock.time);
}

/** `40 seconds`, `12 minutes`, `3 hours`, `2 days`. */
export function describeAge(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86_400)} days`;
}

/** A process id says little by itself: it may have been given to another process since, which then keeps the lock until it is old. */
function processExists(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it: then it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
