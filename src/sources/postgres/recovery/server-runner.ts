/** Where the server of a recovery runs: on this machine, or in a container (container-runner.ts). Nothing else knows which. */
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresConnection } from '../connection.ts';
import type { PostgresAddress } from '../postgres-source.ts';
import { startServer, type ServerProcess, type ServerStart } from './server-process.ts';
import type { ServerUser } from './server-user.ts';

export interface ServerRunner {
  /** A path of this machine as the server sees it. */
  inside(path: string): string;
  /** Makes a folder for the server's socket that only `user` and root can enter. The folder of the recovery in the data directory is there. */
  openSocketFolder(dataDirectory: string, user: ServerUser | undefined): Promise<SocketFolder>;
  /** Starts a server on a data directory. One that cannot run has ended; throws what keeps it from being tried: the Docker errors. */
  start(start: ServerStart): Promise<ServerProcess>;
  /** How a database of the server is dumped while it runs. */
  sourceOf(connection: PostgresConnection, database: string): PostgresAddress;
}

export interface SocketFolder {
  /** As the server sees it. */
  readonly inside: string;
  /** As this process does. */
  readonly here: string;
  remove(): Promise<void>;
}

/** Runs it here, with the programs in a folder (see findServerPrograms). */
export function runHere(programs: string): ServerRunner {
  return {
    inside: (path) => path,
    openSocketFolder: async (_, user) => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-pg-'));
      if (user !== undefined) await chown(folder, user.uid, user.gid);
      return { inside: folder, here: folder, remove: () => rm(folder, { recursive: true, force: true }) };
    },
    start: (start) => Promise.resolve(startServer(join(programs, 'postgres'), start)),
    sourceOf: ({ host, port, user }, database) => {
      const address = new URLSearchParams({ host, port: String(port), user, dbname: database, sslmode: 'disable' });
      return { url: `postgresql://?${address.toString()}` };
    },
  };
}
