/** `manifest.json`: what a capture of a database says about itself, so that a restore or a drill can compare exactly. */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';

const text = z.string().max(10_000);
const names = z.array(text).max(1_000_000);
const count = z.int().nonnegative();
/** A 64-bit number, or one beside it. */
const position = z.string().regex(/^-?\d{1,20}$/);

/** Settings and rights of the database itself, which pg_restore only restores under the old name. */
const databaseProperties = z.object({
  owner: text,
  encoding: text,
  collation: text,
  characterType: text,
  /** `c` libc, `i` ICU, `b` built in. */
  localeProvider: z.enum(['c', 'i', 'b']),
  /** The provider's own locale, for ICU and the built-in one. */
  locale: text.nullable(),
  /** `ALTER DATABASE … SET`, and `ALTER ROLE … IN DATABASE … SET` where a role is named. */
  settings: z.array(z.object({ role: text.nullable(), name: text, value: z.string() })).max(100_000),
  /** Rights granted by `GRANT … ON DATABASE`; null where they are the server's defaults. A null grantee is PUBLIC. */
  privileges: z
    .array(z.object({ grantee: text.nullable(), privilege: text, grantable: z.boolean() }))
    .max(1_000_000)
    .nullable(),
  comment: z.string().nullable(),
});

const manifestSchema = z.object({
  format: z.literal(1),
  database: text,
  properties: databaseProperties,
  server: z.object({ version: text, major: count }),
  tools: z.object({ pg_dump: text, pg_dump_major: count }),
  /** How and what of the database was dumped; all of it in the custom format where it is not said. */
  dump: z
    .object({
      format: z.enum(['custom', 'plain', 'directory']),
      tables: names.optional(),
      schemas: names.optional(),
      excludeTables: names.optional(),
      only: z.enum(['schema', 'data']).optional(),
    })
    .default({ format: 'custom' }),
  /** Bytes on the server's disk, indexes included. */
  databaseSize: count,
  /** The server's write-ahead log position when the snapshot was taken: all that was committed before it is in the dump. */
  lsn: text.nullable(),
  /** The server's clock when the snapshot was taken. */
  takenAt: z.iso.datetime(),
  extensions: z.record(text, text),
  largeObjects: count,
  /** A partition says which table it is a part of, or inherits from. */
  tables: z
    .array(z.object({ schema: text, name: text, rows: count, partOf: z.object({ schema: text, name: text }).optional() }))
    .max(10_000_000),
  /** Where each sequence of the dump stood before it and after it. Absent where that could not be read, and in older captures. */
  sequences: z
    .array(z.object({ schema: text, name: text, from: position, to: position }))
    .max(10_000_000)
    .optional(),
});

export type PostgresManifest = z.infer<typeof manifestSchema>;
export type DatabaseProperties = PostgresManifest['properties'];

const largestManifest = 512 * 1024 * 1024;

/** The bytes of `manifest.json`. */
export function encodeManifest(manifest: PostgresManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8');
}

/** Reads a manifest from a snapshot. Throws `damaged` when it is none. */
export async function readManifest(path: string, bytes: AsyncIterable<Uint8Array>): Promise<PostgresManifest> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > largestManifest) throw new HoldfastError('damaged', { object: path, reason: 'it is far larger than a manifest' });
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new HoldfastError('damaged', { object: path, reason: 'it is not JSON' }, error);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new HoldfastError(
      'damaged',
      { object: path, reason: `it is not a manifest of a database (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})` },
      parsed.error,
    );
  }
  return parsed.data;
}
