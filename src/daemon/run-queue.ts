/** Runs that wait: the most urgent first, one a job, and no more than there are jobs. */
import { randomUUID } from 'node:crypto';
import { type PlannedJob, wordsOfBackup, wordsOfJob } from '../operations/jobs/plan-jobs.ts';
import type { JobKind } from '../policy/schedule.ts';
import type { Run, ServedJob } from './run.ts';

export interface WaitingRun extends ServedJob {
  readonly id: string;
  readonly trigger: 'schedule' | 'api';
  readonly askedBy?: string;
  readonly attempt: number;
  readonly since: Date;
  /** It is not started before. */
  readonly notBefore: Date;
}

/** What comes first when several wait. */
const order: readonly JobKind[] = ['restore', 'backup', 'copy', 'archive', 'drill', 'prune', 'check'];

export class RunQueue {
  readonly #waiting = new Map<string, WaitingRun>();

  /** Where the job waits already, that one is returned; where somebody asks for it, it waits no longer for its time. */
  add(run: Omit<WaitingRun, 'id'>): WaitingRun {
    const known = this.#waiting.get(run.job.id);
    const entry = known === undefined ? { ...run, id: randomUUID() } : hasten(known, run);
    this.#waiting.set(run.job.id, entry);
    return entry;
  }

  has(jobId: string): boolean {
    return this.#waiting.has(jobId);
  }

  list(): readonly WaitingRun[] {
    return [...this.#waiting.values()];
  }

  remove(jobId: string): void {
    this.#waiting.delete(jobId);
  }

  /** Takes out what is to be started now; backups that wait become one run. Undefined where nothing may start yet. */
  take(now: Date, sliceOf: (job: PlannedJob) => number): Run | undefined {
    const ready = this.list()
      .filter(({ notBefore }) => notBefore.getTime() <= now.getTime())
      .toSorted((a, b) => urgencyOf(a) - urgencyOf(b) || timeOf(a) - timeOf(b));
    const [first] = ready;
    if (first === undefined) return undefined;
    const members = [first, ...ready.filter((other) => other !== first && belongTogether(first, other))];
    for (const { job } of members) this.#waiting.delete(job.id);
    return runOf(first, members, first.job.slices === undefined ? undefined : sliceOf(first.job));
  }
}

/** One recovery point holds what is due at a time. What looks for changes is left alone: it may make no point at all. */
function belongTogether(one: WaitingRun, other: WaitingRun): boolean {
  return [one, other].every(({ job }) => job.kind === 'backup' && job.schedule.onChange !== true);
}

function runOf(first: WaitingRun, members: readonly WaitingRun[], slice: number | undefined): Run {
  const { id, job, trigger, askedBy } = first;
  const components = [...new Set(members.flatMap((member) => member.job.components))];
  return {
    id,
    kind: job.kind,
    served: members.map(({ job: served, due }) => ({ job: served, ...(due === undefined ? {} : { due }) })),
    words: members.length === 1 ? wordsOfJob(job, slice) : wordsOfBackup(components, false),
    components,
    ...(job.repository === undefined ? {} : { repository: job.repository }),
    trigger,
    ...(askedBy === undefined ? {} : { askedBy }),
    ...(slice === undefined ? {} : { slice }),
    attempt: Math.max(...members.map(({ attempt }) => attempt)),
  };
}

/** Smaller ones first; looking whether something has changed comes after other backups. */
function urgencyOf({ job }: WaitingRun): number {
  return order.indexOf(job.kind) + (job.schedule.onChange === true ? 0.5 : 0);
}

function hasten(known: WaitingRun, wish: Omit<WaitingRun, 'id'>): WaitingRun {
  const notBefore = timeOf(known, 'notBefore') <= timeOf(wish, 'notBefore') ? known.notBefore : wish.notBefore;
  const due = wish.due ?? known.due;
  return { ...known, notBefore, ...(due === undefined ? {} : { due }) };
}

function timeOf(run: Omit<WaitingRun, 'id'>, which: 'since' | 'notBefore' = 'since'): number {
  return run[which].getTime();
}
