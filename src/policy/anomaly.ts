/** What is known of captures, and what can be odd about one. */

/** What was saved of one component at one time. What is not known is left out. */
export interface Capture {
  readonly at: Date;
  readonly bytes?: number;
  readonly files?: number;
  /** By table; their sum is judged too. */
  readonly rows?: Readonly<Record<string, number>>;
  /** How long it took. */
  readonly seconds?: number;
  /** Of new content, in bits a byte: 0 to 8. What is encrypted has almost 8. */
  readonly entropy?: number;
  /** The share of the content that was there before and is another now: 0 to 1. What only came in addition does not count. */
  readonly churn?: number;
  /** The share of the files that were there before and have other names now: 0 to 1. */
  readonly renamed?: number;
}

export type AnomalyMetric = 'bytes' | 'files' | 'rows' | 'seconds' | 'entropy' | 'churn';

/** What a finding is about: it stays the same from capture to capture. */
export interface AnomalySubject {
  readonly metric: AnomalyMetric;
  /** With `rows`: the table, where it is about one. */
  readonly table?: string;
}

export interface Anomaly extends AnomalySubject {
  readonly change: 'shrunk' | 'grew';
  readonly value: number;
  readonly expected: number;
  readonly severity: 'info' | 'warning' | 'critical';
  /** The first capture that is known to have it. */
  readonly since: Date;
  /** Of what was lost: the newest capture that is known to have it still. */
  readonly lastGood?: Date;
  /** So much is missing or was overwritten that what was saved since must not displace what was saved before. */
  readonly isLoss: boolean;
  /** For people. */
  readonly sentence: string;
}

/** Somebody said that this is meant: captures before this moment do not count for it any more. */
export interface AcceptedChange extends AnomalySubject {
  readonly at: Date;
}

export interface HistoryVerdict {
  /** `shrunk`: much is missing, so that it should not displace those before it. `unknown`: nothing to compare with. */
  readonly verdict: 'normal' | 'odd' | 'shrunk' | 'unknown';
  /** The gravest first. */
  readonly anomalies: readonly Anomaly[];
}

/** When a change of this was accepted last. */
export type AcceptedMoments = (subject: AnomalySubject) => Date | undefined;
