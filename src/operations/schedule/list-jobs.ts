import type { Configuration } from '../../config/configuration.ts';
import { nextDue } from '../../policy/schedule.ts';
import { planJobs, type PlannedJob } from '../jobs/plan-jobs.ts';

export interface ListedJob extends PlannedJob {
  /** The due times that come next, without jitter. */
  readonly next: readonly Date[];
}

/** Every job of a configuration with its next due times; the one that is due first comes first. */
export function listJobs(configuration: Configuration, now: Date, count = 3): readonly ListedJob[] {
  const listed = planJobs(configuration).map((job) => {
    const next: Date[] = [];
    for (let due = nextDue(job.schedule, now); due !== undefined && next.length < count; due = nextDue(job.schedule, due)) next.push(due);
    return { ...job, next };
  });
  return listed.toSorted((a, b) => (a.next[0]?.getTime() ?? Infinity) - (b.next[0]?.getTime() ?? Infinity));
}
