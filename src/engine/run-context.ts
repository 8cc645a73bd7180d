import { HoldfastError } from '../errors.ts';
import type { EventSink } from '../events.ts';

/** What every long-running piece of work is given: where it tells what it does, and the signal that stops it. */
export interface RunContext {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** Throws `interrupted`, or the HoldfastError the signal was aborted with (`lock-lost`). */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError('interrupted', {}, signal.reason);
}
