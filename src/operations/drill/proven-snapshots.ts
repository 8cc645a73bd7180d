/** What drills have proved: the newest word on each snapshot counts. */
import type { Repository } from '../../engine/repository.ts';
import type { EventSink } from '../../events.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { StoredReport } from './report-chain.ts';

/** Ids of the snapshots that a drill restored and found right. Problems with the reports are notices. Throws the storage's errors. */
export async function readProven(repository: Repository, events: EventSink): Promise<ReadonlySet<string>> {
  // Most repositories that are listed have none, and what checks them costs more than the list.
  if ((await openSealedObjects(repository).list('drills/')[Symbol.asyncIterator]().next()).done === true) return new Set();
  const { readDrillReports } = await import('./report-chain.ts');
  const { reports, problems } = await readDrillReports(repository);
  for (const problem of problems.slice(0, 5)) events({ type: 'notice', message: `Reports of drills: ${problem}.` });
  return findProven(reports);
}

/** Newest first. Reading alone (`check`) proves nothing; that a drill could not be tried says nothing. */
export function findProven(reports: readonly StoredReport[]): ReadonlySet<string> {
  const judged = new Map<string, boolean>();
  for (const { report } of reports)
    for (const { snapshot, verdict } of report.components) {
      if (judged.has(snapshot) || verdict === 'failed' || (report.kind === 'check' && verdict === 'proven')) continue;
      judged.set(snapshot, verdict === 'proven');
    }
  return new Set([...judged].flatMap(([snapshot, isProven]) => (isProven ? [snapshot] : [])));
}
