/** Compares a restored database with what was counted when it was saved. */
import { HoldfastError } from '../../errors.ts';
import { type TableCount, countLargeObjects, countRows, qualifiedName } from './counts.ts';
import { type PostgresServer, withSession } from './server.ts';

export interface Expectation {
  readonly tables: readonly TableCount[];
  /** Not compared when undefined. */
  readonly largeObjects: number | undefined;
}

export interface Comparison {
  readonly tables: number;
  readonly rows: number;
  /** One line each: `"public"."orders" has 9 rows of 10`. */
  readonly mismatches: readonly string[];
}

/** Counts the rows of every expected table. */
export async function compareRows(server: PostgresServer, expected: Expectation): Promise<Comparison> {
  const wanted = new Map(expected.tables.map((table) => [qualifiedName(table), table.rows]));
  const found = await withSession(server, async (session) => ({
    tables: await countRows(session, (table) => wanted.has(qualifiedName(table))),
    largeObjects: expected.largeObjects === undefined ? undefined : await countLargeObjects(session),
  }));
  const counted = new Map(found.tables.map((table) => [qualifiedName(table), table.rows]));
  const mismatches = [...wanted].flatMap(([name, rows]) => {
    const restored = counted.get(name);
    if (restored === undefined) return [`${name} is missing`];
    return restored === rows ? [] : [`${name} has ${restored} rows of ${rows}`];
  });
  if (found.largeObjects !== expected.largeObjects)
    mismatches.push(`there are ${found.largeObjects ?? 0} large objects of ${expected.largeObjects ?? 0}`);
  return { tables: counted.size, rows: found.tables.reduce((sum, { rows }) => sum + rows, 0), mismatches };
}

/** Throws `postgres-restore-mismatch` unless everything is there. */
export function requireMatch(database: string, comparison: Comparison): void {
  const { mismatches } = comparison;
  if (mismatches.length === 0) return;
  const shown = mismatches.slice(0, 5).join(', ');
  const reason = mismatches.length > 5 ? `${shown}, and ${mismatches.length - 5} more differences` : shown;
  throw new HoldfastError('postgres-restore-mismatch', { database, reason, mismatches: mismatches.length });
}
