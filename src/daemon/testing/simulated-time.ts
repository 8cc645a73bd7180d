/** Time that passes when a test says so: timers run by the time that really passes, and the clock on the wall may be set. */
import type { Clock } from '../../util/clock.ts';
import type { Timers } from '../timers.ts';

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

export class SimulatedTime {
  #passed = 0;
  #wall: number;
  #timers = new Set<Timer>();
  /** How often a timer called back. */
  wakeUps = 0;

  readonly #settle: () => Promise<void>;

  /** @param settle lets be done what a timer began, before time goes on. What was promised so far, unless given */
  constructor(begin: Date, settle: () => Promise<void> = keepPromises) {
    this.#wall = begin.getTime();
    this.#settle = settle;
  }

  readonly clock: Clock = { now: () => new Date(this.#wall + this.#passed) };

  readonly timers: Timers = {
    set: (milliseconds, work) => {
      const timer = { at: this.#passed + Math.max(0, milliseconds), work };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
  };

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds since the beginning, whatever the clock says. */
  get passed(): number {
    return this.#passed;
  }

  /** Sets the clock on the wall forward, or back. */
  setClock(byMs: number): void {
    this.#wall += byMs;
  }

  /** The machine is off, or sleeps: time passes and nothing runs. */
  skip(milliseconds: number): void {
    this.#passed += milliseconds;
  }

  /** What a machine that went down forgets. */
  dropTimers(): void {
    this.#timers.clear();
  }

  /** Lets so much time pass; `false` from `goOn` ends it early. */
  async pass(milliseconds: number, goOn: () => boolean = () => true): Promise<void> {
    const end = this.#passed + milliseconds;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#passed = Math.max(this.#passed, next.at);
      this.wakeUps += 1;
      next.work();
      await this.#settle();
      if (!goOn()) return;
    }
    this.#passed = end;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer;
    return first;
  }
}

async function keepPromises(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
