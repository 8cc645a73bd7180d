/** When each job of a schedule was first seen, and which due time was served last. */
import type { Clock } from '../util/clock.ts';
import type { CatalogDatabase } from './catalog-database.ts';
import { timeOf } from './run-rows.ts';

export interface ScheduleState {
  readonly added: Date;
  /** The due time that was served last, not when that happened. */
  readonly lastDueRun?: Date;
}

export interface ScheduleBook {
  /** What is known of a job; one that is seen for the first time is noted with the time now. */
  see(job: string): ScheduleState;
  /** By job. */
  all(): ReadonlyMap<string, ScheduleState>;
  /** A due time before the one that is noted changes nothing. */
  served(job: string, due: Date): void;
  /** Forgets the jobs for which `wanted` is false. */
  retain(wanted: (job: string) => boolean): void;
}

export function openScheduleBook(file: CatalogDatabase, clock: Clock): ScheduleBook {
  const all = (): Map<string, ScheduleState> => {
    const rows = file.use((database) => database.prepare('SELECT job, added, last_due FROM schedules').all());
    return new Map(
      rows.map((row) => {
        const lastDueRun = timeOf(row['last_due']);
        return [String(row['job']), { added: timeOf(row['added']) ?? new Date(0), ...(lastDueRun === undefined ? {} : { lastDueRun }) }];
      }),
    );
  };
  const add = (job: string): void => {
    const sql = 'INSERT INTO schedules (job, added) VALUES (?, ?) ON CONFLICT DO NOTHING';
    file.use((database) => database.prepare(sql).run(job, clock.now().getTime()));
  };
  return {
    all,
    see: (job) => {
      const known = all().get(job);
      if (known !== undefined) return known;
      add(job);
      return all().get(job) ?? { added: clock.now() };
    },
    served: (job, due) => {
      add(job);
      const sql = 'UPDATE schedules SET last_due = ?1 WHERE job = ?2 AND (last_due IS NULL OR last_due < ?1)';
      file.use((database) => database.prepare(sql).run(due.getTime(), job));
    },
    retain: (wanted) => {
      for (const job of all().keys())
        if (!wanted(job)) file.use((database) => database.prepare('DELETE FROM schedules WHERE job = ?').run(job));
    },
  };
}
