/** What the configuration says about when things are due and how much may be lost. */

/** When something is due: `cron`, or `everyMs`, which `onChange` always has. A `Schedule` of policy/schedule.ts. */
export interface ScheduleConfiguration {
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  readonly cron?: string;
  /** Look so often, and save only what has changed. */
  readonly onChange?: true;
  /** Milliseconds, at least a minute. */
  readonly everyMs?: number;
  /** Whose hours these are; absent: the machine's. */
  readonly timezone?: string;
  /** Begin up to so many milliseconds later. */
  readonly jitterMs?: number;
  /** What was missed is done once; absent: it is. */
  readonly catchUp?: boolean;
}

/** In milliseconds. */
export interface ObjectiveConfiguration {
  /** How much may be lost: the age of the newest moment that can be restored. */
  readonly rpoMs?: number;
  /** How soon it must be back. */
  readonly rtoMs?: number;
}

export interface MaintenanceConfiguration {
  /** Absent: never. */
  readonly prune?: ScheduleConfiguration;
  readonly check?: ScheduleConfiguration;
  /** In so many milliseconds the checks read everything. */
  readonly checkWithinMs: number;
}
