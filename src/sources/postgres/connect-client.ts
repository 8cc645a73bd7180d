/** Logs in to a server through `pg`: start-up, TLS as sslmode asks for it, passwords. */
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { PostgresConnection } from './connection.ts';

export interface ClientOptions {
  /** As it appears in pg_stat_activity; `holdfast` where absent. */
  readonly applicationName?: string;
  /** A connection that takes the commands of the replication protocol. */
  readonly replication?: boolean;
}

/** libpq's sslmode: `allow` tries without TLS first, `prefer` with TLS first, each then the other way. Throws what `pg` throws. */
export async function connectClient(connection: PostgresConnection, options: ClientOptions = {}): Promise<pg.Client> {
  const connect = (ssl: ConnectionOptions | false): Promise<pg.Client> => connectOnce(connection, options, ssl);
  const { mode } = connection.ssl;
  if (mode === 'disable' || connection.host.startsWith('/')) return connect(false);
  if (mode === 'allow') {
    return connect(false).catch(async (error: unknown) => {
      if (!isRefusedByRules(error)) throw error;
      return connect(await tlsOptions(connection));
    });
  }
  const tls = await tlsOptions(connection);
  if (mode !== 'prefer') return connect(tls);
  return connect(tls).catch((error: unknown) => {
    if (!isWithoutTls(error) && !isRefusedByRules(error)) throw error;
    return connect(false);
  });
}

async function connectOnce(connection: PostgresConnection, options: ClientOptions, ssl: ConnectionOptions | false): Promise<pg.Client> {
  const settings: pg.ClientConfig & { replication?: string } = {
    host: connection.host,
    port: connection.port,
    user: connection.user,
    database: connection.database,
    /* A function is asked only when the server wants one; undefined would send pg to look in places of its own. */
    password: () => connection.password ?? '',
    ssl,
    application_name: options.applicationName ?? 'holdfast',
    connectionTimeoutMillis: connection.connectTimeout * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    ...(options.replication === true ? { replication: 'true' } : {}),
  };
  const client = new pg.Client(settings);
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
