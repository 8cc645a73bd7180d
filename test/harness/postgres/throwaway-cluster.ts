/**
 * A real PostgreSQL server of its own for a test or the demo: password authentication over 127.0.0.1, no durability, gone afterwards,
 * however this process ends (cluster-process.ts).
 */
import { freePort } from '../programs/free-port.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type ClusterProcess, openClusterProcess, serverUser } from './cluster-process.ts';
import { prepareData } from './prepare-data.ts';
import { findServer, installedServers } from './server-versions.ts';

export { installedServers };

export interface ClusterOptions {
  /** Major version, 13 to 18; Debian's newest when absent, which is the only one with tools such as psql and pg_dump of its own version. */
  readonly version?: number;
  /** Databases to create, besides `postgres`. */
  readonly databases?: readonly string[];
  /** Lines for postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** With (true) or without data checksums; as the version does it by itself where absent. */
  readonly checksums?: boolean;
  /** MiB in a segment of WAL: a power of two; 16 where absent. */
  readonly segmentMegabytes?: number;
  /** Speaks TLS, with a certificate of its own for 127.0.0.1 and localhost. */
  readonly tls?: boolean;
  /**
   * Puts the data directory there (a restored one, say) in place of an empty cluster. Its superuser's password is `password`. Owners and
   * modes of the folder are set to what the server wants.
   */
  readonly from?: { readonly password: string; fill(dataFolder: string): Promise<void> };
}

export interface ThrowawayCluster {
  readonly version: number;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Where the server's socket lies; local connections need no password. */
  readonly socketFolder: string;
  readonly dataFolder: string;
  readonly superuser: 'postgres';
  readonly password: string;
  /** Where initdb and (15 only) pg_dump and the like lie. */
  readonly toolsFolder: string;
  /** The certificate to trust, where `tls` was asked for. */
  readonly rootCertificate: string;
  /** Address with the superuser's password, or with the user and password given. */
  url(database: string, user?: string, password?: string): string;
  /** Runs one statement, or several without values, as the superuser. Rows of the last result. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, database?: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a script through psql as the superuser, stopping at the first error. What psql printed, unaligned and without headings. */
  psql(script: string, database?: string): Promise<string>;
  /** Creates a tablespace in a folder of its own beside the data directory. That folder. */
  createTablespace(name: string): Promise<string>;
  /** What the server logged so far. */
  log(): Promise<string>;
  /** Kills the server with all its children (-9), as a crash would. */
  kill(): Promise<void>;
  /** Stops the server in good order; its files stay. */
  halt(): Promise<void>;
  /** Starts the server again, after a halt in good order where it runs, and waits until it answers. */
  restart(): Promise<void>;
  /** Stops the server and removes its files. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a server. Throws when none is installed or it does not come up. */
export async function startCluster(options: ClusterOptions = {}): Promise<ThrowawayCluster> {
  const found = await findServer(options.version);
  const [tools] = await installedServers();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce({ ...found, clientFolder: tools?.folder ?? found.folder }, options);
    } catch (error) {
      /* Between finding a free port and listening on it, another process may take it. */
      if (attempt === 3 || !/could not bind|could not create any/.test(String(error))) throw error;
    }
  }
}

interface Programs {
  readonly version: number;
  readonly folder: string;
  /** Where psql lies. */
  readonly clientFolder: string;
}

async function startOnce(programs: Programs, options: ClusterOptions): Promise<ThrowawayCluster> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-pg-'));
  let process_: ClusterProcess | undefined;
  const stop = async (): Promise<void> => {
    await process_?.end();
    await rm(root, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const password = await prepareData({ root, port, version: programs.version, toolsFolder: programs.folder }, options);
    process_ = openClusterProcess(programs.folder, root);
    const cluster = describeCluster({ programs, root, port, password, process: process_, stop });
    await cluster.restart();
    for (const database of options.databases ?? []) await cluster.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ClusterParts {
  readonly programs: Programs;
  readonly root: string;
  readonly port: number;
  readonly password: string;
  readonly process: ClusterProcess;
  readonly stop: () => Promise<void>;
}

function describeCluster({ programs, root, port, password, process: server, stop }: ClusterParts): ThrowawayCluster {
  const host = '127.0.0.1';
  const logFile = join(root, 'log');
  const cluster: ThrowawayCluster = {
    version: programs.version,
    host,
    port,
    socketFolder: root,
    dataFolder: join(root, 'data'),
    superuser: 'postgres',
    password,
    toolsFolder: programs.folder,
    rootCertificate: join(root, 'server.crt'),
    stop,
    url: (database, user = 'postgres', secret = password) =>
      `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@${host}:${port}/${encodeURIComponent(database)}`,
    query: (sql, database = 'postgres', values = []) => runStatement({ host, port, user: 'postgres', password, database }, sql, values),
    psql: (script, database = 'postgres') => {
      const env = { PGHOST: host, PGPORT: String(port), PGUSER: 'postgres', PGPASSWORD: password, PGDATABASE: database };
      return runScript(programs.clientFolder, env, script);
    },
    createTablespace: async (name) => {
      const folder = join(root, `tablespace-${name}`);
      await mkdir(folder, { mode: 0o700 });
      const identity = serverUser();
      if (identity !== undefined) await chown(folder, identity.uid, identity.gid);
      await cluster.query(`CREATE TABLESPACE ${pg.escapeIdentifier(name)} LOCATION ${pg.escapeLiteral(folder)}`);
      return folder;
    },
    log: () => readFile(logFile, 'utf8').catch(() => ''),
    kill: () => server.obey('kill'),
    halt: () => server.obey('halt'),
    restart: async () => {
      const logged = await stat(logFile).then(
        ({ size }) => size,
        () => 0,
      );
      await server.obey('start');
      await waitUntilUp(cluster, server, logged);
    },
  };
  return cluster;
}

async function runStatement<Row extends pg.QueryResultRow>(
  address: pg.ClientConfig,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = new pg.Client(address);
  client.on('error', () => {});
  await client.connect();
  try {
    /* Of several statements, pg gives an array of results, which its types do not know. */
    const result = values.length === 0 ? await client.query<Row>(sql) : await client.query<Row>(sql, [...values]);
    const results: pg.QueryResult<Row>[] = [result].flat();
    return results.at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}

async function runScript(toolsFolder: string, env: Record<string, string>, script: string): Promise<string> {
  const child = spawn(join(toolsFolder, 'psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
    env: { PATH: process.env['PATH'] ?? '', PGCLIENTENCODING: 'UTF8', ...env },
  });
  const printed: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  child.stdin.on('error', () => {});
  const closed = once(child, 'close');
  child.stdin.end(script);
  await closed;
  if (child.exitCode !== 0) throw new Error(`psql failed: ${Buffer.concat(complaints).toString('utf8').trim()}`);
  return Buffer.concat(printed).toString('utf8');
}

/** A standby whose primary is away complains with FATAL and goes on. */
const fatal = /could not bind|FATAL: {2}(?!the database system|could not (connect|receive|send|start WAL)|terminating walreceiver)/;

async function waitUntilUp(cluster: ThrowawayCluster, server: ClusterProcess, logged: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    try {
      await cluster.query('SELECT 1');
      return;
    } catch {
      const stopped = server.isOver() || !existsSync(cluster.dataFolder);
      if (stopped || fatal.test((await cluster.log()).slice(logged))) break;
      await sleep(50);
    }
  }
  throw new Error(`Cannot start PostgreSQL: ${(await cluster.log()).slice(logged) || 'it left no log'}`);
}
