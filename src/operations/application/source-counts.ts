/** Counts and versions out of the records that sources lay beside their data, for the point's manifest. */
import { z } from 'zod';

const tableName = z.looseObject({ schema: z.string(), name: z.string() });
const databaseSchema = z.looseObject({
  database: z.string(),
  server: z.looseObject({ version: z.string() }),
  tools: z.looseObject({ pg_dump: z.string() }),
  lsn: z.string().nullable().optional(),
  takenAt: z.string(),
  databaseSize: z.number(),
  tables: z.array(z.looseObject({ schema: z.string(), name: z.string(), rows: z.number(), partOf: tableName.optional() })),
});

const baseSchema = z.looseObject({
  kind: z.string(),
  systemId: z.string(),
  serverVersion: z.string(),
  endLsn: z.string(),
  endedAt: z.string(),
  files: z.number(),
  bytes: z.number(),
});

/** Where a base backup describes itself. */
export const baseRecord = '/postgres/cluster/base.json';

/** What is worth a line: nothing where the record is not of a known kind. */
export function readCounts(kind: string, bytes: Uint8Array): Record<string, string | number> {
  if (kind === 'postgres-base') return readBaseCounts(bytes);
  if (kind !== 'postgres') return {};
  const parsed = databaseSchema.safeParse(readJson(bytes));
  if (!parsed.success) return {};
  const { server, tools, lsn, takenAt, databaseSize, tables } = parsed.data;
  return {
    server: server.version,
    pg_dump: tools.pg_dump,
    ...(lsn === undefined || lsn === null ? {} : { lsn }),
    takenAt,
    databaseSize,
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** More tables than these are not listed one by one. */
const mostTables = 20_000;

/** Rows of each table by database: `{ shop: { 'public.orders': 10482 } }`; partitions count for the table that they are parts of. */
export type TableCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Empty where the record is not of a known kind, or a database has too many tables. */
export function readTables(kind: string, bytes: Uint8Array): TableCounts {
  const parsed = kind === 'postgres' ? databaseSchema.safeParse(readJson(bytes)) : undefined;
  if (parsed?.success !== true) return {};
  const { database, tables } = parsed.data;
  const rows = new Map<string, number>();
  for (const { rows: counted, partOf, ...table } of tables) {
    const { schema, name } = partOf ?? table;
    const key = `${schema}.${name}`.toWellFormed();
    rows.set(key, (rows.get(key) ?? 0) + counted);
  }
  return rows.size > mostTables ? {} : { [database.toWellFormed()]: Object.fromEntries(rows) };
}

function readBaseCounts(bytes: Uint8Array): Record<string, string | number> {
  const parsed = baseSchema.safeParse(readJson(bytes));
  if (!parsed.success) return {};
  const { kind, systemId, serverVersion, endLsn, endedAt, files, bytes: size } = parsed.data;
  return { base: kind, systemId, server: serverVersion, lsn: endLsn, takenAt: endedAt, baseFiles: files, baseSize: size };
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Of several databases the numbers add up, and of the rest the last one stays. */
export function addCounts(
  sums: Readonly<Record<string, string | number>>,
  more: Readonly<Record<string, string | number>>,
): Record<string, string | number> {
  const added = Object.entries(more).map(([name, value]): [string, string | number] => {
    const before = sums[name];
    return [name, typeof value === 'number' && typeof before === 'number' ? before + value : value];
  });
  return { ...sums, ...Object.fromEntries(added) };
}
