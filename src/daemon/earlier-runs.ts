/** What an earlier daemon left: runs that were interrupted are made again, runs that still go on are waited for, and what has ended is judged. */
import type { Catalog } from '../catalog/catalog.ts';
import type { RunRecord } from '../catalog/run-record.ts';
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';

export interface EarlierRuns {
  /** Jobs with a run that was interrupted, how often in a row, and what was due. */
  readonly interrupted: readonly { readonly job: PlannedJob; readonly times: number; readonly due?: Date }[];
  /** Runs that ended, each the newest of these jobs, and how often in a row what was due then was tried. */
  readonly ended: readonly EndedRun[];
  /** Jobs whose run goes on without a daemon. */
  readonly goingOn: readonly { readonly job: PlannedJob; readonly pid: number }[];
  /** Receivers of write-ahead logs that an earlier daemon started and did not end. */
  readonly receivers: readonly number[];
  /** What the runs that go on were due at. */
  readonly served: ReadonlyMap<string, Date>;
}

export interface EndedRun {
  readonly record: RunRecord;
  readonly jobs: readonly PlannedJob[];
  readonly attempt: number;
}

const mostLooked = 500;
const clockSlackMs = 25 * 3_600_000;

/** Throws what the catalog throws. */
export function findEarlierRuns(catalog: Catalog, configuration: string, jobs: readonly PlannedJob[], now: Date): EarlierRuns {
  catalog.markInterrupted();
  // Those of a clock that was ahead stand before all others, and say nothing of what came after them.
  const runs = catalog.runs({ configuration, limit: mostLooked }).filter(({ began }) => began.getTime() < now.getTime() + clockSlackMs);
  const found: { interrupted: EarlierRuns['interrupted'][number][]; goingOn: EarlierRuns['goingOn'][number][] } = {
    interrupted: [],
    goingOn: [],
  };
  const served = new Map<string, Date>();
  const ended = new Map<string, EndedRun>();
  for (const job of jobs) {
    const own = runs.filter((run) => jobsOf(run).includes(job.id));
    const [newest] = own;
    if (newest === undefined) continue;
    if (newest.status === 'running') {
      found.goingOn.push({ job, pid: newest.pid });
      if (newest.due !== undefined) served.set(job.id, newest.due);
    } else if (newest.status !== 'interrupted') {
      const others = own.findIndex(({ due }) => due?.getTime() !== newest.due?.getTime());
      const jobsBefore = ended.get(newest.id)?.jobs ?? [];
      ended.set(newest.id, { record: newest, jobs: [...jobsBefore, job], attempt: others === -1 ? own.length : others });
    }
    const endures = own.findIndex(({ status }) => status !== 'interrupted');
    const times = endures === -1 ? own.length : endures;
    if (times > 0 && !isCancelled(catalog, configuration, newest))
      found.interrupted.push({ job, times, ...(newest.due === undefined ? {} : { due: newest.due }) });
  }
  const receivers = runs.flatMap((run) => (run.status === 'running' && jobsOf(run).some(isOfReceiver) ? [run.pid] : []));
  return { ...found, ended: [...ended.values()], receivers, served };
}

const receiverPrefix = 'wal:';

/** What a receiver says as its job. */
export function jobOfReceiver(component: string): string {
  return `${receiverPrefix}${component}`;
}

function isOfReceiver(job: string): boolean {
  return job.startsWith(receiverPrefix);
}

/** The jobs that a run serves: backups that came due at a time are one run. */
export function jobsOf({ job }: Pick<RunRecord, 'job'>): readonly string[] {
  return job?.split(',') ?? [];
}

/**
 * Notes that somebody ended what runs, so that it is not taken for an accident later. @param began when it was started, @param ended when that was.
 * Throws what the catalog throws.
 */
export function noteCancelled(
  catalog: Catalog,
  configuration: string,
  pid: number,
  { began, ended }: { readonly began: Date; readonly ended: Date },
): void {
  catalog.notes.set(cancelKey(configuration), JSON.stringify({ pid, began: began.getTime(), ended: ended.getTime() }));
}

/* The record begins a moment after the process does. In a container a later run soon has the same number. */
function isCancelled(catalog: Catalog, configuration: string, run: RunRecord): boolean {
  const note = catalog.notes.get(cancelKey(configuration));
  const [, pid, began, ended] = /^\{"pid":(\d+),"began":(\d+),"ended":(\d+)\}$/.exec(note ?? '') ?? [];
  const at = run.began.getTime();
  return pid === String(run.pid) && at >= Number(began) && at <= Number(ended);
}

function cancelKey(configuration: string): string {
  return `cancelled:${configuration}`;
}
