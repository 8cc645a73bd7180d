/** A database server: whether it can be reached and logged in to, whether there are programs of its version, and whether all can be read. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isError } from '../../errors.ts';
import { findDumpTools } from '../../sources/postgres/capture.ts';
import { placeOf, titleOf } from '../../sources/postgres/login.ts';
import { findServerPrograms } from '../../sources/postgres/recovery/server-programs.ts';
import { withSession, type PostgresServer } from '../../sources/postgres/server.ts';
import { readServerVersion, readSnapshotFacts, type ServerVersion } from '../../sources/postgres/server-facts.ts';
import type { PostgresSession } from '../../sources/postgres/session.ts';
import type { Clock } from '../../util/clock.ts';
import { failed, failedWith, ok, sizeText, warning, type Check } from './check.ts';
import { askTime, type KnownTime } from './check-clock.ts';

export interface DatabaseFindings {
  readonly checks: readonly Check[];
  readonly times: readonly KnownTime[];
  /** Of the server's version. */
  readonly major?: number;
  /** Nobody could log in: there is no use in asking on. */
  readonly isClosed: boolean;
}

export interface DatabaseQuestion {
  /** pg_dump will be run, with the rights of this login. */
  readonly dumps: boolean;
  /** Its dump goes through a temporary folder. */
  readonly spools: boolean;
  readonly clock: Clock;
}

export async function checkDatabase(
  component: string,
  server: PostgresServer,
  { dumps, spools, clock }: DatabaseQuestion,
): Promise<DatabaseFindings> {
  try {
    return await withSession(server, async (session) => {
      const version = await readServerVersion(session);
      const { answer, between } = await askTime(
        () => clock.now(),
        () => readSnapshotFacts(session),
      );
      const { takenAt: at, databaseSize } = answer;
      const login = ok(`${component}: login`, `"${server.login.user}" logs in to ${titleOf(server.login)}, PostgreSQL ${version.version}`);
      const more = dumps ? [await checkTools(component, server, version), await checkRights(component, session, server, version)] : [];
      const room = spools && 'host' in server.login.at ? [await checkSpool(component, databaseSize)] : [];
      return {
        checks: [login, ...more, ...room],
        times: [{ of: `the server of ${component}`, at, between }],
        isClosed: false,
        major: version.major,
      };
    });
  } catch (error) {
    return { checks: [failedWith(`${component}: login`, error)], times: [], isClosed: true };
  }
}

/** Where pg_dump writes a folder, it writes it there first; compressed, which nobody knows before. */
async function checkSpool(component: string, databaseSize: number): Promise<Check> {
  const name = `${component}: space`;
  const { bavail, bsize } = await statfs(tmpdir());
  const free = bavail * bsize;
  if (free >= databaseSize) return ok(name, `the dump goes through ${tmpdir()}, where ${sizeText(free)} are free`);
  return warning(
    name,
    `the dump goes through ${tmpdir()}, where ${sizeText(free)} are free, and the database holds ${sizeText(databaseSize)}`,
    'Free space there, or set TMPDIR to another folder, or take another format: custom needs none. In holdfast.yaml, for this component:\nformat: custom',
  );
}

/** Without them the backup is well, and nothing can be brought back to a moment here. */
export async function checkServerPrograms(
  component: string,
  major: number,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Check> {
  const name = `${component}: server programs`;
  try {
    const { folder, version } = await findServerPrograms(major, environment);
    return ok(name, `PostgreSQL ${version} in ${folder} could bring it back to a moment`);
  } catch (error) {
    if (!isError(error, 'server-programs-missing')) return failedWith(name, error);
    const what = `there is no server of PostgreSQL ${major} on this machine: drills cannot bring it back to a moment here`;
    return warning(name, what, `Install it, here and where it is to be brought back:\napt-get install postgresql-${major}`);
  }
}

async function checkTools(component: string, server: PostgresServer, version: ServerVersion): Promise<Check> {
  const name = `${component}: programs`;
  try {
    const { dump } = await findDumpTools(server, version);
    const psql = await server.findTool('psql', { title: `the server ${placeOf(server.login)}`, serverVersion: version.version, major: 11 });
    return ok(name, `pg_dump ${dump.version} and psql ${psql.version} fit the server`);
  } catch (error) {
    return failedWith(name, error);
  }
}

/* What pg_dump copies: rows of tables, values of sequences; not what extensions own. */
const unreadable = `
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, pg_catalog.quote_ident(n.nspname) AS schema
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
    AND (NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') OR CASE WHEN c.relkind = 'S' THEN NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT') ELSE NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') END)
  ORDER BY 1`;
const secured = `
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND pg_catalog.row_security_active(c.oid) ORDER BY 1`;

/** pg_dump ends at the first table that it may not read, and at row security, which would hide rows from it. */
async function checkRights(
  component: string,
  session: PostgresSession,
  { login }: PostgresServer,
  { major }: ServerVersion,
): Promise<Check> {
  const name = `${component}: rights`;
  const role = `"${login.user.replaceAll('"', '""')}"`;
  const denied = await session.query<{ name: string; schema: string }>(unreadable);
  if (denied.length > 0) {
    const remedy = `As a superuser, in the database ${login.database}:`;
    return failed(
      name,
      `"${login.user}" may not read ${listed(denied)}`,
      [remedy, ...(major >= 14 ? [`GRANT pg_read_all_data TO ${role};`] : letReadAll(role, denied))].join('\n'),
    );
  }
  const hidden = await session.query<{ name: string }>(secured);
  if (hidden.length > 0)
    return failed(
      name,
      `row security hides rows of ${listed(hidden)} from "${login.user}"`,
      `As a superuser:\nALTER ROLE ${role} BYPASSRLS;`,
    );
  return ok(name, `"${login.user}" may read all tables and sequences`);
}

/** Before 14 there is no role that may read everything; what is made later needs a right of its own. */
function letReadAll(role: string, denied: readonly { readonly schema: string }[]): string[] {
  return [...new Set(denied.map(({ schema }) => schema))].flatMap((schema) => [
    `GRANT USAGE ON SCHEMA ${schema} TO ${role};`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role};`,
    `GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};`,
  ]);
}

function listed(found: readonly { readonly name: string }[]): string {
  const shown = found
    .slice(0, 3)
    .map(({ name }) => name)
    .join(', ');
  return found.length > 3 ? `${shown} and ${found.length - 3} more` : shown;
}
