/** What is told to people: that something is wrong, that it is right again, or that something was done. */
import type { AlarmEvent } from '../../util/alarm-events.ts';

/** From the least to the worst. */
export const alarmSeverities = ['info', 'warning', 'critical'] as const;
export type AlarmSeverity = (typeof alarmSeverities)[number];

export interface Alarm {
  /** The same for the same trouble, such as `failure:backup:database`: what is raised again is one alarm, and `resolve` ends it by this. */
  readonly key: string;
  readonly event: AlarmEvent;
  readonly severity: AlarmSeverity;
  readonly application: string;
  /** Absent where it is about the whole application. */
  readonly component?: string;
  /** One line. */
  readonly title: string;
  /** What happened and what to do, in whole sentences. */
  readonly text: string;
  /** Shown as a table: `repository: offsite`. Never a secret. */
  readonly facts: Readonly<Record<string, string>>;
  readonly at: Date;
  /** Goes with a mail; other receivers get what is in the text. */
  readonly attachment?: AlarmAttachment;
}

export interface AlarmAttachment {
  /** Of a file, without a folder: `recovery.json`. */
  readonly name: string;
  readonly text: string;
}

/** Told once and then over: who recovers is there. Everything else stays open, and is told again, until it is resolved. */
export function isNote({ event, severity }: Alarm): boolean {
  return event === 'start' || event === 'success' || event === 'recovery' || severity === 'info';
}

export function isAtLeast(severity: AlarmSeverity, least: AlarmSeverity): boolean {
  return alarmSeverities.indexOf(severity) >= alarmSeverities.indexOf(least);
}
