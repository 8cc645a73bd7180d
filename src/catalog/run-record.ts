/** What is remembered of one run of the program. */

/** What runs are called. `other` is what a newer version wrote and this one does not know. */
export const runKinds = [
  'restore',
  'recover',
  'backup',
  'archive',
  'import',
  'copy',
  'drill',
  'prune',
  'forget',
  'check',
  'wal',
  'key',
  'hold',
  'repository',
  'other',
] as const;
export type RunKind = (typeof runKinds)[number];

export const runTriggers = ['person', 'schedule', 'api'] as const;
/** Who asked for it. */
export type RunTrigger = (typeof runTriggers)[number];

export const runStatuses = ['running', 'done', 'partial', 'failed', 'interrupted'] as const;
/** `partial`: something could not be read, and everything else was done. `interrupted`: stopped by a signal, or its process is gone. */
export type RunStatus = (typeof runStatuses)[number];

/** Numbers that a run has to tell: bytes, files, added (bytes), rows, problems, seconds; and short texts. */
export type RunFacts = Readonly<Record<string, number | string>>;

export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface RunRecord {
  readonly id: string;
  readonly kind: RunKind;
  readonly application?: string;
  /** The absolute path of the configuration file. */
  readonly configuration?: string;
  /** Empty: all of them, or none is concerned. */
  readonly components: readonly string[];
  /** Its address without secrets. */
  readonly repository?: string;
  readonly trigger: RunTrigger;
  /** The job of a schedule that it serves (several with commas), and when that was due. */
  readonly job?: string;
  readonly due?: Date;
  readonly began: Date;
  readonly ended?: Date;
  readonly status: RunStatus;
  readonly exit?: number;
  readonly point?: string;
  readonly facts: RunFacts;
  readonly error?: RunFailure;
  readonly host: string;
  readonly user: string;
  readonly pid: number;
}

/** What is known when a run begins. Who and where is filled in. */
export type RunBeginning = Pick<RunRecord, 'kind' | 'trigger'> & Partial<Omit<RunRecord, 'ended' | 'exit' | 'status' | 'error'>>;

/** What becomes known while it runs. */
export type RunNews = Partial<Pick<RunRecord, 'application' | 'configuration' | 'components' | 'repository' | 'point' | 'facts'>>;

export interface RunResult extends RunNews {
  readonly status: Exclude<RunStatus, 'running'>;
  readonly exit?: number;
  readonly error?: RunFailure;
}

/** A run that is under way. */
export interface RunHandle {
  readonly id: string;
  note(news: RunNews): void;
  /** Only the first end counts. */
  end(result: RunResult): void;
}

/** All that is given must fit. */
export interface RunQuery {
  readonly kind?: RunKind;
  readonly status?: RunStatus;
  readonly application?: string;
  readonly configuration?: string;
  /** Runs that name it, and those that name none and so mean all. */
  readonly component?: string;
  readonly repository?: string;
  readonly job?: string;
  /** Began at this time or later. */
  readonly since?: Date;
  /** The newest so many. Default: 1000. */
  readonly limit?: number;
}
