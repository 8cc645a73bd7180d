/**
 * What this host remembers: runs, schedules, alarms. It is convenience, never the only copy of anything that matters: what must outlive the
 * machine lies in the repositories. So it may be lost, and nothing that protects data may fail because of it.
 */
import type { Clock } from '../util/clock.ts';
import { type AuditHeads, type AuditWaiting, openAuditHeads, openAuditWaiting } from './audit-books.ts';
import { CatalogDatabase } from './catalog-database.ts';
import { type DocumentStore, openDocumentStore } from './document-store.ts';
import { type LeaseBook, openLeaseBook } from './lease-book.ts';
import { type NoteBook, openNoteBook } from './note-book.ts';
import { beginRun, findRuns, markInterrupted } from './run-log.ts';
import type { RunBeginning, RunHandle, RunQuery, RunRecord } from './run-record.ts';
import { openScheduleBook, type ScheduleBook } from './schedule-book.ts';
import { trimDaily } from './trim-catalog.ts';

export interface Catalog {
  /** Notes that this process begins a run. */
  beginRun(run: RunBeginning): RunHandle;
  /** The newest first. */
  runs(query?: RunQuery): readonly RunRecord[];
  /** Marks runs of this host as interrupted whose process is gone, and returns those that were found now. */
  markInterrupted(): readonly RunRecord[];
  readonly schedules: ScheduleBook;
  /** An `AlarmStore` of src/observe/notify. */
  readonly alarms: DocumentStore;
  readonly leases: LeaseBook;
  readonly auditHeads: AuditHeads;
  readonly auditWaiting: AuditWaiting;
  /** What was seen last, by key. */
  readonly notes: NoteBook;
  close(): void;
}

export interface CatalogOptions {
  /** Told when a damaged file was set aside and begun anew. */
  readonly onNotice?: (message: string) => void;
}

/**
 * Opens the catalog in a state folder, and makes it where there is none. Any number of processes may have it open.
 *
 * @throws HoldfastError `catalog-failed` where the folder cannot be written or its disk is full, `catalog-newer`; any call may throw them too
 */
export function openCatalog(folder: string, clock: Clock, { onNotice = () => {} }: CatalogOptions = {}): Catalog {
  const file = new CatalogDatabase({ folder, clock, onNotice });
  const notes = openNoteBook(file, clock);
  trimDaily(file, notes, clock);
  return {
    beginRun: (run) => beginRun(file, clock, run),
    runs: (query = {}) => findRuns(file, query),
    markInterrupted: () => markInterrupted(file, clock),
    schedules: openScheduleBook(file, clock),
    alarms: openDocumentStore(file),
    leases: openLeaseBook(file, clock),
    auditHeads: openAuditHeads(file, clock),
    auditWaiting: openAuditWaiting(file),
    notes,
    close: () => file.close(),
  };
}
