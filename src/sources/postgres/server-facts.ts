/** What the server says about itself and about a database. */
import type { DatabaseProperties } from './manifest.ts';
import type { PostgresSession } from './session.ts';

export interface ServerVersion {
  /** `15.18`. */
  readonly version: string;
  readonly major: number;
}

export async function readServerVersion(session: PostgresSession): Promise<ServerVersion> {
  const [found] = await session.query<{ version: string; number: string }>(
    "SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number",
  );
  return { version: (found?.version ?? '').split(' ')[0] ?? '', major: Math.floor(Number(found?.number ?? 0) / 10_000) };
}

export interface SnapshotFacts {
  readonly lsn: string | null;
  readonly takenAt: Date;
  readonly databaseSize: number;
}

/** Position, time and size as of now; the first statement of a transaction makes it the snapshot's. */
export async function readSnapshotFacts(session: PostgresSession): Promise<SnapshotFacts> {
  const [found] = await session.query<{ lsn: string | null; time: string; size: string }>(`
    SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn,
           (extract(epoch FROM now()) * 1000)::bigint::text AS time, pg_database_size(current_database())::text AS size`);
  return { lsn: found?.lsn ?? null, takenAt: new Date(Number(found?.time ?? 0)), databaseSize: Number(found?.size ?? 0) };
}

/** Extensions of the current database and their versions. */
export async function readExtensions(session: PostgresSession): Promise<Record<string, string>> {
  const found = await session.query<{ name: string; version: string }>(
    'SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY 1',
  );
  return Object.fromEntries(found.map(({ name, version }) => [name, version]));
}

/** Encoding, locale, owner, settings and rights of the current database. */
export async function readDatabaseProperties(session: PostgresSession, server: ServerVersion): Promise<DatabaseProperties> {
  const provider = server.major >= 15 ? 'd.datlocprovider::text' : "'c'";
  const locale = server.major >= 17 ? 'd.datlocale' : server.major >= 15 ? 'd.daticulocale' : 'NULL::text';
  const [found] = await session.query<Omit<DatabaseProperties, 'settings' | 'privileges'> & { hasPrivileges: boolean }>(`
    SELECT pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collation, d.datctype AS "characterType",
           ${provider} AS "localeProvider", ${locale} AS locale, d.datacl IS NOT NULL AS "hasPrivileges", shobj_description(d.oid, 'pg_database') AS comment
    FROM pg_database d WHERE d.datname = current_database()`);
  if (found === undefined) throw new TypeError('the current database is not in pg_database');
  const { hasPrivileges, ...properties } = found;
  return { ...properties, settings: await readSettings(session), privileges: hasPrivileges ? await readPrivileges(session) : null };
}

function readSettings(session: PostgresSession): Promise<DatabaseProperties['settings']> {
  return session.query(`
    SELECT r.rolname AS role, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) WITH ORDINALITY AS u (c, place)
    WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, u.place`);
}

function readPrivileges(session: PostgresSession): Promise<NonNullable<DatabaseProperties['privileges']>> {
  return session.query(`
    SELECT r.rolname AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
    FROM pg_database d, aclexplode(d.datacl) AS a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = current_database() AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 1 NULLS FIRST, 2`);
}
