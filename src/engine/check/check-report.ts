export type ReadDataChoice = 'none' | 'all' | { readonly percent: number } | { readonly part: number; readonly of: number };

export interface CheckOptions {
  /** Which packs are read whole, and objects beside them: none by default, all, a random share, or the `part`th (from 1) of `of` fixed shares. */
  readonly readData?: ReadDataChoice;
}

/** One thing that check has to say: `pack 0f3a…`, and what is wrong with it. */
export interface CheckFinding {
  readonly object: string;
  readonly reason: string;
}

export interface CheckReport {
  /** What is damaged or missing. Empty: nothing was found wrong. */
  readonly errors: readonly CheckFinding[];
  /** Worth knowing, but nothing is lost: leftovers of interrupted runs. */
  readonly notices: readonly CheckFinding[];
  readonly snapshots: number;
  readonly indexFiles: number;
  readonly packs: number;
  /** Different blobs in the index. */
  readonly blobs: number;
  /** Trees that were walked. */
  readonly trees: number;
  /** Of what lies beside restic's format: write-ahead log, reports, the audit trail. */
  readonly objectsRead: number;
  readonly packsRead: number;
  readonly bytesRead: number;
}
