/** Which share of the data the next check reads: the one after the last that was read well, however many checks failed or did not come. */
import type { Catalog } from '../catalog/catalog.ts';
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import type { Run } from './run.ts';

export interface CheckSlices {
  /** From 0. */
  next(job: PlannedJob): number;
  /** A run was well. */
  done(run: Run): void;
}

/** @param configuration the file: several applications share the catalog of a host */
export function openCheckSlices(catalog: Catalog, configuration: string): CheckSlices {
  const known = new Map<string, number>();
  const keyOf = (job: PlannedJob): string => `slice:${configuration}#${job.id}`;
  const next = (job: PlannedJob): number => {
    const noted = known.get(job.id) ?? Number(readOr(() => catalog.notes.get(keyOf(job)), undefined) ?? 0);
    return Number.isSafeInteger(noted) && noted >= 0 ? noted % (job.slices ?? 1) : 0;
  };
  return {
    next,
    done: ({ served, slice }) => {
      const [first] = served;
      if (first === undefined || slice === undefined) return;
      const following = (slice + 1) % (first.job.slices ?? 1);
      known.set(first.job.id, following);
      readOr(() => catalog.notes.set(keyOf(first.job), String(following)), undefined);
    },
  };
}

/* Without the catalog it begins anew: nothing is lost but time. */
function readOr<Value>(work: () => Value, otherwise: Value): Value {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
