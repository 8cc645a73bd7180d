/** A connection of holdfast's own to the server: for what the tools do not tell (versions, counts, the exported snapshot). */
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { type PostgresConnection, loginOf } from './connection.ts';
import { translateServerError } from './server-errors.ts';

export type SqlValue = string | number | boolean | null;

export interface PostgresSession {
  /** Runs one statement. Throws the catalogue's PostgreSQL errors. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Logs in. Throws `postgres-unreachable`, `postgres-login`, `postgres-database-missing`, … */
export async function openSession(connection: PostgresConnection): Promise<PostgresSession> {
  const login = loginOf(connection);
  let client: pg.Client;
  try {
    client = await connectAsAsked(connection);
    /* Names in our statements must mean the server's own objects, whatever this database holds. */
    await client.query("SELECT pg_catalog.set_config('search_path', 'pg_catalog', false)");
    await client.query('SET statement_timeout = 0');
    await client.query('SET lock_timeout = 0');
    await client.query('SET idle_in_transaction_session_timeout = 0');
  } catch (error) {
    throw translateServerError(error, login);
  }
  return {
    query: async <Row extends pg.QueryResultRow>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> => {
      try {
        return (await client.query<Row>(sql, [...values])).rows;
      } catch (error) {
        throw translateServerError(error, login);
      }
    },
    close: async () => {
      await client.end().catch(() => {});
    },
  };
}

/** libpq's sslmode: `allow` tries without TLS first, `prefer` with TLS first, each then the other way. */
async function connectAsAsked(connection: PostgresConnection): Promise<pg.Client> {
  const { mode } = connection.ssl;
  if (mode === 'disable' || connection.host.startsWith('/')) return connect(connection, false);
  if (mode === 'allow') {
    return connect(connection, false).catch(async (error: unknown) => {
      if (!isRefusedByRules(error)) throw error;
      return connect(connection, await tlsOptions(connection));
    });
  }
  const tls = await tlsOptions(connection);
  if (mode !== 'prefer') return connect(connection, tls);
  return connect(connection, tls).catch((error: unknown) => {
    if (!isWithoutTls(error) && !isRefusedByRules(error)) throw error;
    return connect(connection, false);
  });
}

async function connect(connection: PostgresConnection, ssl: ConnectionOptions | false): Promise<pg.Client> {
  const client = new pg.Client({
    host: connection.host,
    port: connection.port,
    user: connection.user,
    database: connection.database,
    /* A function is asked only when the server wants one; undefined would send pg to look in places of its own. */
    password: () => connection.password ?? '',
    ssl,
    application_name: 'holdfast',
    connectionTimeoutMillis: connection.connectTimeout * 1000,
    keepAlive: true,
  });
  /* A session that the server ends between two statements shows at the next statement. */
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return client;
}

async function tlsOptions(connection: PostgresConnection): Promise<ConnectionOptions> {
  const { mode, rootCertificate, certificate, key } = connection.ssl;
  const verifies = mode === 'verify-ca' || mode === 'verify-full';
  const options: ConnectionOptions = { rejectUnauthorized: verifies || (mode === 'require' && rootCertificate !== undefined) };
  if (options.rejectUnauthorized === true && rootCertificate !== undefined && rootCertificate !== 'system')
    options.ca = await readFile(rootCertificate);
  if (mode !== 'verify-full') options.checkServerIdentity = () => undefined;
  if (certificate !== undefined) options.cert = await readFile(certificate);
  if (key !== undefined) options.key = await readFile(key);
  return options;
}

function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message.includes('does not support SSL');
}

/** pg_hba.conf has no line for this connection with (or without) TLS. */
function isRefusedByRules(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '28000';
}
