/** What the status is judged by: plain values, gathered once. */
import type { DrillReport } from '../drill/drill-report.ts';
import type { AcceptedRecord } from './accepted-records.ts';

/** One capture of a component, as its snapshot and the point's manifest tell it. */
export interface CaptureFacts {
  /** When it was begun. */
  readonly at: Date;
  /** The short id of its point. */
  readonly point: string;
  readonly snapshot: string;
  /** Of content, before deduplication. */
  readonly bytes?: number;
  readonly files?: number;
  /** Of all tables; of those captures only whose manifests were read. */
  readonly rows?: number;
  /** Rows of each table, by database; as `rows`. */
  readonly tables?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** A base backup of a server: its bytes and files are those of the whole server. */
  readonly isBase?: true;
  readonly seconds?: number;
  /** The share of the content of before that is another now, and of the files that have other names: 0 to 1. */
  readonly churn?: number;
  readonly renamed?: number;
  /** How little the new content could be compressed: bits a byte, 0 to 8. */
  readonly entropy?: number;
  /** A drill has restored it. */
  readonly proven: boolean;
}

export interface ComponentFacts {
  readonly name: string;
  /** The oldest first. */
  readonly captures: readonly CaptureFacts[];
  /** The newest moment that could be restored, the write-ahead log included. */
  readonly restorable?: Date;
}

export interface RecoveryFacts {
  readonly at: Date;
  readonly seconds: number;
}

/** A repository that could be read. */
export interface RepositoryFacts {
  readonly name: string;
  readonly location: string;
  readonly components: readonly ComponentFacts[];
  /** Changes that somebody said are meant. */
  readonly accepted: readonly AcceptedRecord[];
  /** Whole recoveries that passed. */
  readonly recoveries: readonly RecoveryFacts[];
  /** Newest first. */
  readonly drills: readonly DrillReport[];
  /** What is missing in the chain of their reports. */
  readonly drillProblems: readonly string[];
  /** Bytes that points added, by their times: how it grew. */
  readonly growth: readonly { readonly at: Date; readonly added: number }[];
  /** Of the file system it lies in, where that is one of this machine. */
  readonly space?: { readonly free: number; readonly capacity: number };
}

export interface UnreachableRepository {
  readonly name: string;
  /** Of the catalogue of errors. */
  readonly code: string;
  readonly reason: string;
  readonly hint: string;
}

export interface StatusFacts {
  readonly now: Date;
  readonly repositories: readonly RepositoryFacts[];
  readonly unreachable: readonly UnreachableRepository[];
  /** When this host last looked whether a component that is saved on change had changed, and all went well. */
  readonly looked?: ReadonlyMap<string, Date>;
}
