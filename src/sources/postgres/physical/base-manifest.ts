/** `base.json`: what a physical base backup says about itself; written last, so that a capture with one is whole. */
import { z } from 'zod';
import { HoldfastError } from '../../../errors.ts';

const text = z.string().max(10_000);
const path = z.string().min(1).max(4096);
const count = z.int().nonnegative();
const time = z.iso.datetime();
/** `0/3000028` */
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const oid = z.string().regex(/^[1-9][0-9]{0,9}$/);
const snapshotId = z.string().regex(/^[0-9a-f]{64}$/);
/** A path below `config/` that leads nowhere else. */
const storedName = path.refine(
  (name) => name.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0')),
  'it leads out of its folder',
);

const schema = z.object({
  version: z.literal(1),
  kind: z.enum(['full', 'increment']),
  /** Of the cluster, a 64-bit number in decimal. */
  systemId: z.string().regex(/^[0-9]{1,20}$/),
  timeline: z.int().positive(),
  startLsn: lsn,
  endLsn: lsn,
  endTimeline: z.int().positive(),
  /** The server's clock before the first byte and after the last. */
  startedAt: time,
  endedAt: time,
  /** As the server says it: `15.18`. */
  serverVersion: text,
  major: z.int().min(9).max(1000),
  pageSize: z.int().min(1024).max(32_768),
  walSegmentSize: z
    .int()
    .min(1024 * 1024)
    .max(1024 * 1024 * 1024),
  checksums: z.boolean(),
  /** Empty where the user was not allowed to see it. */
  dataDirectory: z.string().max(4096),
  tablespaces: z.array(z.object({ oid, name: text.optional(), location: path })).max(100_000),
  /** Files outside the data directory: where each lay, and its path below `config/`. */
  configuration: z.array(z.object({ name: text, path, stored: storedName })).max(10_000),
  settings: z.record(text, text),
  /** Ids of the snapshots this one builds on, from the full on, oldest first; empty for a full. */
  chain: z.array(snapshotId).max(10_000),
  /** Whether the server chose the changed pages; then there is no `pages.map`. */
  serverSide: z.boolean().optional(),
  /** Files and bytes of the data directory and the tablespaces as they are after restoring. */
  files: count,
  bytes: count,
  /** Pages stored in `INCREMENTAL.` files. */
  pagesChanged: count.optional(),
});

export type BaseManifest = Readonly<z.infer<typeof schema>>;

const largestManifest = 64 * 1024 * 1024;

/** The bytes of `base.json`. */
export function encodeBaseManifest(manifest: BaseManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8');
}

/** Reads `base.json` from a snapshot. Throws `damaged` when it is none. */
export async function readBaseManifest(name: string, bytes: AsyncIterable<Uint8Array>): Promise<BaseManifest> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > largestManifest) throw new HoldfastError('damaged', { object: name, reason: 'it is far larger than a manifest' });
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new HoldfastError('damaged', { object: name, reason: 'it is not JSON' }, error);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HoldfastError(
    'damaged',
    { object: name, reason: `it does not describe a base backup (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})` },
    parsed.error,
  );
}
