/** A restore that has been decided on: what will be made, changed, left and removed. */
import type { BlobIndex } from '../index/blob-index.ts';
import { entryFlag, noEntry, type EntryTable } from './entry-table.ts';
import { EntryPaths } from './entry-paths.ts';
import type { RestoreAction, RestoreRequest, RestoreTotals } from './restore-request.ts';

export interface RestorePlan {
  /** Absolute. */
  readonly target: string;
  readonly request: RestoreRequest;
  readonly totals: RestoreTotals;
  /** Absolute paths that are removed, each with all below it. */
  readonly deletions: readonly string[];
  /** Entries whose trees or blobs are missing or do not fit, and why. They will not be restored, and the restore will end with an error. */
  readonly damage: ReadonlyMap<number, string>;
  readonly table: EntryTable;
  readonly index: BlobIndex;
  /** Every single action, in the order of the snapshot, then the deletions. */
  actions(): Iterable<RestoreAction>;
}

type PlanParts = Omit<RestorePlan, 'totals' | 'actions'>;

export function createPlan(parts: PlanParts): RestorePlan {
  return { ...parts, totals: countTotals(parts), actions: () => listActions(parts) };
}

function countTotals({ table, index, deletions }: PlanParts): RestoreTotals {
  const totals = { files: 0, folders: 0, others: 0, skipped: 0, unchanged: 0, deletions: deletions.length, bytes: 0, bytesToWrite: 0 };
  for (let entry = 0; entry < table.count; entry++) {
    const type = table.typeOf(entry);
    const flags = table.flagsOf(entry);
    if ((flags & entryFlag.skipped) !== 0) totals.skipped += 1;
    else if (type === 'dir') totals.folders += 1;
    else if (type !== 'file') totals.others += 1;
    else totals.files += 1;
    if (type !== 'file' || (flags & (entryFlag.skipped | entryFlag.hardLink)) !== 0) continue;
    totals.bytes += table.sizeOf(entry);
    if ((flags & entryFlag.sameContent) !== 0) totals.unchanged += 1;
  }
  for (let content = 0; content < table.contentCount; content++) {
    const file = table.files[content] ?? noEntry;
    if (file !== noEntry && !table.hasFlag(file, entryFlag.sameContent))
      totals.bytesToWrite += index.contentLengthOf(table.blobs[content] ?? 0);
  }
  return totals;
}

function* listActions({ table, target, deletions }: PlanParts): Generator<RestoreAction> {
  const paths = new EntryPaths(table, target);
  for (let entry = 0; entry < table.count; entry++) {
    const type = table.typeOf(entry);
    const flags = table.flagsOf(entry);
    const action =
      (flags & entryFlag.skipped) !== 0
        ? 'skip'
        : (flags & entryFlag.sameContent) !== 0
          ? 'unchanged'
          : (flags & (entryFlag.exists | entryFlag.replaces)) !== 0
            ? 'update'
            : 'create';
    yield {
      action,
      path: paths.of(entry),
      type: type === 'file' ? 'file' : type === 'dir' ? 'folder' : type === 'symlink' ? 'link' : 'special',
      size: table.sizeOf(entry),
    };
  }
  for (const path of deletions) yield { action: 'delete', path, type: 'unknown', size: 0 };
}
