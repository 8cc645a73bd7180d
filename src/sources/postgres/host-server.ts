/** A server that is reached over the network or a socket of this machine, with the tools of this machine. */
import { startSubprocess } from '../../util/subprocess.ts';
import { type Environment, type PostgresConnection, loginOf, toolEnvironment } from './connection.ts';
import { findTool } from './find-tools.ts';
import type { PostgresServer } from './server.ts';
import { openSession } from './session.ts';

export interface HostServerOptions {
  readonly connection: PostgresConnection;
  readonly environment: Environment;
  /** The only folder to look for tools in. */
  readonly toolsFolder?: string | undefined;
}

export function createHostServer(options: HostServerOptions): PostgresServer {
  const { connection, environment, toolsFolder } = options;
  return {
    login: loginOf(connection),
    withDatabase: (database) => createHostServer({ ...options, connection: { ...connection, database } }),
    openSession: () => openSession(connection),
    findTool: (name, need) => findTool(name, need, { environment, ...(toolsFolder === undefined ? {} : { folder: toolsFolder }) }),
    start: (command) => Promise.resolve(startSubprocess({ ...command, env: toolEnvironment(connection, environment) })),
  };
}
