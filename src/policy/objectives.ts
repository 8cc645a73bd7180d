/**
 * What was promised beside what was measured. RPO is the age of the newest moment that could be restored; RTO is what recoveries and
 * drills took, scaled to the size of today. Pure: the time is passed in.
 */

import { medianOf } from './robust-statistics.ts';
import { sayDuration } from './say-duration.ts';

export interface Objective {
  /** Milliseconds. */
  readonly rpoMs?: number;
  readonly rtoMs?: number;
}

/** A recovery or a drill that restored for real. */
export interface Measurement {
  readonly at: Date;
  /** From its beginning until what it was about was usable again. */
  readonly durationMs: number;
  /** What was put back; absent where it is not known. */
  readonly bytes?: number;
  readonly kind: 'recovery' | 'drill';
}

export interface ObjectiveFacts {
  /** Such as `database`, or the name of the application for the whole. */
  readonly name: string;
  readonly objective: Objective;
  /** The newest moment that could be restored, write-ahead log included. Absent: there is none. */
  readonly restorable?: Date;
  /** In any order. Failed ones are no measurements. */
  readonly measurements: readonly Measurement[];
  /** What would have to be put back today. */
  readonly bytes?: number;
}

export type Verdict = 'met' | 'missed' | 'unknown';

export interface Judgement {
  readonly verdict: Verdict;
  readonly targetMs: number;
  /** The age, or the estimate. Absent where it is unknown. */
  readonly measuredMs?: number;
  /** How far it is from being missed, negative where it is. */
  readonly marginMs?: number;
  /** For people. */
  readonly sentence: string;
}

export interface RecoveryEstimate {
  /** The median of what was measured, for today's size. */
  readonly medianMs: number;
  readonly newestMs: number;
  readonly worstMs: number;
  /** How many measurements were used. */
  readonly count: number;
  readonly newest: Date;
  /** Whether sizes were known, so that it was scaled. */
  readonly scaled: boolean;
}

export interface ObjectiveReport {
  readonly name: string;
  readonly rpo?: Judgement;
  readonly rto?: Judgement;
  readonly estimate?: RecoveryEstimate;
  /** Of the two: missed before unknown before met. `met` where nothing is promised. */
  readonly verdict: Verdict;
}

/** The newest ones say most about today. */
const mostMeasurements = 10;
/** A measurement that is older than a year and a month says nothing about today. */
const staleMs = 400 * 86_400_000;
/** A backup that is due takes its time: a daily one may be 25 hours old before the 24 hours count as missed. */
const slackShare = 1 / 24;
/** A clock may be a little ahead of another. */
const skewMs = 5 * 60_000;

/** Judges each of several things: components, and the application as a whole. */
export function judgeObjectives(facts: readonly ObjectiveFacts[], now: Date): readonly ObjectiveReport[] {
  return facts.map(({ name, objective, restorable, measurements, bytes }) => {
    const estimate = estimateRecovery(measurements, bytes, now);
    const rpo = objective.rpoMs === undefined ? undefined : judgeRpo(objective.rpoMs, restorable, now);
    const rto = objective.rtoMs === undefined ? undefined : judgeRto(objective.rtoMs, estimate, measurements.length > 0);
    return {
      name,
      ...(rpo === undefined ? {} : { rpo }),
      ...(rto === undefined ? {} : { rto }),
      ...(estimate === undefined ? {} : { estimate }),
      verdict: worstVerdict([rpo, rto].flatMap((judgement) => (judgement === undefined ? [] : [judgement.verdict]))),
    };
  });
}

/** Missed before unknown before met; `met` where there are none. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('missed')) return 'missed';
  return verdicts.includes('unknown') ? 'unknown' : 'met';
}

/**
 * How long it would take today, by the ten newest measurements of the last 400 days. Where all sizes are known, each is made longer by
 * as much as the data has grown since; none is made shorter, for a smaller size today is no promise. Undefined without measurements.
 */
export function estimateRecovery(measurements: readonly Measurement[], bytes: number | undefined, now: Date): RecoveryEstimate | undefined {
  const used = measurements
    .filter(({ at }) => now.getTime() - at.getTime() <= staleMs)
    .toSorted((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, mostMeasurements);
  const [newest] = used;
  if (newest === undefined) return undefined;
  const scaled = bytes !== undefined && used.every((each) => (each.bytes ?? 0) > 0);
  const durations = used.map((each) => each.durationMs * (scaled ? Math.max(1, bytes / (each.bytes ?? bytes)) : 1));
  return {
    medianMs: Math.round(medianOf(durations)),
    newestMs: Math.round(durations[0] ?? 0),
    worstMs: Math.round(Math.max(...durations)),
    count: used.length,
    newest: newest.at,
    scaled,
  };
}

function judgeRpo(targetMs: number, restorable: Date | undefined, now: Date): Judgement {
  const allowed = `${sayDuration(targetMs)} may be lost`;
  if (restorable === undefined) return { verdict: 'missed', targetMs, sentence: `nothing can be restored; ${allowed}` };
  const age = now.getTime() - restorable.getTime();
  if (age < -skewMs)
    return { verdict: 'unknown', targetMs, sentence: `the newest point says to be ${sayDuration(-age)} of the future: a clock is wrong` };
  const measuredMs = Math.max(0, age);
  const lateMs = targetMs * (1 + slackShare);
  const verdict = measuredMs > lateMs ? 'missed' : 'met';
  const sentence = `the newest moment that can be restored is ${sayDuration(measuredMs)} ago; ${allowed}`;
  return { verdict, targetMs, measuredMs, marginMs: lateMs - measuredMs, sentence };
}

/** The newest measurement says how it is, and the median that it was no stroke of luck: the longer of the two counts. */
function judgeRto(targetMs: number, estimate: RecoveryEstimate | undefined, wasMeasured: boolean): Judgement {
  if (estimate === undefined) {
    const why = wasMeasured ? 'it was measured last more than a year ago' : 'it was never measured';
    return { verdict: 'unknown', targetMs, sentence: `${why}: run a drill; ${sayDuration(targetMs)} are allowed` };
  }
  const { medianMs, newestMs, worstMs, count, scaled } = estimate;
  const measuredMs = Math.max(medianMs, newestMs);
  const from = `${count === 1 ? 'one measurement' : `${count} measurements`}${scaled ? ", for today's size" : ''}`;
  const worst = worstMs > measuredMs ? `, ${sayDuration(worstMs)} at worst` : '';
  const sentence = `it would take ${sayDuration(measuredMs)} by ${from}${worst}; ${sayDuration(targetMs)} are allowed`;
  return { verdict: measuredMs > targetMs ? 'missed' : 'met', targetMs, measuredMs, marginMs: targetMs - measuredMs, sentence };
}
