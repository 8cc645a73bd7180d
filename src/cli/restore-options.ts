/** What both forms of `restore` understand: with a configuration and without. */
import type { RecoveryTarget } from '../operations/point-in-time/moment-target.ts';
import type { PostgresRestoreRequest } from '../operations/restore-database.ts';
import type { OptionDescription } from './command-description.ts';
import { readCount, readTime } from './option-values.ts';
import type { ParsedOptions } from './parsed-options.ts';

export const overwriteModes = ['always', 'if-changed', 'if-newer', 'never'] as const;

/** Beside `into`. */
export const databaseOptions = ['tables', 'schema-only', 'data-only', 'clean', 'recreate', 'jobs', 'no-owner', 'roles'] as const;

export function readDatabaseRequest(options: ParsedOptions): PostgresRestoreRequest {
  const [into, jobs] = [options.text('into'), options.value('jobs', readCount)];
  return {
    ...(into === undefined ? {} : { into }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(options.has('tables') ? { tables: options.list('tables') } : {}),
    schemaOnly: options.has('schema-only'),
    dataOnly: options.has('data-only'),
    clean: options.has('clean'),
    recreate: options.has('recreate'),
    noOwner: options.has('no-owner'),
    roles: options.has('roles'),
  };
}

/** Each says the moment that a whole server is to go back to. */
export const momentOptions = ['at', 'lsn', 'xid', 'name'] as const;

export const recoveryOptions: readonly OptionDescription[] = [
  {
    flags: '--at <time>',
    text: 'a server as it was then: "2026-11-20 14:30" in this machine\'s zone, "2026-11-20T14:30:00Z", "yesterday 18:00", latest, or immediate (as the base backup is)',
  },
  { flags: '--lsn <position>', text: 'a server as it was at this position of its log' },
  { flags: '--xid <id>', text: 'a server as it was when this transaction was committed' },
  { flags: '--name <name>', text: 'a server as it was at this restore point (pg_create_restore_point)' },
  {
    flags: '--timeline <n>',
    text: 'the branch to follow, where the server was put back before (default: the one that lived at that moment)',
  },
  { flags: '--port <port>', text: 'leave the recovered server running on this port of localhost' },
  { flags: '--pause', text: 'leave it as it is at that moment, only for reading (with --port)' },
  { flags: '--amcheck', text: 'check every index and table of the recovered server' },
  { flags: '--tablespace <oid=folder>', text: 'where a tablespace goes (may be repeated)' },
];

/** Beside the moment itself, in no other restore. */
export const onlyForMoments = ['timeline', 'port', 'pause', 'amcheck', 'tablespace'] as const;

/** What `--at`, `--lsn`, `--xid` or `--name` asks for; undefined where none was given. Throws `usage`. */
export function readMomentTarget(options: ParsedOptions, now: Date): RecoveryTarget | undefined {
  options.onlyOneOf(...momentOptions);
  const at = options.text('at');
  if (at === 'latest' || at === 'immediate') return { kind: at };
  const time = options.value('at', (text) => readMoment(text, now));
  if (time !== undefined) return { kind: 'time', time, microseconds: microsecondsOf(at ?? '') };
  const [lsn, xid, name] = [options.value('lsn', readPosition), options.value('xid', readTransaction), options.text('name')];
  if (lsn !== undefined) return { kind: 'lsn', lsn };
  if (xid !== undefined) return { kind: 'xid', xid };
  return name === undefined ? undefined : { kind: 'name', name };
}

/** A time, also as `today` or `yesterday`, with the hour behind it. Throws a plain error. */
function readMoment(text: string, now: Date): Date {
  const [, word, clock = '00:00'] = /^(yesterday|today)(?:\s+(\d\d:\d\d(?::\d\d)?))?$/i.exec(text.trim()) ?? [];
  if (word === undefined) return readTime(text);
  const day = new Date(now);
  if (word.toLowerCase() === 'yesterday') day.setDate(day.getDate() - 1);
  const two = (value: number): string => String(value).padStart(2, '0');
  return readTime(`${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())} ${clock}`);
}

/** Of `14:30:05.123456` the 456: a transaction may have been committed between. */
function microsecondsOf(text: string): number {
  const [, digits = ''] = /\d:\d\d\.\d{3}(\d{1,3})/.exec(text) ?? [];
  return Number(digits.padEnd(3, '0'));
}

function readPosition(text: string): string {
  if (!/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text)) throw new Error('is not a position such as 16/B374D848');
  return text.toUpperCase();
}

function readTransaction(text: string): string {
  if (!/^\d{1,20}$/.test(text)) throw new Error('is not the number of a transaction');
  return text;
}

/** `16385=/mnt/fast` */
export function readTablespaces(options: ParsedOptions): ReadonlyMap<string, string> {
  return new Map(
    options.texts('tablespace').map((text) => {
      const [, oid, folder] = /^(\d+)=(.+)$/.exec(text) ?? [];
      if (oid === undefined || folder === undefined) throw options.wrong(`--tablespace "${text}" is not of the form OID=FOLDER`);
      return [oid, folder];
    }),
  );
}
