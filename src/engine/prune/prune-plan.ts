import type { AroundLocks } from './around-locks.ts';

export interface PruneOptions {
  /** Plan as if only these snapshots were there (for a dry run before `forgetSnapshots`). All by default. */
  readonly keepSnapshots?: readonly string[];
  /** Unused bytes that may stay: a share of what is used, bytes, or any number. `5%` by default. */
  readonly maxUnused?: `${number}%` | number | 'unlimited';
  /** Bytes of packs to rewrite at most. No limit by default. */
  readonly maxRepackBytes?: number;
  /** Packs that no index names: `old` (default) removes those known to be older than a day, `all` every one, `none` none. */
  readonly unindexedPacks?: 'old' | 'all' | 'none';
}

export interface PruneTotals {
  readonly packs: number;
  readonly bytes: number;
  readonly blobs: number;
  readonly unusedBytes: number;
}

/** What a prune would do: a plain value that can be printed and kept. */
export interface PrunePlan {
  /** The state this plan is for; executing refuses any other. */
  readonly snapshots: readonly string[];
  readonly indexFiles: readonly string[];
  /** Packs that stay as they are. */
  readonly keepPacks: number;
  /** Packs whose used blobs move to new packs; then they are deleted. */
  readonly repackPacks: readonly string[];
  /** Packs without anything used. */
  readonly deletePacks: readonly string[];
  /** Packs that no index names and that will be deleted. */
  readonly deleteUnindexedPacks: readonly string[];
  /** Packs that no index names and that stay for now: they may belong to a run that is not over. */
  readonly keepUnindexedPacks: readonly string[];
  /** Packs that an index names, that are not there, and that nothing needs: the index will forget them. */
  readonly forgetPacks: readonly string[];
  /** Entries that more than one index file has, as a prune that was interrupted leaves them: the index is then rewritten without. */
  readonly repeatedIndexEntries: number;
  /** Only where objects are locked: then packs are not rewritten, and only some index files are. */
  readonly aroundLocks?: AroundLocks;
  readonly usedBlobs: number;
  readonly usedBytes: number;
  /** Bytes to be read and written again. */
  readonly repackBytes: number;
  readonly freedBytes: number;
  readonly before: PruneTotals;
  readonly after: PruneTotals;
}

export interface PruneResult {
  readonly deletedPacks: number;
  readonly newPacks: number;
  readonly movedBlobs: number;
  readonly freedBytes: number;
  /** Packs that nothing needs and that are still there: locked, or the place refused to remove them. The next prune tries again. */
  readonly waitingPacks: number;
}
