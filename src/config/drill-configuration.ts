/** A drill as holdfast.yaml means it. */
import type { SmokeTest } from './configuration.ts';

/** Points that are restored for real, at times of their own. */
export interface DrillConfiguration {
  readonly name: string;
  /** As it is written; absent: only when somebody asks. */
  readonly schedule?: string;
  readonly kind: 'check' | 'restore' | 'full';
  /** Empty: all of them. */
  readonly components: readonly string[];
  /** Where dumps go: a database beside the live ones, or a server of its own on this machine. */
  readonly into: 'temporary' | 'cluster';
  readonly compare: 'rows' | 'none';
  readonly assertions: readonly SmokeTest[];
  readonly withinMs: number;
  readonly spaceBytes?: number;
  /** Its name in the file; absent: the first. */
  readonly repository?: string;
  /** Variables of the Compose file that hold ports: of `full` only. */
  readonly ports: readonly string[];
}
