/**
 * Starts what is due, and tells what could not be started in time. It wakes up when something is due, and every half minute at least: a clock
 * that was set, or a machine that slept, makes no timer come earlier.
 */
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import { nextDue } from '../policy/schedule.ts';
import type { Clock } from '../util/clock.ts';
import { DueTimes, type Ledger, type MissedTimes } from './due-times.ts';
import { judgeRun, type Judgement } from './judge-run.ts';
import type { ActiveRun, Run, RunOutcome, StartRun } from './run.ts';
import { RunQueue, type WaitingRun } from './run-queue.ts';
import type { Timers } from './timers.ts';

export type SchedulerEvent =
  | { readonly type: 'started'; readonly run: Run }
  | { readonly type: 'ended'; readonly run: Run; readonly outcome: RunOutcome; readonly judgement: Judgement; readonly seconds: number }
  | ({ readonly type: 'missed' } & MissedTimes);

export interface SchedulerParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ledger: Ledger;
  readonly startRun: StartRun;
  /** Must not throw. */
  readonly tell: (event: SchedulerEvent) => void;
  /** Which share the next run of a job takes. */
  readonly sliceOf: (job: PlannedJob) => number;
  /** Called each time it has looked what is due. Must not throw. */
  readonly onTick?: (now: Date) => void;
  /** How long after its time something counts as missed. Default: 15 minutes. */
  readonly graceMs?: number;
  /** Default: half a minute. */
  readonly longestSleepMs?: number;
}

export interface Active {
  readonly run: Run;
  readonly began: Date;
  readonly child: ActiveRun;
}

