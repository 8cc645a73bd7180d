import { HoldfastError } from '../../errors.ts';
import type { Clock } from '../../util/clock.ts';

/** Measures out bytes over time. Unused time is not saved up. */
export class RateLimit {
  readonly #rate: number;
  readonly #clock: Clock;
  /** When all that was taken has been paid for, in milliseconds. */
  #freeAt = 0;
  #lastSeen = 0;

  /** @param rate bytes a second; undefined or Infinity for no limit */
  constructor(rate: number | undefined, clock: Clock) {
    if (rate !== undefined && !(rate > 0))
      throw new HoldfastError('internal', { reason: `a rate of ${rate} bytes a second was asked for` });
    this.#rate = rate ?? Number.POSITIVE_INFINITY;
    this.#clock = clock;
  }

  /** Takes bytes now; returns the milliseconds that the taker has to wait. */
  take(bytes: number): number {
    if (bytes === 0) return 0;
    const now = this.#clock.now().getTime();
    /* A clock that was set back must not make everybody wait for it to catch up. */
    if (now < this.#lastSeen) this.#freeAt -= this.#lastSeen - now;
    this.#lastSeen = now;
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes * 1000) / this.#rate;
    return this.#freeAt - now;
  }
}
