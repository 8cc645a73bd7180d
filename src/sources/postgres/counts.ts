/** Exact row counts of the tables that a dump holds. */
import pg from 'pg';
import type { PostgresSession } from './session.ts';

export interface TableCount {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/*
 * What pg_dump copies rows of: tables and partitions that no extension owns. Partitioned parents hold no rows, foreign tables
 * and materialized views are not copied, and a standby cannot read unlogged tables.
 */
const listTables = `
  SELECT n.nspname AS schema, c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
  ORDER BY 1, 2`;

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
  for (const table of await session.query<{ schema: string; name: string }>(listTables)) {
    if (chosen !== undefined && !chosen(table)) continue;
    /* ONLY: the children of an inheritance parent are tables of their own. */
    const [found] = await session.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM ONLY ${qualifiedName(table)}`);
    counts.push({ ...table, rows: Number(found?.rows ?? 0) });
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
