/** A connection of holdfast's own to the server: for what the tools do not tell (versions, counts, the exported snapshot). */
import type pg from 'pg';
import { connectClient } from './connect-client.ts';
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
    client = await connectClient(connection);
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
