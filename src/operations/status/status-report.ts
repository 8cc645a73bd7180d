/** What `holdfast status` says: a plain value. */
import type { Forecast } from '../../policy/forecast.ts';
import type { Judgement, RecoveryEstimate, Verdict } from '../../policy/objectives.ts';
import type { FoundAnomaly } from './judge-captures.ts';
import type { ToldChange } from './standing-change.ts';
import type { CaptureFacts, UnreachableRepository } from './status-facts.ts';

export interface StatusReport {
  readonly application: string;
  readonly at: Date;
  /** `missed` where an objective is, or where something cannot be restored at all. */
  readonly verdict: Verdict;
  readonly components: readonly ComponentStatus[];
  /** The application as a whole, where something was promised for it. */
  readonly whole?: Pick<ComponentStatus, 'rpo' | 'rto' | 'estimate'>;
  readonly repositories: readonly RepositoryStatus[];
  readonly drills: readonly DrillStatus[];
  /** What is not as this host knew it, but for what somebody accepted. */
  readonly changes?: readonly ToldChange[];
}

export interface ComponentStatus {
  readonly name: string;
  readonly newest?: CaptureFacts;
  readonly restorable?: Date;
  readonly newestProven?: CaptureFacts;
  readonly rpo?: Judgement;
  readonly rto?: Judgement;
  readonly estimate?: RecoveryEstimate;
  /** Of the newest capture beside those before it; the gravest first. */
  readonly anomalies: readonly FoundAnomaly[];
  /** So much is missing, or was overwritten, that its points displace none that were made before: until that is accepted. */
  readonly shrunk: boolean;
}

export interface RepositoryStatus {
  readonly name: string;
  /** This and what follows is absent where it cannot be reached. */
  readonly location?: string;
  readonly points?: number;
  readonly newest?: Date;
  readonly unreachable?: Pick<UnreachableRepository, 'code' | 'reason' | 'hint'>;
  readonly space?: { readonly free: number; readonly capacity: number };
  readonly forecast?: Forecast;
  readonly drillProblems: readonly string[];
}

/** A drill of the configuration. */
export interface DrillStatus {
  readonly name: string;
  readonly last?: { readonly id: string; readonly at: Date; readonly verdict: 'proven' | 'disproved' | 'failed'; readonly seconds: number };
  readonly lastProven?: Date;
}
