/** A PostgreSQL database as a component: saved as a logical dump, restored and compared. */
import type { RestorableSource, SourceDescription } from '../source.ts';
import { captureDatabase, findTools } from './capture.ts';
import { type Environment, parseConnection, titleOf } from './connection.ts';
import { restoreDatabase } from './restore.ts';
import type { PostgresRestoreRequest } from './restore-request.ts';
import { readServerVersion, readSnapshotFacts } from './server-facts.ts';
import { withSession } from './session.ts';

export interface PostgresSourceOptions {
  /** The component's name, such as `database`. */
  readonly component: string;
  /** `postgresql://user:password@host:port/database?sslmode=…`; what it leaves out comes from the environment and ~/.pgpass. */
  readonly url: string;
  /** Variables such as PGHOST and PGPASSWORD; those of this process when absent. */
  readonly environment?: Environment;
  /** The only folder to look for pg_dump, pg_dumpall and pg_restore in. */
  readonly toolsFolder?: string;
}

/**
 * The database behind a URL. A capture holds `/postgres/<database>/database.dump` (pg_dump's custom format, not compressed),
 * `roles.sql` where the user may read the roles, and `manifest.json` with the exact row counts of the same snapshot. Throws
 * `postgres-url`.
 */
export function createPostgresSource(options: PostgresSourceOptions): RestorableSource<PostgresRestoreRequest> {
  const { component, environment = process.env, toolsFolder } = options;
  const connection = parseConnection(options.url, environment);
  const describe = (): Promise<SourceDescription> =>
    withSession(connection, async (session) => {
      const server = await readServerVersion(session);
      const tools = await findTools({ connection, environment, toolsFolder }, server);
      const { databaseSize } = await readSnapshotFacts(session);
      return {
        kind: 'postgres',
        component,
        title: titleOf(connection),
        facts: { server: server.version, pg_dump: tools.dump.version, databaseSize },
      };
    });
  return {
    kind: 'postgres',
    component,
    describe,
    capture: (context) =>
      Promise.resolve({ shape: 'streams', entries: captureDatabase({ connection, environment, toolsFolder, context }) }),
    restore: (from, request, context) => restoreDatabase({ connection, environment, toolsFolder, from, request, context }),
  };
}
