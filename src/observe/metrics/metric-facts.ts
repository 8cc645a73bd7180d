/** What the metrics are made of: plain values, gathered by whoever knows them. What is not known is left out, and so is its metric. */

export interface MetricFacts {
  /** Of holdfast. */
  readonly version: string;
  readonly application: string;
  /** When these facts were gathered. */
  readonly at: Date;
  /** Absent where no daemon runs. */
  readonly daemon?: DaemonFacts;
  readonly components?: readonly ComponentFacts[];
  readonly repositories?: readonly RepositoryFacts[];
  readonly points?: readonly PointFacts[];
  readonly wal?: readonly WalFacts[];
  readonly drills?: readonly DrillFacts[];
  readonly objectives?: readonly ObjectiveFacts[];
  readonly jobs?: readonly JobFacts[];
  /** How many alarms are open, by severity. */
  readonly alarms?: Readonly<Record<'info' | 'warning' | 'critical', number>>;
  readonly routes?: readonly RouteFacts[];
}

export interface DaemonFacts {
  readonly started: Date;
  readonly running: number;
  readonly waiting: number;
}

/** Of the newest backup of a component. */
export interface ComponentFacts {
  readonly component: string;
  readonly lastSuccess?: Date;
  readonly lastFailure?: Date;
  /** Whether the last run was well. */
  readonly ok?: boolean;
  readonly failuresInARow?: number;
  readonly durationSeconds?: number;
  /** Of what was backed up. */
  readonly bytes?: number;
  /** That were new to the repository, as they are stored. */
  readonly addedBytes?: number;
  readonly files?: number;
  readonly rows?: number;
}

export interface RepositoryFacts {
  readonly repository: string;
  readonly reachable?: boolean;
  /** As it is stored. */
  readonly sizeBytes?: number;
  /** What all points together would take without a repository, divided by what they do take. */
  readonly dedupRatio?: number;
  /** Of the place it lies in, where that has bounds. */
  readonly freeBytes?: number;
  readonly capacityBytes?: number;
  /** When it will be full if it grows on as it did. */
  readonly fullAt?: Date;
  readonly lastCheck?: Date;
  readonly checkProblems?: number;
  readonly lastPrune?: Date;
  /** Since when the oldest lock that is still there was not renewed: who works renews it every few minutes. */
  readonly oldestLock?: Date;
}

export interface PointFacts {
  readonly component: string;
  readonly repository: string;
  readonly points: number;
  readonly proven?: number;
  readonly newest?: Date;
  readonly newestProven?: Date;
}

export interface WalFacts {
  readonly component: string;
  readonly receiverUp?: boolean;
  /** How far what is stored is behind the server. */
  readonly lagSeconds?: number;
  readonly lagBytes?: number;
  readonly lastStored?: Date;
  /** What the server keeps for the slot. */
  readonly slotRetainedBytes?: number;
  readonly slotActive?: boolean;
  readonly gaps?: number;
}

export interface DrillFacts {
  readonly drill: string;
  readonly last?: Date;
  readonly lastSuccess?: Date;
  /** Whether the last one was well. */
  readonly passed?: boolean;
  readonly durationSeconds?: number;
}

export interface ObjectiveFacts {
  /** Absent for the application as a whole. */
  readonly component?: string;
  readonly objective: 'rpo' | 'rto';
  readonly targetSeconds: number;
  /** What was measured; absent where nothing was yet. */
  readonly actualSeconds?: number;
  readonly met: boolean;
}

export interface JobFacts {
  readonly job: string;
  readonly kind: string;
  readonly nextDue?: Date;
  readonly running?: boolean;
}

export interface RouteFacts {
  readonly route: string;
  readonly up: boolean;
  readonly waiting: number;
}
