/**
 * A PostgreSQL server as the rest of this folder knows it: sessions, and PostgreSQL's own programs. They run on this machine
 * (host-server.ts) or inside the server's container (container-server.ts); nothing else knows which.
 */
import type { Subprocess, SubprocessEnd } from '../../util/subprocess.ts';
import type { PostgresLogin } from './login.ts';
import type { PostgresSession } from './session.ts';

export type ToolName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

export interface PostgresTool {
  readonly name: ToolName;
  /** Where it lies, on this machine or in the container. */
  readonly path: string;
  /** As it says itself: `15.18`. */
  readonly version: string;
  readonly major: number;
}

export interface ToolNeed {
  readonly title: string;
  /** For messages: `16.3`. */
  readonly serverVersion: string;
  /** The lowest major version that will do. */
  readonly major: number;
}

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

export interface PostgresServer {
  readonly login: PostgresLogin;
  /** The same server and user, another database. */
  withDatabase(database: string): PostgresServer;
  /** Logs in. Throws `postgres-unreachable`, `postgres-login`, `postgres-database-missing`, …, and the Docker errors. */
  openSession(): Promise<PostgresSession>;
  /**
   * The tool to use with a server: of the same major version where there is one, else the nearest newer one. Throws
   * `postgres-tools-missing`, or `postgres-tools-old` when there are only older ones.
   */
  findTool(name: ToolName, need: ToolNeed): Promise<PostgresTool>;
  /**
   * Starts a program where the tools are, with the login in its environment. What goes wrong with the container before it runs is
   * thrown; all else shows in `ended`.
   */
  start(command: ServerCommand): Promise<Subprocess>;
}

/** Logs in, works, and logs out. */
export async function withSession<Result>(server: PostgresServer, work: (session: PostgresSession) => Promise<Result>): Promise<Result> {
  const session = await server.openSession();
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Runs a program to its end and returns its output, which must not be large (`limit` bytes, 64 MiB by default). */
export async function runOnServer(
  server: PostgresServer,
  command: ServerCommand,
  limit = 64 * 1024 * 1024,
): Promise<SubprocessEnd & { readonly stdout: Buffer }> {
  const child = await server.start(command);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of child.output) {
      size += chunk.length;
      if (size > limit) throw new RangeError(`${command.file} wrote more than ${limit} bytes`);
      chunks.push(chunk);
    }
    return { ...(await child.ended), stdout: Buffer.concat(chunks) };
  } finally {
    await child.stop();
  }
}
