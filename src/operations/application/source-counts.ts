/** Counts and versions out of the records that sources lay beside their data, for the point's manifest. */
import { z } from 'zod';

const databaseSchema = z.looseObject({
  database: z.string(),
  server: z.looseObject({ version: z.string() }),
  tools: z.looseObject({ pg_dump: z.string() }),
  lsn: z.string().nullable().optional(),
  takenAt: z.string(),
  databaseSize: z.number(),
  tables: z.array(z.looseObject({ rows: z.number() })),
});

/** What is worth a line: nothing where the record is not of a known kind. */
export function readCounts(kind: string, bytes: Uint8Array): Record<string, string | number> {
  if (kind !== 'postgres') return {};
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return {};
  }
  const parsed = databaseSchema.safeParse(json);
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
