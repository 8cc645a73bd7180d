/** What a server says about its recovery, in English (`lc_messages = C`) and in UTC. */

export interface LogLine {
  readonly level: string;
  readonly text: string;
}

export interface RecoveryProgress {
  /** Where the base became consistent. */
  readonly consistent?: string;
  /** Connections are taken: for reading only, or after the end of the recovery. */
  readonly accepting?: 'reading' | 'all';
  /** Replay stands still at the target. */
  readonly paused: boolean;
  /** Why replay stopped where it did: `before commit of transaction 739, time 2026-…`. Absent at the end of the log. */
  readonly stop?: string;
  /** The time of the last transaction that was replayed, by the server that wrote it. */
  readonly lastTransaction?: Date;
  /** The last position that was told. */
  readonly position?: string;
  readonly newTimeline?: number;
  /** What the server has ended for, in its words, with their details. */
  readonly fatal: readonly string[];
  /** Settings that are lower than the primary's were, and what they have to be. */
  readonly tooLow: Readonly<Record<string, string>>;
}

export const noProgress: RecoveryProgress = { paused: false, fatal: [], tooLow: {} };

const levels = /(?:^|\s)(LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|NOTICE|STATEMENT): {2}(.*)$/;

/** Undefined for a line that continues another. */
export function readLogLine(line: string): LogLine | undefined {
  const [, level, text] = levels.exec(line) ?? [];
  return level === undefined || text === undefined ? undefined : { level, text };
}

const lowered = /(\w+) = (\d+) is a lower setting than on the (?:primary|master) server(?:, where its value was| \(its value was) (\d+)/;

/** What is known after one more line. */
export function advance(progress: RecoveryProgress, { level, text }: LogLine): RecoveryProgress {
  const [, setting, , needed] = lowered.exec(text) ?? [];
  if (setting !== undefined && needed !== undefined) return { ...progress, tooLow: { ...progress.tooLow, [setting]: needed } };
  if (level === 'FATAL' || level === 'PANIC') return isOfSession(text) ? progress : { ...progress, fatal: [...progress.fatal, text] };
  if ((level === 'DETAIL' || level === 'HINT') && progress.fatal.length > 0) return { ...progress, fatal: [...progress.fatal, text] };
  if (level !== 'LOG') return progress;
  for (const { form, read } of milestones) {
    const match = form.exec(text);
    if (match !== null) return { ...progress, ...read(match) };
  }
  return progress;
}

/** A client was turned away, which says nothing about the server. */
function isOfSession(text: string): boolean {
  return /^(the database system is|password authentication|no pg_hba|role ".*" does not|database ".*" does not|sorry, too many)/.test(text);
}

const milestones: readonly { readonly form: RegExp; readonly read: (match: RegExpExecArray) => Partial<RecoveryProgress> }[] = [
  { form: /^consistent (?:recovery )?state reached at ([0-9A-F]+\/[0-9A-F]+)/, read: ([, position = '']) => ({ consistent: position }) },
  { form: /^database system is ready to accept read.only connections/, read: () => ({ accepting: 'reading' }) },
  { form: /^database system is ready to accept connections/, read: () => ({ accepting: 'all' }) },
  { form: /^(?:recovery has paused|pausing at the end of recovery)/, read: () => ({ paused: true }) },
  { form: /^recovery stopping (.*)$/, read: ([, stop = '']) => ({ stop }) },
  { form: /^redo done at ([0-9A-F]+\/[0-9A-F]+)/, read: ([, position = '']) => ({ position }) },
  { form: /^redo in progress,.* current LSN: ([0-9A-F]+\/[0-9A-F]+)/, read: ([, position = '']) => ({ position }) },
  { form: /^last completed transaction was at log time (.+)$/, read: ([, time = '']) => readTransactionTime(time) },
  { form: /^selected new timeline ID: (\d+)/, read: ([, timeline = '']) => ({ newTimeline: Number(timeline) }) },
];

function readTransactionTime(text: string): Partial<RecoveryProgress> {
  const time = readServerTime(text);
  return time === undefined ? {} : { lastTransaction: time };
}

/** `2026-11-20 14:30:00.123456+00` */
export function readServerTime(text: string): Date | undefined {
  const [, day, clock, fraction = '', zone] = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d(?::\d\d)?)$/.exec(text.trim()) ?? [];
  if (day === undefined || clock === undefined || zone === undefined) return undefined;
  const time = new Date(`${day}T${clock}${fraction.slice(0, 4)}${zone.length === 3 ? `${zone}:00` : zone}`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
