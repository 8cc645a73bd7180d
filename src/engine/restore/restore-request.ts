/** What a restore is asked for and what it answers. */
import type { EventSink } from '../../events.ts';

/**
 * What happens to a file that is there already: `always` makes it the snapshot's, writing only what differs; `if-changed` does too, but trusts
 * an equal size and modification time; `if-newer` only where the snapshot's is newer; `never` leaves it. As restic's since 0.17.
 */
export type OverwriteMode = 'always' | 'if-changed' | 'if-newer' | 'never';

export interface RestoreRequest {
  /** The folder below which everything goes, with its whole path in the snapshot. Created where it is not there. */
  readonly target: string;
  /** Only this folder of the snapshot, whose content then lies directly in the target. */
  readonly subPath?: string;
  /** Patterns in restic's language. What no include names, or an exclude names, is not restored (nor deleted). */
  readonly include?: readonly string[];
  readonly includeInsensitive?: readonly string[];
  readonly exclude?: readonly string[];
  readonly excludeInsensitive?: readonly string[];
  /** Default: `always`. */
  readonly overwrite?: OverwriteMode;
  /** Removes what lies in a restored folder and is not in the snapshot. */
  readonly delete?: boolean;
  /** Reads every restored file again and compares it with the snapshot. */
  readonly verify?: boolean;
  /** Only plans: `executeRestore` then does nothing. */
  readonly dryRun?: boolean;
  /** Runs of zeros become holes. Default: true. */
  readonly sparse?: boolean;
  /** Restores owners and groups. Default: true for root. */
  readonly owners?: boolean;
}

/** The snapshot's parts that a restore needs. */
export interface RestorableSnapshot {
  readonly id: string;
  readonly tree: string;
  readonly paths: readonly string[];
}

export interface RestoreContext {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

export type RestoreActionKind = 'create' | 'update' | 'unchanged' | 'skip' | 'delete';

/** One line of a plan. */
export interface RestoreAction {
  readonly action: RestoreActionKind;
  /** Absolute, in the target. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link' | 'special' | 'unknown';
  /** Bytes of a file. */
  readonly size: number;
}

export interface RestoreTotals {
  /** Regular files, hard links among them, but not those that an overwrite rule leaves alone. */
  readonly files: number;
  readonly folders: number;
  /** Symbolic links, devices, FIFOs. */
  readonly others: number;
  /** Files that are there and stay as they are because of the overwrite rule. */
  readonly skipped: number;
  /** Files whose content is right already. */
  readonly unchanged: number;
  readonly deletions: number;
  /** Bytes of all restored files, and of those the ones that have to be written. */
  readonly bytes: number;
  readonly bytesToWrite: number;
}

export interface RestoreSummary extends RestoreTotals {
  /** Things that could not be restored as they were; each was told as a `problem`. More than none means exit status 3. */
  readonly problems: number;
  /** Files read again and found right. */
  readonly verified: number;
}
