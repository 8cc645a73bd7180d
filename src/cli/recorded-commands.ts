/** Which commands are noted in the history of this host, and which in the audit trail of the repository; every other leaves no record. */
import { HoldfastError } from '../errors.ts';
import type { RunKind } from '../catalog/run-record.ts';
import type { AuditEvent } from '../observe/audit/audit-record.ts';
import type { ParsedOptions } from './parsed-options.ts';

export interface RecordedCommand {
  /** Absent: not in the history. */
  readonly kind?: RunKind;
  /** Absent: not in the audit trail. */
  readonly audit?: {
    readonly event: AuditEvent;
    /** What only adds is recorded when it is over; what reads or changes, before it does; what deletes, with its plan. */
    readonly first: 'opened' | 'planned' | 'ended';
  };
}

const names = 'it shows names and numbers, and no content';
const files = 'the write-ahead log comes and goes every few seconds';
const elsewhere = 'it opens no repository';

/** Of every command: how it is recorded, or why it is not. */
const decisions: Readonly<Record<string, RecordedCommand | string>> = {
  'init': { audit: { event: 'repository', first: 'ended' } },
  'backup': { kind: 'backup', audit: { event: 'backup', first: 'ended' } },
  'restore': { kind: 'restore', audit: { event: 'restore', first: 'opened' } },
  'recover': { kind: 'recover', audit: { event: 'recover', first: 'opened' } },
  'cat': { audit: { event: 'read', first: 'opened' } },
  'archive': { kind: 'archive', audit: { event: 'archive', first: 'opened' } },
  'import': { kind: 'import', audit: { event: 'import', first: 'ended' } },
  'copy': { kind: 'copy', audit: { event: 'copy', first: 'opened' } },
  'drill': { kind: 'drill', audit: { event: 'drill', first: 'opened' } },
  'check': { kind: 'check' },
  'prune': { kind: 'prune', audit: { event: 'prune', first: 'planned' } },
  'forget': { kind: 'forget', audit: { event: 'forget', first: 'planned' } },
  'hold add': { kind: 'hold', audit: { event: 'hold', first: 'opened' } },
  'hold release': { kind: 'hold', audit: { event: 'hold', first: 'opened' } },
  'status': { audit: { event: 'accept', first: 'opened' } },
  'key add': { kind: 'key', audit: { event: 'key', first: 'opened' } },
  'key remove': { kind: 'key', audit: { event: 'key', first: 'opened' } },
  'key passwd': { kind: 'key', audit: { event: 'key', first: 'opened' } },
  'key escrow': { kind: 'key', audit: { event: 'key', first: 'opened' } },
  'repo init': { kind: 'repository', audit: { event: 'repository', first: 'ended' } },
  'repo repair-index': { kind: 'repository', audit: { event: 'repository', first: 'opened' } },
  'unlock': { kind: 'repository', audit: { event: 'repository', first: 'ended' } },
  'wal stream': { kind: 'wal' },
  'audit verify': 'what it accepts it records by itself',
  'wal push': files,
  'wal fetch': files,
  'wal status': names,
  'wal drop-slot': elsewhere,
  'list': names,
  'show': names,
  'ls': names,
  'find': names,
  'diff': names,
  'hold list': names,
  'key list': names,
  'repo info': names,
  'metrics': names,
  'audit': names,
  'doctor': 'it looks whether everything works, and takes nothing out',
  'runbook': 'the page holds what the configuration says, and no data',
  'config check': elsewhere,
  'config show': elsewhere,
  'config schema': elsewhere,
  'history': elsewhere,
  'notify list': elsewhere,
  'notify test': elsewhere,
  'schedule': elsewhere,
  'schedule print': elsewhere,
  'schedule install': elsewhere,
  'schedule remove': elsewhere,
  'serve': 'what it starts is recorded, each run by itself; so are those who sign in, and runs that they cancel',
  'serve rest': 'it has no password, and sees only what is sealed',
  'completion': elsewhere,
  'version': elsewhere,
};

/** Options that say what a run only looks at: nothing happens then. */
const onlyLook: Readonly<Record<string, readonly string[]>> = { prune: ['at'], drill: ['report'] };
/** Options without which a run only looks. */
const onlyWith: Readonly<Record<string, readonly string[]>> = { status: ['accept'] };

/** Undefined for a run that leaves no record: another command, or one that only shows what it would do. Throws `internal` for one of which that was not decided. */
export function findRecorded(name: string, options: ParsedOptions): RecordedCommand | undefined {
  const decision = Object.hasOwn(decisions, name) ? decisions[name] : undefined;
  if (decision === undefined) throw new HoldfastError('internal', { reason: `it was not decided whether "${name}" is recorded` });
  if (typeof decision === 'string' || options.has('dry-run')) return undefined;
  if ((onlyLook[name] ?? []).some((option) => options.has(option))) return undefined;
  const needed = onlyWith[name];
  return needed === undefined || needed.some((option) => options.has(option)) ? decision : undefined;
}

/** Options whose values are recorded. None of them can hold a password: addresses of servers and programs are left out. */
const toldOptions = [
  'accept',
  'component',
  'into',
  'target',
  'tables',
  'at',
  'lsn',
  'timeline',
  'until',
  'reason',
  'to',
  'out',
  'object',
  'tag',
  'host',
  'mode',
  'kind',
  'force',
  'resume',
  'in-place',
  'schema-only',
  'data-only',
  'clean',
  'delete',
  'allow-large',
  'remove-all',
  'read-data',
  'read-data-subset',
] as const;
const toldWords = new Set([
  'restore',
  'recover',
  'cat',
  'copy',
  'archive',
  'import',
  'drill',
  'forget',
  'hold add',
  'hold release',
  'key remove',
  'backup',
]);
const mostWords = 50;
const longestWord = 300;

/** What a run was asked to do, for the audit trail. */
export function describeRequest(name: string, options: ParsedOptions, args: readonly string[]): Readonly<Record<string, unknown>> {
  const told = toldOptions.filter((option) => options.has(option));
  const values = told.map((option) => {
    const texts = options.texts(option).slice(0, mostWords).map(shorten);
    return [option, texts.length === 0 ? true : texts.length === 1 ? texts[0] : texts] as const;
  });
  return {
    command: name,
    ...(toldWords.has(name) && args.length > 0 ? { arguments: args.slice(0, mostWords).map(shorten) } : {}),
    ...(values.length === 0 ? {} : { options: Object.fromEntries(values) }),
  };
}

function shorten(text: string): string {
  return text.slice(0, longestWord).toWellFormed();
}
