import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { describeThisProcess, encodeLock } from './lock-file.ts';
import type { RepositoryLock } from './lock-repository.ts';
import type { LockTiming } from './lock-timing.ts';
import { describeAge } from './stale-lock.ts';

interface HeldLockOptions {
  readonly id: string;
  readonly exclusive: boolean;
  readonly timing: LockTiming;
  readonly events: EventSink;
}

/** A lock of this process, refreshed until it is released. Its timers do not keep the process alive. */
export class HeldLock implements RepositoryLock {
  readonly exclusive: boolean;
  readonly #repository: Repository;
  readonly #timing: LockTiming;
  readonly #events: EventSink;
  readonly #lost = new AbortController();
  readonly #watch: NodeJS.Timeout;
  #id: string;
  /** Files of ours that could not be removed yet. */
  readonly #leftovers = new Set<string>();
  #refreshedAt: number;
  #attemptedAt: number;
  #refreshing: Promise<void> | undefined;
  #released = false;

  constructor(repository: Repository, { id, exclusive, timing, events }: HeldLockOptions) {
    this.#repository = repository;
    this.exclusive = exclusive;
    this.#id = id;
    this.#timing = timing;
    this.#events = events;
    this.#refreshedAt = this.#attemptedAt = this.#now();
    this.#watch = setInterval(() => this.#look(), timing.watchMs);
    this.#watch.unref();
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    this.#released = true;
    clearInterval(this.#watch);
    await this.#refreshing;
    for (const id of [...this.#leftovers, this.#id]) {
      try {
        await this.#repository.removeFile('lock', id);
        this.#leftovers.delete(id);
      } catch (error) {
        this.#events({ type: 'notice', message: `The lock ${id.slice(0, 8)} could not be removed: ${reasonOf(error)}.` });
      }
    }
  }

  #look(): void {
    if (this.#refreshing !== undefined || this.#released || this.signal.aborted) return;
    const now = this.#now();
    const givingUp = now - this.#refreshedAt >= this.#timing.giveUpMs;
    if (!givingUp && now - this.#attemptedAt < this.#timing.refreshMs) return;
    this.#attemptedAt = now;
    this.#refreshing = this.#refresh()
      .catch((error: unknown) => this.#failed(error, givingUp))
      .finally(() => (this.#refreshing = undefined));
  }

  /**
   * A new file replaces the old. The old one must be there before and after: where somebody has removed it they may hold the repository
   * by now, which is what happens to a machine that slept for longer than a lock lives.
   */
  async #refresh(): Promise<void> {
    await this.#assertThere();
    const time = this.#now();
    const id = await this.#repository.writeFile('lock', encodeLock(describeThisProcess(this.exclusive, new Date(time))));
    try {
      await sleep(this.#timing.settleMs, undefined, { ref: false });
      await this.#assertThere();
    } catch (error) {
      this.#leftovers.add(id);
      throw error;
    }
    this.#leftovers.add(this.#id);
    this.#id = id;
    this.#refreshedAt = time;
    for (const old of this.#leftovers) {
      // What cannot be removed now is tried again at the next refresh and at the end.
      await this.#repository.removeFile('lock', old).then(
        () => this.#leftovers.delete(old),
        () => {},
      );
    }
  }

  async #assertThere(): Promise<void> {
    if ((await this.#repository.storage.stat(keyOf('lock', this.#id))) === undefined) throw this.#lostError();
  }

  #failed(error: unknown, givingUp: boolean): void {
    const lost = error instanceof HoldfastError && error.code === 'lock-lost';
    if (lost || givingUp) this.#lost.abort(lost ? error : this.#lostError(error));
    else this.#events({ type: 'notice', message: `The lock could not be refreshed, which will be tried again: ${reasonOf(error)}.` });
  }

  #lostError(cause?: unknown): HoldfastError {
    return new HoldfastError(
      'lock-lost',
      { location: this.#repository.location, age: describeAge(this.#now() - this.#refreshedAt) },
      cause,
    );
  }

  #now(): number {
    return this.#repository.clock.now().getTime();
  }
}
