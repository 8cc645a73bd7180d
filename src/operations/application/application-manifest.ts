/**
 * `/holdfast/manifest.json` of a recovery point: what its components are, what was in them, and what failed. It comes from a repository, so
 * everything in it is bounded and checked when it is read.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';

const text = z.string().max(10_000);
const shortText = z.string().max(1000);
const count = z.number().nonnegative();
const id = z.string().regex(/^[0-9a-f]{64}$/);

const streamSchema = z.object({ path: text, size: count, sha256: id });

const componentSchema = z.object({
  name: shortText,
  kind: shortText,
  status: z.enum(['saved', 'failed']),
  /** Its snapshot's id, in the repository that was backed up to. */
  snapshot: id.optional(),
  began: z.iso.datetime().optional(),
  seconds: count.optional(),
  files: count.optional(),
  bytes: count.optional(),
  /** Bytes that the repository did not have. */
  added: count.optional(),
  /** What could not be read, or changed while it was. */
  problems: count.optional(),
  /** Everything is as in the point before. */
  unchanged: z.boolean().optional(),
  /** `database northstar on localhost:5432`. */
  title: text.optional(),
  /** Versions of server and tools, counts, positions. */
  facts: z.record(shortText, z.union([text, z.number()])),
  /** Rows of each table, by database: `{ "shop": { "public.orders": 10482 } }`. Partitions count for the table that they are parts of. */
  tables: z.record(text, z.record(text, count)).optional(),
  paths: z.array(text).max(100_000),
  /** What was saved as streams, with the SHA-256 of their content. */
  streams: z.array(streamSchema).max(100_000),
  error: z.object({ code: shortText, message: text, hint: text }).optional(),
});

const manifestSchema = z.object({
  format: z.literal(1),
  application: shortText,
  /** The application's own version, where the configuration says how to find it. */
  version: text.nullable(),
  profile: shortText.nullable(),
  host: shortText,
  time: z.iso.datetime(),
  began: z.iso.datetime(),
  ended: z.iso.datetime(),
  status: z.enum(['complete', 'partial']),
  /** Versions: holdfast, node, docker. */
  versions: z.record(shortText, text),
  /** Where holdfast.yaml lay, and the SHA-256 of its text. */
  configuration: z.object({ file: text, sha256: id, mode: count }),
  components: z.array(componentSchema).max(10_000),
  /** Components of the configuration that this run did not ask for, or that hold nothing to save, and why. */
  skipped: z.array(z.object({ name: shortText, reason: text })).max(10_000),
});

export type ApplicationManifest = z.infer<typeof manifestSchema>;
export type ManifestComponent = ApplicationManifest['components'][number];

export const manifestPath = '/holdfast/manifest.json';
export const configurationPath = '/holdfast/holdfast.yaml';
export const variablesPath = '/holdfast/variables.json';

/** The component of the manifest's own snapshot, and its kind. */
export const pointComponent = 'point';
/** The component, and the kind, of a recovery's report. */
export const reportComponent = 'report';

export function encodeApplicationManifest(manifest: ApplicationManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8');
}

/** Throws `damaged` for what is no manifest. */
export function decodeApplicationManifest(bytes: Uint8Array): ApplicationManifest {
  return decodeJson(bytes, manifestPath, manifestSchema);
}

/** Variables that the configuration refers to, as they were when the point was made. Throws `damaged`. */
export function decodeVariables(bytes: Uint8Array): Record<string, string> {
  return decodeJson(bytes, variablesPath, z.record(shortText, z.string().max(1_000_000)));
}

function decodeJson<Value>(bytes: Uint8Array, object: string, schema: z.ZodType<Value>): Value {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HoldfastError('damaged', { object, reason: 'it is not JSON' }, error);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HoldfastError('damaged', { object, reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` }, parsed.error);
}
