/** Keeps the receivers of write-ahead logs running: one process for each server, started again with growing pauses when it ends. */
import type { Clock } from '../util/clock.ts';
import type { ActiveRun, RunOutcome } from './run.ts';
import type { Timers } from './timers.ts';

export type WalEvent =
  | { readonly type: 'failing'; readonly component: string; readonly failures: number; readonly outcome: RunOutcome }
  | { readonly type: 'well'; readonly component: string };

export interface WalStreamParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly start: (component: string) => ActiveRun;
  /** Must not throw. */
  readonly tell: (event: WalEvent) => void;
}

export interface WalStreamState {
  readonly component: string;
  readonly running: boolean;
  readonly since: Date;
  /** How often it ended in a row. */
  readonly failures: number;
  /** What the receiver said last of how far it is. */
  readonly progress?: Readonly<Record<string, unknown>>;
}

const shortestPause = 1000;
const longestPause = 5 * 60_000;
/** One that runs for so long is well. */
const wellAfter = 60_000;
/** Servers are restarted: that alone is no alarm. */
const toldFrom = 3;

interface Stream {
  readonly component: string;
  child?: ActiveRun;
  since: Date;
  failures: number;
  told: boolean;
  cancelTimer: () => void;
}

export class WalStreams {
  readonly #parts: WalStreamParts;
  readonly #streams = new Map<string, Stream>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(parts: WalStreamParts) {
    this.#parts = parts;
  }

  /** Runs the receivers of these components, and ends the others. */
  set(components: readonly string[]): void {
    for (const [component, stream] of this.#streams) if (!components.includes(component)) this.#drop(stream);
    for (const component of components) {
      if (this.#streams.has(component)) continue;
      const stream: Stream = { component, since: this.#parts.clock.now(), failures: 0, told: false, cancelTimer: () => {} };
      this.#streams.set(component, stream);
      this.#run(stream);
    }
  }

  list(): readonly WalStreamState[] {
    return [...this.#streams.values()].map(({ component, child, since, failures }) => {
      const progress = child?.progress();
      return { component, running: child !== undefined, since, failures, ...(progress === undefined ? {} : { progress }) };
    });
  }

  /** Ends all of them and resolves when they are gone. */
  async stop(): Promise<void> {
    this.set([]);
    await Promise.all(this.#ending);
  }

  #drop(stream: Stream): void {
    this.#streams.delete(stream.component);
    stream.cancelTimer();
    stream.child?.stop();
  }

  #run(stream: Stream): void {
    const { clock, timers, start } = this.#parts;
    const child = start(stream.component);
    stream.child = child;
    stream.since = clock.now();
    stream.cancelTimer = timers.set(wellAfter, () => this.#isWell(stream));
    const ended = child.ended.then((outcome) => {
      this.#ending.delete(ended);
      this.#ended(stream, outcome);
    });
    this.#ending.add(ended);
  }

  #isWell(stream: Stream): void {
    stream.failures = 0;
    if (stream.told) this.#parts.tell({ type: 'well', component: stream.component });
    stream.told = false;
  }

  #ended(stream: Stream, outcome: RunOutcome): void {
    stream.cancelTimer();
    delete stream.child;
    if (this.#streams.get(stream.component) !== stream) return;
    stream.failures += 1;
    stream.since = this.#parts.clock.now();
    if (stream.failures >= toldFrom && !stream.told) {
      stream.told = true;
      this.#parts.tell({ type: 'failing', component: stream.component, failures: stream.failures, outcome });
    }
    const pause = Math.min(longestPause, shortestPause * 2 ** (stream.failures - 1));
    stream.cancelTimer = this.#parts.timers.set(pause, () => this.#run(stream));
  }
}
