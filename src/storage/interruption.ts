import { setTimeout } from 'node:timers/promises';
import { HoldfastError } from '../errors.ts';

/**
 * Throws when the signal was given: the reason itself where that is one of our errors (a lost lock), else `interrupted`.
 */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError('interrupted', {}, signal.reason);
}

/* What a timer can hold: a longer wait would end at once. */
const longestPause = 2 ** 31 - 1;

/**
 * Waits, unless and until the signal is given.
 * @param milliseconds how long, at most 24 days
 * @throws as `throwIfInterrupted`
 */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  throwIfInterrupted(signal);
  try {
    await setTimeout(Math.min(milliseconds, longestPause), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throwIfInterrupted(signal);
    throw error;
  }
}