/* In between nothing happens, and a clock that was set is noticed this late at most. */
const longestSleep = 30_000;
const shortestSleep = 1000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #queue = new RunQueue();
  readonly #dueTimes: DueTimes;
  /** Jobs that are held back: a run of theirs goes on that an earlier daemon began. */
  readonly #held = new Set<string>();
  #jobs: readonly PlannedJob[] = [];
  #active: Active | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastTick: Date | undefined;
  #stopping = false;
  #cancelled: Run | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#dueTimes = new DueTimes(parts.ledger, parts.graceMs);
  }

  /** When it last looked what is due. */
  get lastTick(): Date | undefined {
    return this.#lastTick;
  }

  get active(): Active | undefined {
    return this.#active;
  }

  get waiting(): readonly WaitingRun[] {
    return this.#queue.list();
  }

  get jobs(): readonly PlannedJob[] {
    return this.#jobs;
  }

  /** Takes these jobs from now on. What waits of a job that is gone does not run any more; what runs, ends. */
  setJobs(jobs: readonly PlannedJob[]): void {
    this.#jobs = jobs;
    for (const { job } of this.#queue.list()) if (!jobs.some(({ id }) => id === job.id)) this.#queue.remove(job.id);
    this.#dueTimes.retain(jobs, this.#parts.clock.now());
  }

  /** Holds a job back until `release`. */
  hold(jobId: string): void {
    this.#held.add(jobId);
  }

  release(jobId: string): void {
    this.#held.delete(jobId);
  }

  /** Looks what is due, starts what may start, and sleeps until the next time. */
  tick(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#stopping) return;
    const now = this.#parts.clock.now();
    if (this.#lastTick !== undefined && now < this.#lastTick) this.#dueTimes.forgetFuture(this.#jobs, now);
    this.#lastTick = now;
    this.#enqueueDue(now);
    this.#tellMissed(now);
    this.#startNext(now);
    this.#parts.onTick?.(now);
    this.#cancelTimer = this.#parts.timers.set(this.#sleep(now), () => this.tick());
  }

  /** Has a job run as soon as it can. Undefined for a job that there is not; the run that is under way where it runs already. */
  request(jobId: string, how: { readonly askedBy?: string; readonly attempt?: number; readonly due?: Date } = {}): string | undefined {
    const job = this.#jobs.find(({ id }) => id === jobId);
    if (job === undefined || this.#stopping) return undefined;
    if (this.#active?.run.served.some((served) => served.job.id === jobId) === true) return this.#active.run.id;
    const { askedBy, attempt = 1, due } = how;
    const now = this.#parts.clock.now();
    const { id } = this.#queue.add({
      job,
      ...(due === undefined ? {} : { due }),
      trigger: askedBy === undefined ? 'schedule' : 'api',
      ...(askedBy === undefined ? {} : { askedBy }),
      attempt,
      since: now,
      notBefore: now,
    });
    this.tick();
    return id;
  }

  /** Ends a run, or takes one that waits out of the queue. False where there is none of this id. */
  cancel(runId: string): boolean {
    if (this.#active?.run.id === runId) {
      this.#cancelled = this.#active.run;
      this.#active.child.stop();
      return true;
    }
    const waiting = this.#queue.list().find(({ id }) => id === runId);
    if (waiting === undefined) return false;
    this.#queue.remove(waiting.job.id);
    if (waiting.due !== undefined) this.#dueTimes.served(waiting.job.id, waiting.due);
    return true;
  }

  /** Starts nothing more, asks what runs to end, and resolves when it has. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelTimer?.();
    this.#active?.child.stop();
    await this.#active?.child.ended;
  }

  /** When a job is due next; undefined where never. */
  nextDueOf({ schedule }: PlannedJob): Date | undefined {
    return nextDue(schedule, this.#parts.clock.now());
  }

  #enqueueDue(now: Date): void {
    const idle = this.#jobs.filter(({ id }) => !this.#isBusy(id));
    for (const { job, due } of this.#dueTimes.findDue(idle, now))
      this.#queue.add({ job, due, trigger: 'schedule', attempt: 1, since: now, notBefore: now });
  }

  /** Whether nothing of a job is to be begun now. */
  #isBusy(id: string): boolean {
    return this.#held.has(id) || this.#queue.has(id) || this.#active?.run.served.some(({ job }) => job.id === id) === true;
  }

  /** Also of what runs: it may hang. */
  #tellMissed(now: Date): void {
    for (const job of this.#jobs) {
      const missed = this.#dueTimes.findMissed(job, now, this.#isBusy(job.id));
      if (missed !== undefined) this.#parts.tell({ type: 'missed', ...missed });
    }
  }

  #startNext(now: Date): void {
    if (this.#active !== undefined) return;
    const taken = this.#queue.take(now, this.#parts.sliceOf);
    if (taken === undefined) return;
    const served = taken.served.map(({ job, due }) => ({
      job,
      ...(due === undefined ? {} : { due: this.#dueTimes.servedBy(job, due, now) }),
    }));
    const run = { ...taken, served };
    const child = this.#parts.startRun(run);
    // Only now: where the machine fails before this, the due time is served when it is back.
    for (const { job, due } of served) if (due !== undefined) this.#dueTimes.served(job.id, due);
    this.#active = { run, began: now, child };
    this.#parts.tell({ type: 'started', run });
    void child.ended.then((outcome) => this.#end(run, outcome, now));
  }

  #end(run: Run, outcome: RunOutcome, began: Date): void {
    const now = this.#parts.clock.now();
    const judgement = judgeRun(run, outcome, this.#stopping || this.#cancelled === run);
    this.#active = undefined;
    if (judgement.againInMs !== undefined) this.#tryAgain(run, new Date(now.getTime() + judgement.againInMs), now);
    const seconds = Math.max(0, (now.getTime() - began.getTime()) / 1000);
    this.#parts.tell({ type: 'ended', run, outcome, judgement, seconds });
    this.tick();
  }

  #tryAgain({ served, trigger, askedBy, attempt }: Run, notBefore: Date, since: Date): void {
    for (const { job, due } of served) {
      if (!this.#jobs.some(({ id }) => id === job.id)) continue;
      const asked = askedBy === undefined ? {} : { askedBy };
      this.#queue.add({ job, ...(due === undefined ? {} : { due }), trigger, ...asked, attempt: attempt + 1, since, notBefore });
    }
  }

  /** Milliseconds until something may have to be done. */
  #sleep(now: Date): number {
    const times = [
      ...this.#jobs.filter((job) => !this.#isBusy(job.id)).map((job) => this.#dueTimes.startOf(job, now).getTime()),
      ...this.#jobs.map((job) => this.#dueTimes.lateAt(job, now).getTime()),
      ...(this.#active === undefined ? this.#queue.list().map(({ notBefore }) => notBefore.getTime()) : []),
    ];
    return Math.min(this.#parts.longestSleepMs ?? longestSleep, Math.max(shortestSleep, Math.min(...times) - now.getTime()));
  }
}
