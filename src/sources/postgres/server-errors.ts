/** What a server or one of its tools complains about, as an error of the catalogue, without the password. */
import pg from 'pg';
import { type ErrorDetails, HoldfastError, reasonOf } from '../../errors.ts';
import { type PostgresLogin, addressDetails, removeSecrets } from './login.ts';

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EPIPE',
  'EACCES',
  '57P03',
  '53300',
  '57P01',
  '57P02',
]);

/** What the server said to a statement that another program sent it. */
export class ServerComplaint extends Error {
  override readonly name = 'ServerComplaint';
  /** SQLSTATE, such as `42501`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Turns what `pg` threw into an error of the catalogue. A HoldfastError passes as it is. */
export function translateServerError(error: unknown, login: PostgresLogin): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const details = addressDetails(login);
  const reason = describe(error, login);
  const code = codeOf(error);
  if (code === '28P01' || code === '28000') return new HoldfastError('postgres-login', { ...details, reason });
  if (code === '3D000') return new HoldfastError('postgres-database-missing', details);
  if (code === '42501') return new HoldfastError('postgres-permission', { ...details, reason });
  if (code === '53100') return new HoldfastError('postgres-restore-full', { database: login.database });
  if ((error instanceof pg.DatabaseError || error instanceof ServerComplaint) && !unreachable.has(code))
    return new HoldfastError('postgres-failed', { title: details.title, reason });
  if (/SASL|password must be a string|client password/i.test(reason))
    return new HoldfastError('postgres-login', { ...details, reason: 'it wants a password, and none or an unusable one was given' });
  return new HoldfastError('postgres-unreachable', { ...details, reason });
}

/** The last lines in which a tool says what went wrong, in one line, without the password. */
export function summarizeComplaint(stderr: string, login: PostgresLogin): string {
  const lines = removeSecrets(stderr, login)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  /* After "Command was:" the tool repeats a statement, which may hold what the database holds. */
  const statement = lines.findIndex((line) => /^(pg_restore: )?Command was:/.test(line));
  const told = (statement === -1 ? lines : lines.slice(0, statement)).filter(
    (line) => !/^(pg_\w+|psql): (warning|from TOC entry)/.test(line),
  );
  const text = told
    .slice(-6)
    .map((line) => line.replace(/\.$/, ''))
    .join('; ');
  return text.length > 1500 ? `…${text.slice(-1500)}` : text;
}

/** An error of the catalogue for a tool that failed, where its complaint is a known one. */
export function recognizeComplaint(stderr: string, login: PostgresLogin): HoldfastError | undefined {
  const details: ErrorDetails = addressDetails(login);
  const reason = summarizeComplaint(stderr, login);
  if (/authentication failed for user|no password supplied|no pg_hba\.conf entry|FATAL: {2}role ".*" does not exist/.test(stderr))
    return new HoldfastError('postgres-login', { ...details, reason });
  if (/FATAL: {2}database ".*" does not exist/.test(stderr)) return new HoldfastError('postgres-database-missing', details);
  if (/could not connect to server|connection to server .* failed|could not translate host name/.test(stderr))
    return new HoldfastError('postgres-unreachable', { ...details, reason });
  if (/permission denied|would be affected by row-level security|must be owner of|must be superuser/.test(stderr))
    return new HoldfastError('postgres-permission', { ...details, reason });
  return undefined;
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  /* Several addresses of one host name, each refused. */
  return error instanceof AggregateError && error.errors.length > 0 ? codeOf(error.errors[0]) : '';
}

function describe(error: unknown, login: PostgresLogin): string {
  const first: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  return removeSecrets(reasonOf(first), login);
}
