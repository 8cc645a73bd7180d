/** A PostgreSQL server that is copied as a whole: ordinary sessions, connections for replication, and the files of its machine. */
import { readFile } from 'node:fs/promises';
import type { PostgresAddress } from '../../config/configuration.ts';
import type { EventSink } from '../../events.ts';
import type { ReplicationConnection } from '../../sources/postgres/replication/connect-replication.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import type { ApplicationTools, Environment } from '../application/application-tools.ts';

export interface ReplicatedServer {
  readonly server: PostgresServer;
  /** Each call connects anew; `applicationName` is what `synchronous_standby_names` and pg_stat_replication know the connection by. */
  readonly connect: (options: ReplicatedConnect) => Promise<ReplicationConnection>;
  /** Reads a file of the server's machine. Rejects where that is another than this one. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

interface ReplicatedConnect {
  readonly applicationName?: string;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** A server by its URL; nothing is connected to yet. Throws `postgres-url`. */
export async function replicatedServerAt(url: string, environment: Environment): Promise<ReplicatedServer> {
  const { parseConnection } = await import('../../sources/postgres/connection.ts');
  const { createHostServer } = await import('../../sources/postgres/host-server.ts');
  const { connectReplication } = await import('../../sources/postgres/replication/connect-replication.ts');
  const connection = parseConnection(url, environment);
  const isHere = connection.host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(connection.host);
  return {
    server: createHostServer({ connection, environment }),
    connect: (options) => connectReplication({ connection, ...options }),
    readFile: async (path) => {
      if (!isHere) throw new TypeError(`${path} lies on ${connection.host}`);
      return readFile(path);
    },
  };
}

/** A configured server, on a host or in a container. Throws what reading its secrets throws, and the Docker errors. */
export async function openReplicatedServer({ context, docker, read }: ApplicationTools, at: PostgresAddress): Promise<ReplicatedServer> {
  if ('url' in at) return replicatedServerAt(await read(at.url), context.environment);
  const { createContainerServer } = await import('../../sources/postgres/container-server.ts');
  const { connectContainerReplication, readContainerFile } = await import('../../sources/postgres/replication/reach-container.ts');
  const { database, user, password, ...address } = at;
  const inside = {
    docker: await docker(),
    address,
    database,
    user,
    ...(password === undefined ? {} : { password: await read(password) }),
  };
  return {
    server: createContainerServer(inside),
    connect: (options) => connectContainerReplication({ ...inside, ...options }),
    readFile: (path) => readContainerFile(inside, path),
  };
}
