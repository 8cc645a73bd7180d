/** Which due times were served, kept in the catalog, and remembered here where that cannot be written for a while. */
import type { Catalog } from '../catalog/catalog.ts';
import { scheduleKeyOf } from '../operations/jobs/daemon-holder.ts';
import type { Clock } from '../util/clock.ts';
import type { Ledger } from './due-times.ts';

interface Known {
  added: Date;
  lastDueRun?: Date;
  /** The catalog does not have it yet. */
  unwritten: boolean;
}

export interface CatalogLedger extends Ledger {
  /** Writes what could not be written before. Throws what the catalog throws. */
  write(): void;
  /** Forgets the jobs that are not among these. */
  retain(jobIds: readonly string[]): void;
}

/** @param configuration the file: several applications share the catalog of a host */
export function openLedger(catalog: Catalog, configuration: string, clock: Clock): CatalogLedger {
  const known = new Map<string, Known>();
  const keyOf = (jobId: string): string => scheduleKeyOf(configuration, jobId);
  const read = (jobId: string): Known => {
    const entry = known.get(jobId) ?? { ...readOr(() => catalog.schedules.see(keyOf(jobId)), { added: clock.now() }), unwritten: false };
    known.set(jobId, entry);
    return entry;
  };
  const write = (jobId: string, entry: Known): void => {
    if (entry.lastDueRun === undefined) return;
    // A time that lies behind a later one is not noted; after a clock that was years ahead that later one has to go first.
    const noted = catalog.schedules.see(keyOf(jobId)).lastDueRun;
    if (noted !== undefined && noted > entry.lastDueRun) catalog.schedules.retain((key) => key !== keyOf(jobId));
    catalog.schedules.served(keyOf(jobId), entry.lastDueRun);
    entry.unwritten = false;
  };
  return {
    see: (jobId) => read(jobId),
    served: (jobId, due) => {
      const entry = read(jobId);
      entry.lastDueRun = due;
      entry.unwritten = true;
      readOr(() => write(jobId, entry), undefined);
    },
    write: () => {
      for (const [jobId, entry] of known) if (entry.unwritten) write(jobId, entry);
    },
    retain: (jobIds) => {
      for (const jobId of known.keys()) if (!jobIds.includes(jobId)) known.delete(jobId);
      const mine = keyOf('');
      catalog.schedules.retain((key) => !key.startsWith(mine) || jobIds.includes(key.slice(mine.length)));
    },
  };
}

/* What cannot be read or written now is tried again by the next `write`; the catalog's state shows in /ready. */
function readOr<Value>(work: () => Value, otherwise: Value): Value {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
