/** What the daemon has others do: one run of the command line, from the queue to its end. */
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import type { JobKind } from '../policy/schedule.ts';

/** One job that a run serves. */
export interface ServedJob {
  readonly job: PlannedJob;
  /** The time of its schedule that is served; absent where somebody asked. */
  readonly due?: Date;
}

export interface Run {
  readonly id: string;
  readonly kind: JobKind;
  /** At least one. Several: backups that came due at a time, made as one. */
  readonly served: readonly ServedJob[];
  /** The words behind `holdfast`, without those that name the configuration. */
  readonly words: readonly string[];
  /** Of the configuration; none where it is about a repository. */
  readonly components: readonly string[];
  readonly repository?: string;
  readonly trigger: 'schedule' | 'api';
  /** The name of the token that asked for it. */
  readonly askedBy?: string;
  /** The share that it takes, where its job is one of slices. */
  readonly slice?: number;
  /** From 1. */
  readonly attempt: number;
}

/** How a run ended. */
export interface RunOutcome {
  /** The exit status; absent where a signal ended it, or it could not be started. */
  readonly status?: number;
  readonly signal?: string;
  /** What it said of its failure. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
  /** The first things that could not be read, at most a dozen. */
  readonly problems: readonly string[];
  /** The last record with `message_type: summary`, where it printed one. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** A run that is under way. */
export interface ActiveRun {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<RunOutcome>;
  /** The newest record with `message_type: status`: how far it is. */
  progress(): Readonly<Record<string, unknown>> | undefined;
  /** Asks it to end; where it does not, it is ended. */
  stop(): void;
}

/** Starts runs. */
export type StartRun = (run: Run) => ActiveRun;
