/** amcheck through SQL: every B-tree index, and from 14 on every table, is read and its structure compared. */
import { HoldfastError, isError, reasonOf } from '../../../errors.ts';
import type { EventSink } from '../../../events.ts';
import type { PostgresSession } from '../session.ts';

export interface RelationCheck {
  readonly databases: number;
  readonly indexes: number;
  readonly tables: number;
  /** What is wrong, for people: `index orders_pkey in shop: …`. At most a hundred. */
  readonly faults: readonly string[];
}

/** Logs in to a database as a superuser. */
export type OpenDatabase = (database: string) => Promise<PostgresSession>;

interface CheckContext {
  readonly major: number;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

interface Relation {
  readonly oid: string;
  readonly name: string;
  readonly kind: 'index' | 'table';
}

const mostFaults = 100;

/**
 * Checks all databases that take connections. The extension is there for the length of a transaction that is rolled back. Throws `recovery-mismatch` where it
 * is not installed with the server, or the server only reads and a database does not have it; `interrupted`.
 */
export async function checkRelations(open: OpenDatabase, dataDirectory: string, context: CheckContext): Promise<RelationCheck> {
  const databases = await inDatabase(open, 'template1', (session) =>
    session.query<{ name: string }>('SELECT datname AS name FROM pg_database WHERE datallowconn ORDER BY datname'),
  );
  const faults: string[] = [];
  let [indexes, tables] = [0, 0];
  for (const { name: database } of databases) {
    await inDatabase(open, database, async (session) => {
      const relations = await prepare(session, dataDirectory, context.major);
      for (const relation of relations) {
        if (context.signal.aborted) throw new HoldfastError('interrupted', {}, context.signal.reason);
        if (relation.kind === 'index') indexes += 1;
        else tables += 1;
        const fault = await checkOne(session, relation);
        if (fault !== undefined && faults.length < mostFaults) faults.push(`${relation.kind} ${relation.name} in ${database}: ${fault}`);
        context.events({
          type: 'progress',
          phase: 'checking relations',
          itemsDone: indexes + tables,
          bytesDone: 0,
          current: relation.name,
        });
      }
      await session.query('ROLLBACK');
    });
  }
  return { databases: databases.length, indexes, tables, faults };
}

async function prepare(session: PostgresSession, dataDirectory: string, major: number): Promise<Relation[]> {
  await session.query('BEGIN');
  // While a recovery stands still, what a transaction was about to drop is locked for as long.
  await session.query("SET LOCAL lock_timeout = '5s'");
  const [extension] = await session.query<{ schema: string }>(
    "SELECT quote_ident(nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'amcheck'",
  );
  if (extension === undefined) {
    try {
      await session.query('CREATE EXTENSION amcheck SCHEMA pg_catalog');
    } catch (error) {
      if (!isError(error, 'postgres-failed')) throw error;
      throw new HoldfastError(
        'recovery-mismatch',
        { path: dataDirectory, reason: `its indexes cannot be checked (${reasonOf(error)})` },
        error,
      );
    }
  } else await session.query("SELECT set_config('search_path', 'pg_catalog, ' || $1, true)", [extension.schema]);
  return session.query<Relation & Record<string, unknown>>(
    `SELECT c.oid::text AS oid, c.oid::regclass::text AS name, CASE WHEN c.relkind = 'i' THEN 'index' ELSE 'table' END AS kind
     FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_am a ON a.oid = c.relam
     WHERE c.relpersistence = 'p' AND ((c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid AND i.indisready)
       ${major >= 14 ? "OR (c.relkind IN ('r', 't', 'm') AND a.amname = 'heap')" : ''}) ORDER BY c.oid`,
  );
}

async function checkOne(session: PostgresSession, { oid, kind }: Relation): Promise<string | undefined> {
  await session.query('SAVEPOINT one');
  try {
    if (kind === 'index') await session.query('SELECT bt_index_check($1::oid::regclass)', [oid]);
    else {
      const [fault] = await session.query<{ msg: string; blkno: string }>(
        'SELECT blkno::text, msg FROM verify_heapam($1::oid::regclass) LIMIT 1',
        [oid],
      );
      if (fault !== undefined) return `page ${fault.blkno}: ${fault.msg}`;
    }
    await session.query('RELEASE one');
    return undefined;
  } catch (error) {
    if (!isError(error, 'postgres-failed')) throw error;
    await session.query('ROLLBACK TO one');
    const reason = String(error.details['reason'] ?? reasonOf(error));
    return reason.includes('lock timeout') ? undefined : reason;
  }
}

async function inDatabase<Result>(
  open: OpenDatabase,
  database: string,
  work: (session: PostgresSession) => Promise<Result>,
): Promise<Result> {
  const session = await open(database);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
