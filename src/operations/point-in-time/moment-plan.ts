/** What going back to a moment takes: a plain value that is shown before anything is done. */
import type { RecoveryTarget } from '../../sources/postgres/recovery/recovery-target.ts';
import type { WalPlan } from '../../wal/plan-wal.ts';
import type { StoredBase } from './find-bases.ts';

export interface MomentPlan {
  readonly component: string;
  /** As it was asked for. */
  readonly target: RecoveryTarget;
  readonly base: StoredBase;
  /** From the full one on, the base last. */
  readonly chain: readonly StoredBase[];
  /** Absent where the base is wanted as it is: it brings all it needs. */
  readonly wal?: WalPlan;
  /** The branch that is followed. */
  readonly timeline: number;
  /** What the server is told: the end of the log where nothing was committed between the target and that. */
  readonly aim: RecoveryTarget;
  /** How late it can be: the newest moment that this branch reaches. Absent where it is not known. */
  readonly newest?: Date;
  /** Bytes of the data directory. */
  readonly bytes: number;
  readonly estimate: RecoveryEstimate;
  /** What somebody should know before, each a sentence. */
  readonly notes: readonly string[];
}

export interface RecoveryEstimate {
  readonly seconds: number;
  /** From the last time on this host; else from what is usual. */
  readonly measured: boolean;
}
