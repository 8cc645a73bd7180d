/** Which due times of jobs are open: what may be started now, and what people are to be told was not begun in time. */
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import { decideDue, jitterOf, lastDue, nextDue, nextStart } from '../policy/schedule.ts';

/** When jobs were first seen and which due time was served last; it outlives the process. */
export interface Ledger {
  see(jobId: string): { readonly added: Date; readonly lastDueRun?: Date };
  served(jobId: string, due: Date): void;
}

/** Due times that were not begun within the grace: the oldest that nobody was told of yet, and the newest. */
export interface MissedTimes {
  readonly job: PlannedJob;
  readonly due: Date;
  readonly upTo: Date;
  /** Its schedule says that it is not caught up. */
  readonly skipped: boolean;
}

const usualGrace = 15 * 60_000;
/** Looking for changes half an hour later is no harm. */
const graceOfLooks = 6 * 3_600_000;
/** What was due a while ago and is not caught up has to wait for its next time: that is worked out so often. */
const staleMs = 10 * 60_000;
/** As in policy/schedule.ts. */
const farMs = 25 * 3_600_000;
const freshMs = 3_600_000;
const never = new Date(8.64e15);

export class DueTimes {
  readonly #ledger: Ledger;
  readonly #graceMs: number;
  /** Until when nothing of a job is due, and until when nothing of it is late: to work these out takes longer than all else in a look. */
  readonly #quietUntil = new Map<string, Date>();
  readonly #punctualUntil = new Map<string, Date>();
  /** The newest due time that people were told was missed. */
  readonly #told = new Map<string, Date>();

  /** @param graceMs how long after its time something counts as missed: 15 minutes unless given; looks for changes have six hours */
  constructor(ledger: Ledger, graceMs = usualGrace) {
    this.#ledger = ledger;
    this.#graceMs = graceMs;
  }

  /** What is to be begun of these jobs, of which none runs or waits, the most urgent first. */
  findDue(idle: readonly PlannedJob[], now: Date): readonly { readonly job: PlannedJob; readonly due: Date }[] {
    const scheduled = idle
      .filter((job) => now >= this.startOf(job, now))
      .map(({ id, kind, schedule }) => ({ id, kind, schedule, ...this.#ledger.see(id), running: false }));
    return decideDue(scheduled, now).flatMap(({ id, due }) => {
      this.#quietUntil.delete(id);
      const job = idle.find((each) => each.id === id);
      return job === undefined ? [] : [{ job, due }];
    });
  }

  /** When it may be due next. */
  startOf(job: PlannedJob, now: Date): Date {
    const known = this.#quietUntil.get(job.id);
    if (known !== undefined && known.getTime() > now.getTime() - staleMs) return known;
    const start = nextStart({ ...job, ...this.#ledger.see(job.id) }, now) ?? never;
    this.#quietUntil.set(job.id, start);
    return start;
  }

  /** When its oldest open time is late, where it is not begun before. */
  lateAt(job: PlannedJob, now: Date): Date {
    const known = this.#punctualUntil.get(job.id);
    if (known !== undefined) return known;
    const oldest = this.#oldestOpen(job, now);
    const late = oldest === undefined ? never : new Date(oldest.getTime() + this.#patienceWith(job) + 1);
    this.#punctualUntil.set(job.id, late);
    return late;
  }

  /** What has become late. Where nothing of the job runs or waits and it is not caught up, it counts as served. */
  findMissed(job: PlannedJob, now: Date, isBusy: boolean): MissedTimes | undefined {
    if (now < this.lateAt(job, now)) return undefined;
    this.#punctualUntil.delete(job.id);
    const due = this.#oldestOpen(job, now);
    const upTo = lastDue(job.schedule, new Date(now.getTime() - this.#patienceWith(job) - 1));
    if (due === undefined || upTo === undefined || upTo < due) return undefined;
    const skipped = job.schedule.catchUp === false && !isBusy;
    if (skipped) this.served(job.id, upTo);
    this.#told.set(job.id, upTo);
    return { job, due, upTo, skipped };
  }

  /** The newest time that a run serves which begins now and was due before: one that had to wait serves what came due meanwhile. */
  servedBy(job: PlannedJob, due: Date, now: Date): Date {
    const begun = new Date(now.getTime() - jitterOf(job.id, job.schedule));
    const next = nextDue(job.schedule, due);
    const newest = next === undefined || next > begun ? due : (lastDue(job.schedule, begun) ?? due);
    // A run that is made again may have served several jobs, of which one was due before the others.
    const { lastDueRun } = this.#ledger.see(job.id);
    return lastDueRun !== undefined && lastDueRun > newest && lastDueRun <= begun ? lastDueRun : newest;
  }

  served(jobId: string, due: Date): void {
    this.#ledger.served(jobId, due);
    this.#quietUntil.delete(jobId);
    this.#punctualUntil.delete(jobId);
    const told = this.#told.get(jobId);
    if (told !== undefined && told <= due) this.#told.delete(jobId);
  }

  /** The clock went back. What one that was days ahead had served is not believed, as `decideDue` says; later outages are then caught up as ever. */
  forgetFuture(jobs: readonly PlannedJob[], now: Date): void {
    this.#quietUntil.clear();
    this.#punctualUntil.clear();
    const isFar = (time: Date): boolean => time.getTime() - now.getTime() > farMs;
    for (const [jobId, told] of this.#told) if (isFar(told)) this.#told.delete(jobId);
    for (const { id } of jobs) {
      const { added, lastDueRun = added } = this.#ledger.see(id);
      if (isFar(lastDueRun)) this.#ledger.served(id, new Date(now.getTime() - freshMs));
    }
  }

  /** These are the jobs from now on. */
  retain(jobs: readonly PlannedJob[], now: Date): void {
    for (const jobId of this.#told.keys()) if (!jobs.some(({ id }) => id === jobId)) this.#told.delete(jobId);
    this.forgetFuture(jobs, now);
  }

  /** The oldest due time, before now or after, that is not served, and that nobody was told of. */
  #oldestOpen({ id, schedule }: PlannedJob, now: Date): Date | undefined {
    const { added, lastDueRun = added } = this.#ledger.see(id);
    const anchor = lastDueRun.getTime() - now.getTime() > farMs ? new Date(now.getTime() - freshMs) : lastDueRun;
    const told = this.#told.get(id);
    return nextDue(schedule, told !== undefined && told > anchor ? told : anchor);
  }

  #patienceWith({ id, schedule }: PlannedJob): number {
    return jitterOf(id, schedule) + (schedule.onChange === true ? graceOfLooks : this.#graceMs);
  }
}
