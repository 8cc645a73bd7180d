/**
 * The one place that reads the wall clock. Decisions take the time as a value (STYLE: clocks are passed in);
 * `Date.now()` and `new Date()` anywhere else are lint failures.
 */
export interface Clock {
  /** Now, in whole milliseconds since 1970. */
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
