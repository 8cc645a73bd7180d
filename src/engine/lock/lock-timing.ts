import { staleAfterMs } from './stale-lock.ts';

/** How long things take, in milliseconds: restic's values, or the two programs would not agree. */
export interface LockTiming {
  /** Between writing a lock and looking again. */
  readonly settleMs: number;
  readonly refreshMs: number;
  /** A lock not refreshed for this long is given up, some time before others call it stale: clocks differ. */
  readonly giveUpMs: number;
  /** How often the age of the lock is looked at; often, because timers stand still while a machine sleeps. */
  readonly watchMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

const refreshMs = 5 * 60_000;

export const defaultTiming: LockTiming = {
  settleMs: 200,
  refreshMs,
  giveUpMs: staleAfterMs - refreshMs * 1.5,
  watchMs: 5000,
  firstPauseMs: 5000,
  longestPauseMs: 60_000,
};
