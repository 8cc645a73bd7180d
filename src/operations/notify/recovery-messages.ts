/** What people are told while something is put back: that it begins, how far it is, and how it ended. Pure. */
import type { Alarm, AlarmAttachment, AlarmSeverity } from '../../observe/notify/alarm.ts';
import { sayDuration } from '../../policy/say-duration.ts';

/** What is put back. */
export interface RecoverySubject {
  /** Of this recovery alone: the same for all that is told of it. */
  readonly id: string;
  readonly application: string;
  /** Absent for the whole application. */
  readonly component?: string;
  /** The point or the moment, for a sentence: `the point 1a2b3c4d of 2026-11-20 02:05 UTC`. */
  readonly source: string;
  /** The newest moment of what comes back, where it is known before. */
  readonly moment?: Date;
  readonly began: Date;
  /** This machine. */
  readonly host: string;
  readonly expected?: { readonly seconds: number; readonly from: string };
  /** What was promised, in milliseconds. */
  readonly allowedMs?: number;
  /** By name, in order; empty where they are not known before. */
  readonly steps: readonly string[];
  readonly isResumed: boolean;
}

export type RecoveryVerdict = 'recovered' | 'incomplete' | 'disproved' | 'failed';

/** How it ended. */
export interface RecoveryEnding {
  readonly verdict: RecoveryVerdict;
  readonly seconds: number;
  /** Sentences: what was restored, what is missing, why it failed. */
  readonly sentences: readonly string[];
  readonly facts: Readonly<Record<string, string>>;
  /** The newest moment of what is there now. */
  readonly moment?: Date;
  readonly report?: AlarmAttachment;
}

export function recoveryBegins(subject: RecoverySubject): Alarm {
  const { source, host, isResumed, steps } = subject;
  const what = nameOf(subject);
  return {
    ...aboutOf(subject, subject.began),
    severity: 'info',
    title: `The recovery of ${what} ${isResumed ? 'goes on' : 'begins'}`,
    text: [
      `On ${host} ${what} is put back from ${source}.`,
      ...(subject.moment === undefined ? [] : [lossOf(subject.moment, subject.began)]),
      expectationOf(subject),
      'You are told when it is done, and every 15 minutes until then.',
    ].join(' '),
    facts: { from: source, ...(steps.length === 0 ? {} : { steps: String(steps.length) }), ...expectedFacts(subject) },
  };
}

export function recoveryGoesOn(subject: RecoverySubject, step: string, now: Date): Alarm {
  const at = subject.steps.indexOf(step);
  const passed = now.getTime() - subject.began.getTime();
  const left = subject.expected === undefined ? undefined : subject.expected.seconds * 1000 - passed;
  const count = at === -1 ? '' : `step ${at + 1} of ${subject.steps.length}, `;
  const expectation =
    left === undefined ? '' : left > 0 ? ` About ${sayDuration(left)} are left.` : ' That is longer than was to be expected.';
  return {
    ...aboutOf(subject, now),
    severity: 'info',
    title: `The recovery of ${nameOf(subject)} goes on: ${count}${step}`,
    text: `It has gone on for ${sayDuration(Math.max(0, passed))}.${expectation}`,
    facts: { step, ...(at === -1 ? {} : { done: `${at} of ${subject.steps.length}` }), ...expectedFacts(subject) },
  };
}

const severities: Readonly<Record<RecoveryVerdict, AlarmSeverity>> = {
  recovered: 'info',
  incomplete: 'warning',
  disproved: 'critical',
  failed: 'critical',
};
const endings: Readonly<Record<RecoveryVerdict, string>> = {
  recovered: 'is done',
  incomplete: 'is done, and something is missing',
  disproved: 'is done, and a smoke test failed',
  failed: 'failed',
};

export function recoveryEnded(subject: RecoverySubject, ending: RecoveryEnding, now: Date): Alarm {
  const { verdict, seconds, sentences, facts, report } = ending;
  const moment = ending.moment ?? (verdict === 'failed' ? undefined : subject.moment);
  const took = sayDuration(seconds * 1000);
  return {
    ...aboutOf(subject, now),
    severity: severities[verdict],
    title: `The recovery of ${nameOf(subject)} ${endings[verdict]}`,
    text: [
      `${verdict === 'failed' ? 'It ended' : 'It took'} ${verdict === 'failed' ? `after ${took}` : took}${againstObjective(seconds, subject, verdict)}.`,
      ...(moment === undefined ? [] : [lossOf(moment, subject.began)]),
      ...sentences,
    ].join(' '),
    facts: {
      took,
      ...(subject.allowedMs === undefined ? {} : { allowed: sayDuration(subject.allowedMs) }),
      from: subject.source,
      ...(moment === undefined ? {} : { reached: moment.toISOString() }),
      ...facts,
    },
    ...(report === undefined ? {} : { attachment: report }),
  };
}

/** `2026-11-20 02:05 UTC`. */
export function sayMoment(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function aboutOf(
  { id, application, component }: RecoverySubject,
  at: Date,
): Pick<Alarm, 'key' | 'event' | 'application' | 'component' | 'at'> {
  return { key: `recovery:${id}`, event: 'recovery', application, ...(component === undefined ? {} : { component }), at };
}

function nameOf({ application, component }: RecoverySubject): string {
  return component ?? application;
}

function lossOf(moment: Date, began: Date): string {
  const lost = began.getTime() - moment.getTime();
  return `It is as it was at ${sayMoment(moment)}${lost > 0 ? `: what was written in the ${sayDuration(lost)} between that and the beginning of the recovery is lost` : ''}.`;
}

function expectationOf({ expected, allowedMs }: RecoverySubject): string {
  const allowed = allowedMs === undefined ? '' : `; ${sayDuration(allowedMs)} are allowed`;
  if (expected === undefined) return `How long that takes was never measured${allowed}.`;
  return `It should take ${sayDuration(expected.seconds * 1000)}, ${expected.from}${allowed}.`;
}

function expectedFacts({ expected, allowedMs }: RecoverySubject): Record<string, string> {
  return {
    ...(expected === undefined ? {} : { expected: sayDuration(expected.seconds * 1000) }),
    ...(allowedMs === undefined ? {} : { allowed: sayDuration(allowedMs) }),
  };
}

function againstObjective(seconds: number, { allowedMs }: RecoverySubject, verdict: RecoveryVerdict): string {
  if (allowedMs === undefined || verdict === 'failed') return '';
  const over = seconds * 1000 - allowedMs;
  return over > 0 ? `, ${sayDuration(over)} longer than is allowed` : `; ${sayDuration(allowedMs)} were allowed`;
}
