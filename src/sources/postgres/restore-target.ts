/** The database a restore goes into: found, made, put in the place of another, or taken away again. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { HoldfastError, isError } from '../../errors.ts';
import type { DatabaseProperties } from './manifest.ts';
import { type PostgresServer, withSession } from './server.ts';
import { type ServerVersion, readServerVersion } from './server-facts.ts';
import type { PostgresSession } from './session.ts';

/** A session in a database other than `target`, from where `target` can be made, renamed and dropped. */
export async function openMaintenance(server: PostgresServer, target: string): Promise<PostgresSession> {
  const places = ['postgres', 'template1', server.login.database].filter((database) => database !== target);
  let failure: unknown;
  for (const database of new Set(places)) {
    try {
      return await server.withDatabase(database).openSession();
    } catch (error) {
      if (!isError(error, 'postgres-database-missing') && !isError(error, 'postgres-permission')) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

export async function databaseExists(maintenance: PostgresSession, database: string): Promise<boolean> {
  return (await maintenance.query('SELECT FROM pg_database WHERE datname = $1', [database])).length > 0;
}

/** Anything that a fresh database would not have: relations, functions, types and schemas that no extension owns. */
export async function isEmptyDatabase(server: PostgresServer): Promise<boolean> {
  const own = (catalog: string, condition: string): string => `
    SELECT FROM ${catalog} o JOIN pg_namespace n ON ${condition}
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = o.oid AND d.deptype = 'e')`;
  const sql = `SELECT EXISTS (${own('pg_class', 'n.oid = o.relnamespace')}) OR EXISTS (${own('pg_proc', 'n.oid = o.pronamespace')})
    OR EXISTS (${own('pg_type', 'n.oid = o.typnamespace')}) OR EXISTS (${own('pg_namespace', "n.oid = o.oid AND o.nspname <> 'public'")}) AS used`;
  const [found] = await withSession(server, (session) => session.query<{ used: boolean }>(sql));
  return found?.used !== true;
}

/** Creates an empty database like the one that was saved, from template0. Throws `postgres-restore-failed` where the server has no such locale. */
export async function createDatabase(
  maintenance: PostgresSession,
  database: string,
  like: DatabaseProperties,
  options: { readonly owner: boolean },
): Promise<void> {
  const server = await readServerVersion(maintenance);
  const parts = [
    `TEMPLATE template0 ENCODING ${pg.escapeLiteral(like.encoding)}`,
    `LC_COLLATE ${pg.escapeLiteral(like.collation)} LC_CTYPE ${pg.escapeLiteral(like.characterType)}`,
    ...localeClause(like, server),
  ];
  const mayGiveAway =
    options.owner &&
    (await maintenance.query("SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')", [like.owner])).length >
      0;
  if (mayGiveAway) parts.push(`OWNER ${pg.escapeIdentifier(like.owner)}`);
  try {
    await maintenance.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} ${parts.join(' ')}`);
  } catch (error) {
    if (isError(error, 'postgres-failed'))
      throw new HoldfastError('postgres-restore-failed', { database, reason: String(error.details['reason']) }, error);
    throw error;
  }
}

function localeClause(like: DatabaseProperties, server: ServerVersion): string[] {
  if (like.localeProvider === 'c' || server.major < 15) return [];
  const locale = pg.escapeLiteral(like.locale ?? '');
  return [like.localeProvider === 'i' ? `LOCALE_PROVIDER icu ICU_LOCALE ${locale}` : `LOCALE_PROVIDER builtin BUILTIN_LOCALE ${locale}`];
}

/** Drops a database and ends its sessions. */
export async function dropDatabase(maintenance: PostgresSession, database: string): Promise<void> {
  const { major } = await readServerVersion(maintenance);
  if (major < 13) await endSessions(maintenance, database);
  await maintenance.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)}${major < 13 ? '' : ' WITH (FORCE)'}`);
}

/** A name that nothing has. */
export function temporaryName(): string {
  return `holdfast_restore_${randomBytes(6).toString('hex')}`;
}

/** Puts `replacement` in the place of `database` in one transaction, then drops the old one. On failure the old one is as before. */
export async function swapDatabases(maintenance: PostgresSession, database: string, replacement: string): Promise<void> {
  const aside = temporaryName();
  const [old, fresh, moved] = [database, replacement, aside].map((name) => pg.escapeIdentifier(name));
  await maintenance.query(`ALTER DATABASE ${old} WITH ALLOW_CONNECTIONS false`);
  try {
    await endSessions(maintenance, database);
    await endSessions(maintenance, replacement);
    await maintenance.query('BEGIN');
    await maintenance.query(`ALTER DATABASE ${old} RENAME TO ${moved}`);
    await maintenance.query(`ALTER DATABASE ${fresh} RENAME TO ${old}`);
    await maintenance.query('COMMIT');
  } catch (error) {
    await maintenance.query('ROLLBACK').catch(() => {});
    await maintenance.query(`ALTER DATABASE ${old} WITH ALLOW_CONNECTIONS true`);
    throw error;
  }
  await dropDatabase(maintenance, aside);
}

async function endSessions(maintenance: PostgresSession, database: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const ended = await maintenance.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
      [database],
    );
    if (ended.length === 0) return;
    await sleep(100);
  }
}
