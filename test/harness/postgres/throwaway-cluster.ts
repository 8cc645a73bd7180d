/**
 * A real PostgreSQL server of its own for a test or the demo: password authentication over 127.0.0.1, no durability, gone afterwards.
 * A small shell beside the server waits on a pipe from this process, so that server and files go away however this process ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface ClusterOptions {
  /** Major version, such as 15; the newest installed when absent. */
  readonly version?: number;
  /** Databases to create, besides `postgres`. */
  readonly databases?: readonly string[];
  /** Lines for postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface ThrowawayCluster {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Where the server's socket lies; local connections need no password. */
  readonly socketFolder: string;
  readonly superuser: 'postgres';
  readonly password: string;
  /** Where initdb, pg_dump and the like lie. */
  readonly toolsFolder: string;
  /** Address with the superuser's password, or with the user and password given. */
  url(database: string, user?: string, password?: string): string;
  /** Runs one statement, or several without values, as the superuser. Rows of the last result. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, database?: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a script through psql as the superuser, stopping at the first error. What psql printed, unaligned and without headings. */
  psql(script: string, database?: string): Promise<string>;
  /** Stops the server and removes its files. May be called twice. */
  stop(): Promise<void>;
}

const server = `
"$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$2"
`;

/** Folders with a server and its tools, newest version first. */
export async function installedServers(): Promise<{ readonly version: number; readonly folder: string }[]> {
  const root = '/usr/lib/postgresql';
  const names = existsSync(root) ? await readdir(root) : [];
  return names
    .map((name) => ({ version: Number(name), folder: join(root, name, 'bin') }))
    .filter(({ version, folder }) => version > 0 && existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
    .toSorted((a, b) => b.version - a.version);
}

/** Starts a server. Throws when none is installed or it does not come up. */
export async function startCluster(options: ClusterOptions = {}): Promise<ThrowawayCluster> {
  const servers = await installedServers();
  const found = servers.find(({ version }) => options.version === undefined || version === options.version);
  if (found === undefined)
    throw new Error(
      `Cannot find a PostgreSQL server${options.version === undefined ? '' : ` ${options.version}`}: run apt-get install -y postgresql`,
    );
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(found.folder, options);
    } catch (error) {
      /* Between finding a free port and listening on it, another process may take it. */
      if (attempt === 3) throw error;
    }
  }
}

async function startOnce(toolsFolder: string, options: ClusterOptions): Promise<ThrowawayCluster> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-pg-'));
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.ref();
      child.stdin?.end();
      await ended;
    }
    await rm(root, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const password = randomBytes(12).toString('hex');
    await initialize(toolsFolder, root, port, password, options.settings ?? {});
    const [file = '', ...args] = asServerUser(['sh', '-c', server, 'throwaway-cluster', toolsFolder, root]);
    child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/', env: environment(root, toolsFolder) });
    child.unref();
    child.stdin?.on('error', () => {});
    const cluster = describeCluster({ toolsFolder, root, port, password, stop });
    await waitUntilUp(cluster, child, root);
    for (const database of options.databases ?? []) await cluster.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function initialize(
  toolsFolder: string,
  root: string,
  port: number,
  password: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const passwordFile = join(root, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const identity = serverUser();
  if (identity !== undefined) for (const path of [root, passwordFile]) await chown(path, identity.uid, identity.gid);
  const arguments_ = [
    '-D',
    join(root, 'data'),
    '-U',
    'postgres',
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-N',
  ];
  const [file = '', ...args] = asServerUser([join(toolsFolder, 'initdb'), ...arguments_]);
  const done = spawnSync(file, args, { encoding: 'utf8', cwd: '/', env: environment(root, toolsFolder) });
  if (done.status !== 0) throw new Error(`Cannot create a cluster: ${done.error?.message ?? done.stderr}`);
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: root,
    port: String(port),
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'replica',
    max_connections: '40',
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await writeFile(join(root, 'data', 'postgresql.conf'), `${lines.join('\n')}\n`, { flag: 'a' });
}

function describeCluster(parts: {
  toolsFolder: string;
  root: string;
  port: number;
  password: string;
  stop: () => Promise<void>;
}): ThrowawayCluster {
  const { toolsFolder, root, port, password, stop } = parts;
  const host = '127.0.0.1';
  return {
    host,
    port,
    socketFolder: root,
    superuser: 'postgres',
    password,
    toolsFolder,
    stop,
    url: (database, user = 'postgres', secret = password) =>
      `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@${host}:${port}/${encodeURIComponent(database)}`,
    query: async <Row extends pg.QueryResultRow>(sql: string, database = 'postgres', values: readonly unknown[] = []): Promise<Row[]> => {
      const client = new pg.Client({ host, port, user: 'postgres', password, database });
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
    },
    psql: (script, database = 'postgres') =>
      runScript(
        toolsFolder,
        { PGHOST: host, PGPORT: String(port), PGUSER: 'postgres', PGPASSWORD: password, PGDATABASE: database },
        script,
      ),
  };
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

async function waitUntilUp(cluster: ThrowawayCluster, child: ChildProcess, root: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    try {
      await cluster.query('SELECT 1');
      return;
    } catch {
      const stopped = child.exitCode !== null || !existsSync(join(root, 'data'));
      const log = await readFile(join(root, 'log'), 'utf8').catch(() => '');
      if (stopped || /could not bind|FATAL: {2}(?!the database system)/.test(log)) break;
      await sleep(50);
    }
  }
  throw new Error(`Cannot start PostgreSQL: ${await readFile(join(root, 'log'), 'utf8').catch(() => 'it left no log')}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}

/** PostgreSQL refuses to run as root: then its own user runs it. */
function asServerUser(command: string[]): string[] {
  return serverUser() === undefined ? command : ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...command];
}

let cachedUser: { uid: number; gid: number } | undefined;

function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim());
  cachedUser ??= { uid: id('-u'), gid: id('-g') };
  return cachedUser;
}

function environment(root: string, toolsFolder: string): Record<string, string> {
  return { PATH: `${toolsFolder}:${process.env['PATH'] ?? ''}`, HOME: root, LC_ALL: 'C.UTF-8' };
}
