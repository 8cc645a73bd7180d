/** Where a PostgreSQL server is and how to log in: from a URL, PostgreSQL's own environment variables and the password file. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { PostgresLogin } from './login.ts';
import { findPassword } from './password-file.ts';

export interface PostgresConnection {
  /** Host name or address, or the folder of the server's socket (then it begins with `/`). */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  readonly ssl: SslSettings;
  /** Seconds to wait for a connection. */
  readonly connectTimeout: number;
}

export interface SslSettings {
  readonly mode: SslMode;
  /** Files, as in libpq's sslrootcert, sslcert and sslkey. */
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a URL such as `postgresql://user:secret@host:5432/database?sslmode=require`. What it does not say comes from PGHOST,
 * PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE, PGSSL* and ~/.pgpass, then from PostgreSQL's usual defaults.
 * Throws `postgres-url`.
 */
export function parseConnection(url: string, environment: Environment): PostgresConnection {
  const given = parseUrl(url);
  const parameter = (name: string, variable: string): string | undefined =>
    given.parameters.get(name) || environment[variable] || undefined;
  const port = parsePort(given.port ?? parameter('port', 'PGPORT') ?? '5432');
  const host = given.host ?? parameter('host', 'PGHOST') ?? defaultHost(port);
  const user = given.user ?? parameter('user', 'PGUSER') ?? userInfo().username;
  const database = given.database ?? parameter('dbname', 'PGDATABASE') ?? user;
  if (host.includes(',')) throw new HoldfastError('postgres-url', { reason: 'it names several hosts, and a backup needs one' });
  const address = { host, port, user, database };
  const home = environment['HOME'] ?? userInfo().homedir;
  const mode = parseSslMode(parameter('sslmode', 'PGSSLMODE') ?? 'prefer');
  const defaultRoot = mode.startsWith('verify-') ? join(home, '.postgresql', 'root.crt') : undefined;
  return {
    ...address,
    password:
      given.password ??
      parameter('password', 'PGPASSWORD') ??
      findPassword(address, parameter('passfile', 'PGPASSFILE') ?? join(home, '.pgpass')),
    ssl: {
      mode,
      ...optional('rootCertificate', parameter('sslrootcert', 'PGSSLROOTCERT') ?? defaultRoot),
      ...optional('certificate', parameter('sslcert', 'PGSSLCERT')),
      ...optional('key', parameter('sslkey', 'PGSSLKEY')),
    },
    connectTimeout: Number(parameter('connect_timeout', 'PGCONNECT_TIMEOUT') ?? 15) || 15,
  };
}

/** Who logs in where, for messages. */
export function loginOf({ host, port, user, database, password }: PostgresConnection): PostgresLogin {
  return { user, database, password, at: { host, port } };
}

/** The environment for pg_dump and its like: the whole connection, password included, so that nothing of it is in their arguments. */
export function toolEnvironment(connection: PostgresConnection, environment: Environment): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'KRB5CCNAME', 'KRB5_CONFIG', 'SystemRoot'];
  const inherited: Record<string, string> = {};
  for (const name of kept) Object.assign(inherited, optional(name, environment[name]));
  const { ssl } = connection;
  return {
    ...inherited,
    LC_ALL: 'C',
    PGHOST: connection.host,
    PGPORT: String(connection.port),
    PGUSER: connection.user,
    PGDATABASE: connection.database,
    PGCONNECT_TIMEOUT: String(connection.connectTimeout),
    PGSSLMODE: ssl.mode,
    ...optional('PGPASSWORD', connection.password),
    ...optional('PGSSLROOTCERT', ssl.rootCertificate),
    ...optional('PGSSLCERT', ssl.certificate),
    ...optional('PGSSLKEY', ssl.key),
  };
}

interface UrlParts {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly parameters: URLSearchParams;
}

function parseUrl(text: string): UrlParts {
  if (text === '')
    return {
      host: undefined,
      port: undefined,
      user: undefined,
      password: undefined,
      database: undefined,
      parameters: new URLSearchParams(),
    };
  if (!/^postgres(ql)?:\/\//.test(text)) throw new HoldfastError('postgres-url', { reason: 'it does not begin with postgresql://' });
  try {
    /* An empty host with a user or a port is fine for libpq but not for URL: give it one, and take it away again. */
    const noHost = /^postgres(?:ql)?:\/\/(?:[^@/?]*@)?(?=[:/?]|$)/.exec(text);
    const url = new URL(noHost === null ? text : `${noHost[0]}no-host${text.slice(noHost[0].length)}`);
    const part = (value: string): string | undefined => (value === '' ? undefined : decodeURIComponent(value));
    return {
      host: noHost === null ? part(url.hostname.replace(/^\[(.*)\]$/, '$1')) : undefined,
      port: part(url.port),
      user: part(url.username),
      password: part(url.password),
      database: part(url.pathname.replace(/^\//, '')),
      parameters: url.searchParams,
    };
  } catch {
    /* The cause would repeat the address with its password. */
    throw new HoldfastError('postgres-url', { reason: 'it is not a URL (special characters in the password must be written as %XX)' });
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new HoldfastError('postgres-url', { reason: `"${text}" is not a port` });
  return port;
}

function parseSslMode(text: string): SslMode {
  const mode = sslModes.find((known) => known === text);
  if (mode === undefined) throw new HoldfastError('postgres-url', { reason: `sslmode "${text}" is none of ${sslModes.join(', ')}` });
  return mode;
}

function defaultHost(port: number): string {
  const folders = ['/var/run/postgresql', '/tmp'];
  return folders.find((folder) => existsSync(join(folder, `.s.PGSQL.${port}`))) ?? 'localhost';
}

function optional<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  const entry: { [key in Name]?: string } = {};
  if (value !== undefined) entry[name] = value;
  return entry;
}
