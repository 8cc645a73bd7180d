/** What a server says to somebody who wants to replicate, as an error of the catalogue, with the line that puts it right. */
import pg from 'pg';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { type PostgresLogin, addressDetails, placeOf, removeSecrets } from '../login.ts';
import { ServerComplaint, translateServerError } from '../server-errors.ts';
import { ProtocolFailure, WireFailure } from './failures.ts';

export interface ReplicationPlace {
  readonly login: PostgresLogin;
  /** Where the connection leads, which for a container is not what the login says. */
  readonly host: string;
}

/** Hosts of providers that keep the replication of whole clusters to themselves. */
const providers: readonly (readonly [RegExp, string])[] = [
  [/\.rds\.(amazonaws\.com|amazonaws\.com\.cn)$/i, 'Amazon RDS'],
  [/\.postgres\.database\.(azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/i, 'Azure Database for PostgreSQL'],
  [/\.neon\.tech$/i, 'Neon'],
  [/\.supabase\.(co|com)$/i, 'Supabase'],
  [/\.db\.ondigitalocean\.com$/i, 'DigitalOcean'],
  [/\.aivencloud\.com$/i, 'Aiven'],
  [/\.(render\.com|rlwy\.net|railway\.app|crunchybridge\.com|cockroachlabs\.cloud)$/i, 'this provider'],
];

/** Turns what broke a connection for replication into an error of the catalogue. A HoldfastError, and the reason of a signal, pass as they are. */
export function translateReplicationError(error: unknown, place: ReplicationPlace, signal?: AbortSignal): Error {
  if (error instanceof HoldfastError) return error;
  if (error instanceof Error && signal?.aborted === true && error === signal.reason) return error;
  const { login } = place;
  const server = serverOf(login);
  const reason = removeSecrets(reasonOf(error), login);
  const { check } = addressDetails(login);
  if (error instanceof ProtocolFailure) return new HoldfastError('replication-protocol', { server, reason }, error);
  if (error instanceof WireFailure) return new HoldfastError('replication-lost', { server, reason, check: String(check) }, error);
  if (!(error instanceof ServerComplaint) && !(error instanceof pg.DatabaseError))
    return error instanceof Error && 'code' in error ? translateServerError(error, login) : wrapUnknown(error, login);
  const code = error.code ?? '';
  return (
    refusal(code, reason, place) ??
    (/^(57P0[123]|08)/.test(code)
      ? new HoldfastError('replication-lost', { server, reason, check: String(check) }, error)
      : /^(28|3D|53)/.test(code)
        ? translateServerError(error, login)
        : new HoldfastError('replication-failed', { server, reason }, error))
  );
}

/** For people: `the server on db.example:5432`. */
export function serverOf(login: PostgresLogin): string {
  return `the server ${placeOf(login)}`;
}

function wrapUnknown(error: unknown, login: PostgresLogin): Error {
  /* A mistake of ours must not look like the server's. */
  return error instanceof TypeError || error instanceof RangeError ? error : translateServerError(error, login);
}

function refusal(code: string, reason: string, { login, host }: ReplicationPlace): HoldfastError | undefined {
  const server = serverOf(login);
  const role = quoteName(login.user);
  const details = { server, user: login.user, role, reason };
  const provider = providers.find(([pattern]) => pattern.test(host))?.[1];
  /* Servers speak the language of their administrators: codes and names of settings are the same in all of them. */
  const isRole = code === '42501';
  const isRule = code === '28000' && /pg_hba\.conf/.test(reason);
  if (provider !== undefined && (isRole || isRule)) return new HoldfastError('replication-managed', { server, provider });
  if (isRole) return new HoldfastError('replication-role', { ...details, reason: 'the role may not replicate' });
  if (isRule) return new HoldfastError('replication-rules', { ...details, line: ruleFor(reason, role) });
  const senders = /max_wal_senders\D*(\d+)/.exec(reason)?.[1];
  if (senders === '0')
    return new HoldfastError('replication-off', { server, reason: 'max_wal_senders is 0, as it has to be with wal_level minimal' });
  if (senders !== undefined) return new HoldfastError('replication-senders', { server, count: senders, more: Number(senders) + 5 });
  if (/wal_level|WAL level not sufficient/.test(reason)) return new HoldfastError('replication-off', { server, reason });
  return undefined;
}

/** The line of pg_hba.conf that lets this connection through. `all` in the place of the database would not mean replication. */
function ruleFor(reason: string, name: string): string {
  const address = /\d+(?:\.\d+){3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*/i.exec(reason)?.[0];
  if (address === undefined) return `local replication ${name} scram-sha-256`;
  const isEncrypted = /SSL (on|encryption)|SSL encryption/.test(reason) && !/no encryption|SSL off/.test(reason);
  return `${isEncrypted ? 'hostssl' : 'host'} replication ${name} ${address}${address.includes(':') ? '/128' : '/32'} scram-sha-256`;
}

function quoteName(user: string): string {
  return `"${user.replaceAll('"', '""')}"`;
}
