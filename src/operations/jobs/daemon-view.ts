/** What the HTTP interface shows of a daemon, and asks of it. Times are ISO texts, as in all of holdfast's JSON. */

export interface Readiness {
  readonly ready: boolean;
  /** Each thing that was looked at, with what is wrong with it. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly reason?: string }[];
}

export interface RunFilter {
  readonly limit: number;
  readonly kind?: string;
  readonly status?: string;
  readonly job?: string;
}

/** Plain values that JSON can hold. */
export type ViewRecord = Readonly<Record<string, unknown>>;

export interface DaemonView {
  readiness(): Readiness;
  /** Prometheus' text. */
  metrics(): Promise<string>;
  status(): Promise<ViewRecord>;
  jobs(): readonly ViewRecord[];
  runs(filter: RunFilter): readonly ViewRecord[];
  /** The newest first, as `holdfast list --json` prints them. */
  points(limit: number): Promise<readonly ViewRecord[]>;
  alarms(): readonly ViewRecord[];
  /** The id of the run, which may wait; undefined for a job that there is not. */
  requestRun(jobId: string, who: string): string | undefined;
  /** False where nothing of this id runs or waits. */
  cancelRun(runId: string, who: string): boolean;
  /** Reads the configuration again. Throws what is wrong with it. */
  reload(who: string): Promise<void>;
}
