/** Exact row counts of the tables that a dump holds. */
import pg from 'pg';
import type { PostgresSession } from './session.ts';

export interface TableCount {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  /** Of a partition, or a table that inherits: the table that stands for all of them. */
  readonly partOf?: { readonly schema: string; readonly name: string } | undefined;
}

/*
 * What pg_dump copies rows of: tables and partitions that no extension owns. Partitioned parents hold no rows, foreign tables
 * and materialized views are not copied, and a standby cannot read unlogged tables.
 */
const listTables = `
  WITH RECURSIVE above AS (
    SELECT inhrelid AS leaf, inhparent AS parent, 1 AS steps FROM pg_inherits WHERE inhseqno = 1
    UNION ALL
    SELECT a.leaf, i.inhparent, a.steps + 1 FROM above a JOIN pg_inherits i ON i.inhrelid = a.parent AND i.inhseqno = 1
  ), tops AS (
    SELECT DISTINCT ON (leaf) leaf, parent FROM above ORDER BY leaf, steps DESC
  )
  SELECT n.nspname AS schema, c.relname AS name, tn.nspname AS top_schema, tc.relname AS top_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN (tops JOIN pg_class tc ON tc.oid = tops.parent JOIN pg_namespace tn ON tn.oid = tc.relnamespace) ON tops.leaf = c.oid
  WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
  ORDER BY 1, 2`;

/* A type, not an interface: rows of a session are records. */
type ListedTable = { schema: string; name: string; top_schema: string | null; top_name: string | null };

/**
 * Counts the rows of every table a dump would copy, or of those chosen. Within a transaction of one snapshot the counts are
 * that snapshot's. Row security never hides rows silently: the server refuses instead (`postgres-permission`).
 */
export async function countRows(
  session: PostgresSession,
  chosen?: (table: { readonly schema: string; readonly name: string }) => boolean,
): Promise<TableCount[]> {
  await session.query('SET row_security = off');
  const counts: TableCount[] = [];
  for (const { schema, name, top_schema: topSchema, top_name: topName } of await session.query<ListedTable>(listTables)) {
    const table = { schema, name };
    if (chosen !== undefined && !chosen(table)) continue;
    /* ONLY: the children of an inheritance parent are tables of their own. */
    const [found] = await session.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM ONLY ${qualifiedName(table)}`);
    const partOf = topSchema === null || topName === null ? {} : { partOf: { schema: topSchema, name: topName } };
    counts.push({ ...table, rows: Number(found?.rows ?? 0), ...partOf });
  }
  return counts;
}

/** Number of large objects of the database. */
export async function countLargeObjects(session: PostgresSession): Promise<number> {
  const [found] = await session.query<{ count: string }>('SELECT count(*)::text AS count FROM pg_largeobject_metadata');
  return Number(found?.count ?? 0);
}

/** `"Weird ""Name"""."table"`, as SQL wants it. */
export function qualifiedName(table: { readonly schema: string; readonly name: string }): string {
  return `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`;
}
