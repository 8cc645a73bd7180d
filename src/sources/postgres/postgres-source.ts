/** PostgreSQL databases as a component: saved as logical dumps, restored and compared. */
import type { ContainerAddress, DockerEngine } from '../docker/docker-engine.ts';
import type { RestorableSource, SourceDescription } from '../source.ts';
import { captureDatabases, findDumpTools } from './capture.ts';
import { type Environment, parseConnection } from './connection.ts';
import { createContainerServer } from './container-server.ts';
import { type DumpOptions, checkDumpOptions } from './dump-options.ts';
import { createHostServer } from './host-server.ts';
import { placeOf, titleOf } from './login.ts';
import { restoreDatabases } from './restore.ts';
import type { PostgresRestoreRequest } from './restore-request.ts';
import { type PostgresServer, withSession } from './server.ts';
import { readServerVersion, readSnapshotFacts } from './server-facts.ts';

export interface PostgresSourceOptions extends DumpOptions {
  /** The component's name, such as `database`. */
  readonly component: string;
  readonly at: PostgresAddress;
  /** All databases of the server that are no templates, or those named; by default the one of the address. */
  readonly databases?: 'all' | readonly string[] | undefined;
  /** Whether the server's roles are saved too: yes by default. */
  readonly roles?: boolean | undefined;
  /** Variables such as PGHOST and PGPASSWORD; those of this process when absent. */
  readonly environment?: Environment;
  /** The only folder to look for pg_dump and its like in; not for a container, which has its own. */
  readonly toolsFolder?: string;
}

export type PostgresAddress =
  /** `postgresql://user:password@host:port/database?sslmode=…`; what it leaves out comes from the environment and ~/.pgpass. */
  | { readonly url: string }
  /** A server in a container, by its own socket and with the container's tools. */
  | {
      readonly docker: DockerEngine;
      readonly address: ContainerAddress;
      readonly database: string;
      readonly user: string;
      readonly password?: string | undefined;
    };

/**
 * The databases at an address. A capture holds for each `/postgres/<database>/` with the dump (`database.dump`: pg_dump's custom format, not
 * compressed; or `database.sql`; or the folder `directory`), `roles.sql` where the user may read the roles, and `manifest.json` with the exact
 * row counts and the position in the write-ahead log of the same snapshot. Throws `postgres-url`, and `usage` for options that cannot go together.
 */
export function createPostgresSource(options: PostgresSourceOptions): RestorableSource<PostgresRestoreRequest> {
  const { component, databases, roles = true } = options;
  checkDumpOptions(options);
  const server = openServer(options);
  return {
    kind: 'postgres',
    component,
    describe: () => describe(server, component, databases),
    capture: (context) => Promise.resolve({ shape: 'streams', entries: captureDatabases({ server, databases, options, roles, context }) }),
    restore: (from, request, context) => restoreDatabases({ server, from, request, context }),
  };
}

function openServer({ at, environment = process.env, toolsFolder }: PostgresSourceOptions): PostgresServer {
  if ('docker' in at) return createContainerServer(at);
  return createHostServer({ connection: parseConnection(at.url, environment), environment, toolsFolder });
}

function describe(server: PostgresServer, component: string, databases: PostgresSourceOptions['databases']): Promise<SourceDescription> {
  return withSession(server, async (session) => {
    const version = await readServerVersion(session);
    const tools = await findDumpTools(server, version);
    const { databaseSize } = await readSnapshotFacts(session);
    const several = databases === 'all' ? 'all databases' : `databases ${databases?.join(', ') ?? ''}`;
    return {
      kind: 'postgres',
      component,
      title: databases === undefined ? titleOf(server.login) : `${several} ${placeOf(server.login)}`,
      facts: { server: version.version, pg_dump: tools.dump.version, databaseSize },
    };
  });
}
