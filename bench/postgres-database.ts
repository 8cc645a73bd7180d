/** The database that the dump benchmark saves: a throw-away server with the rows of the `sql` set, changed by one per cent in clusters. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { startCluster, type ThrowawayCluster } from '../test/harness/postgres/throwaway-cluster.ts';
import { sqlDump } from './datasets/sql.ts';

export interface DatabaseOptions {
  /** How full the pages of the larger table are, in per cent: where there is room, a changed row stays on its page. */
  readonly fillFactor?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface BenchDatabase {
  readonly cluster: ThrowawayCluster;
  readonly name: string;
  /** On the server's disk, indexes included. */
  readonly bytes: number;
  readonly rows: number;
  readonly serverVersion: string;
}

/** Makes a server and fills it; with `scale` 1 the database takes about 2 GB. The caller stops the server. */
export async function makeDatabase(scale: number, { fillFactor = 100, settings = {} }: DatabaseOptions = {}): Promise<BenchDatabase> {
  const name = 'shop';
  const cluster = await startCluster({
    databases: [name],
    /* Nothing happens by itself while something is measured. */
    settings: { autovacuum: 'off', shared_buffers: '512MB', max_wal_size: '8GB', maintenance_work_mem: '256MB', ...settings },
  });
  try {
    /* Of 2 GiB as text the rows alone; on disk come the rows' heads and the indexes. */
    await load(cluster, name, withFillFactor(sqlDump(scale * 0.83), fillFactor));
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

/** The statement that makes the table is in the first piece. */
function* withFillFactor(script: Iterable<Buffer>, percent: number): Generator<Buffer, void, undefined> {
  let isFirst = true;
  for (const piece of script) {
    yield isFirst
      ? Buffer.from(piece.toString('latin1').replace('note text);', `note text) WITH (fillfactor = ${percent});`), 'latin1')
      : piece;
    isFirst = false;
  }
}

/** For programs that read PostgreSQL's variables. */
export function loginOf(cluster: ThrowawayCluster): Record<string, string> {
  return { PGHOST: cluster.host, PGPORT: String(cluster.port), PGUSER: cluster.superuser, PGPASSWORD: cluster.password };
}

/** In how many places a day's changes lie. */
export const clusters = 8;

/** Changes one row in a hundred of the larger table, in runs of neighbours, as a day's work on an application does; others every day. */
export async function changeRows({ cluster, name }: BenchDatabase, { round, day }: { round: number; day: number }): Promise<void> {
  const from = 0.2 + 0.3 * day;
  await cluster.query(
    `UPDATE orders SET note = 'changed in round ${round}: ' || reverse(note), updated_at = updated_at + interval '1 day'
     FROM (SELECT max(id) / ${clusters} AS width FROM orders) whole WHERE id % width > width * ${from} AND id % width <= width * ${from + 0.01}`,
    name,
  );
}

/** Changes one row on every tenth page of the larger table (the first, second, … row of each), where the page has room for it. The share of all pages. */
export async function scatterChanges({ cluster, name }: BenchDatabase, row: number): Promise<number> {
  await cluster.query(
    `UPDATE orders SET status = 'changed', updated_at = updated_at + interval '1 day'
     WHERE ctid = ANY (ARRAY(SELECT format('(%s,${row})', page)::tid FROM generate_series(0, pg_relation_size('orders') / 8192 - 1, 10) page))`,
    name,
  );
  const [found] = await cluster.query<{ share: number }>(
    "SELECT pg_relation_size('orders')::float8 / 10 / sum(pg_relation_size(oid)) AS share FROM pg_class WHERE relkind IN ('r', 'i')",
    name,
  );
  return found?.share ?? 0;
}

/** What autovacuum does on a server that is well: free space in the middle of tables is found, and filled by what changes later. */
export async function vacuum({ cluster, name }: BenchDatabase): Promise<void> {
  await cluster.query('VACUUM', name);
}

/** One number for the rows of both tables and their order does not matter: equal before and after, or something is lost. */
export async function fingerprint({ cluster }: { readonly cluster: Pick<ThrowawayCluster, 'query'> }, database: string): Promise<string> {
  const sum = (table: string): string => `(SELECT sum(hashtextextended(t::text, 1)::numeric) || '/' || count(*) FROM ${table} t)`;
  const [found] = await cluster.query<{ print: string }>(`SELECT concat_ws(' ', ${sum('customers')}, ${sum('orders')}) AS print`, database);
  return found?.print ?? '';
}
