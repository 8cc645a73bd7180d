/** The database that the dump benchmark saves: a throw-away server with the rows of the `sql` set, changed by one per cent in clusters. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { startCluster, type ThrowawayCluster } from '../test/harness/postgres/throwaway-cluster.ts';
import { sqlDump } from './datasets/sql.ts';

export interface BenchDatabase {
  readonly cluster: ThrowawayCluster;
  readonly name: string;
  /** On the server's disk, indexes included. */
  readonly bytes: number;
  readonly rows: number;
  readonly serverVersion: string;
}

/** Makes a server and fills it; with `scale` 1 the database takes about 2 GB. The caller stops the server. */
export async function makeDatabase(scale: number): Promise<BenchDatabase> {
  const name = 'shop';
  const cluster = await startCluster({
    databases: [name],
    /* Nothing happens by itself while something is measured. */
    settings: { autovacuum: 'off', shared_buffers: '512MB', max_wal_size: '8GB', maintenance_work_mem: '256MB' },
  });
  try {
    /* Of 2 GiB as text the rows alone; on disk come the rows' heads and the indexes. */
    await load(cluster, name, sqlDump(scale * 0.83));
    /* No VACUUM: rows that are changed later then go to the end of their table, and not into gaps all over it. */
    await cluster.query('ANALYZE', name);
    const [found] = await cluster.query<{ bytes: string; rows: string; version: string }>(
      `SELECT pg_database_size(current_database())::text AS bytes, ((SELECT count(*) FROM orders) + (SELECT count(*) FROM customers))::text AS rows,
              current_setting('server_version') AS version`,
      name,
    );
    return { cluster, name, bytes: Number(found?.bytes), rows: Number(found?.rows), serverVersion: found?.version ?? '' };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function load(cluster: ThrowawayCluster, database: string, script: Iterable<Buffer>): Promise<void> {
  const child = spawn(join(cluster.toolsFolder, 'psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], {
    env: { PATH: process.env['PATH'] ?? '', ...loginOf(cluster), PGDATABASE: database },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'close');
  await pipeline(script, child.stdin);
  await ended;
  if (child.exitCode !== 0) throw new Error(`Cannot fill the database: psql ended with ${child.exitCode ?? 'a signal'}.`);
}

/** For programs that read PostgreSQL's variables. */
export function loginOf(cluster: ThrowawayCluster): Record<string, string> {
  return { PGHOST: cluster.host, PGPORT: String(cluster.port), PGUSER: cluster.superuser, PGPASSWORD: cluster.password };
}

const clusters = 8;

/** Changes one row in a hundred of the larger table, in 8 runs of neighbours, as a day's work on an application does. */
export async function changeRows({ cluster, name }: BenchDatabase, round: number): Promise<void> {
  await cluster.query(
    `UPDATE orders SET note = 'changed in round ${round}: ' || reverse(note), updated_at = updated_at + interval '1 day'
     FROM (SELECT max(id) / ${clusters} AS width FROM orders) whole WHERE id % width > width * 0.4 AND id % width <= width * 0.41`,
    name,
  );
}

/** One number for the rows of both tables and their order does not matter: equal before and after, or something is lost. */
export async function fingerprint({ cluster }: BenchDatabase, database: string): Promise<string> {
  const sum = (table: string): string => `(SELECT sum(hashtextextended(t::text, 1)::numeric) || '/' || count(*) FROM ${table} t)`;
  const [found] = await cluster.query<{ print: string }>(`SELECT concat_ws(' ', ${sum('customers')}, ${sum('orders')}) AS print`, database);
  return found?.print ?? '';
}
