/**
 * Snapshots as JSON, in restic's order of fields. A snapshot is named by the SHA-256 of its sealed file, so the bytes need not be
 * equal to restic's, only readable by it; they are all the same, which keeps the two comparable.
 */
import * as z from 'zod';

import { HoldfastError, reasonOf } from '../errors.ts';
import { goJson } from './tree/go-strings.ts';
import { isTime } from './tree/time.ts';

/** A snapshot's file has some hundred bytes and its excludes; a larger one is not decoded. */
const largestSnapshot = 64 * 1024 * 1024;

const id = z.string().regex(/^[0-9a-f]{64}$/, 'is not an id of 64 hex digits');
const time = z.string().refine(isTime, 'is not an RFC 3339 time');
const uint32 = z.number().int().min(0).max(4_294_967_295);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0);
/** A half of a surrogate pair becomes U+FFFD, as in Go. */
const text = z.string().transform((value) => value.toWellFormed());
const texts = z.array(text).nullish();

/* What restic writes since 0.17. Unknown fields fall away, here as below. */
const summarySchema = z.object({
  backup_start: time,
  backup_end: time,
  files_new: count,
  files_changed: count,
  files_unmodified: count,
  dirs_new: count,
  dirs_changed: count,
  dirs_unmodified: count,
  data_blobs: count,
  tree_blobs: count,
  data_added: count,
  data_added_packed: count,
  total_files_processed: count,
  total_bytes_processed: count,
});

const snapshotSchema = z.object({
  time,
  parent: id.nullish(),
  tree: id,
  paths: texts,
  hostname: text.optional(),
  username: text.optional(),
  uid: uint32.optional(),
  gid: uint32.optional(),
  excludes: texts,
  tags: texts,
  original: id.nullish(),
  program_version: text.optional(),
  summary: summarySchema.nullish(),
});

/** What a backup did, as restic records it. Times are RFC 3339, `data_*` and `total_bytes_processed` bytes. */
export type SnapshotSummary = Readonly<z.output<typeof summarySchema>>;

export interface Snapshot {
  /** RFC 3339, kept as it was written: its offset says where "today" was. `parseTime` (tree/node.ts) reads it. */
  readonly time: string;
  readonly parent?: string;
  /** The root tree's blob. */
  readonly tree: string;
  /** The absolute paths that were backed up. A byte that is not UTF-8 does not survive here (the format has no room for it). */
  readonly paths: readonly string[];
  readonly hostname?: string;
  readonly username?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly excludes?: readonly string[];
  readonly tags?: readonly string[];
  /** The snapshot this one was made from by a change of its tags or by a copy. */
  readonly original?: string;
  readonly program_version?: string;
  readonly summary?: SnapshotSummary;
}

/** A snapshot's JSON, as it is then compressed and sealed. */
export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const fields = [`"time":${goJson(snapshot.time)}`];
  addString(fields, 'parent', snapshot.parent);
  fields.push(`"tree":${goJson(snapshot.tree)}`, `"paths":${encodeStrings(snapshot.paths)}`);
  addString(fields, 'hostname', snapshot.hostname);
  addString(fields, 'username', snapshot.username);
  if (snapshot.uid) fields.push(`"uid":${snapshot.uid}`);
  if (snapshot.gid) fields.push(`"gid":${snapshot.gid}`);
  addStrings(fields, 'excludes', snapshot.excludes);
  addStrings(fields, 'tags', snapshot.tags);
  addString(fields, 'original', snapshot.original);
  addString(fields, 'program_version', snapshot.program_version);
  if (snapshot.summary !== undefined) fields.push(`"summary":${encodeSummary(snapshot.summary)}`);
  return Buffer.from(`{${fields.join(',')}}`, 'utf8');
}

/**
 * A snapshot from the JSON in its file. Fields holdfast does not know are left out.
 *
 * @param object What to call it in an error: `snapshot 0f3a…`.
 * @throws HoldfastError `damaged` when this is not a snapshot.
 */
export function decodeSnapshot(bytes: Uint8Array, object = 'a snapshot'): Snapshot {
  if (bytes.length > largestSnapshot) throw new HoldfastError('damaged', { object, reason: `it has ${bytes.length} bytes` });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new HoldfastError('damaged', { object, reason: `it is not JSON (${reasonOf(cause)})` }, cause);
  }
  const parsed = snapshotSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new HoldfastError(
      'damaged',
      { object, reason: `its ${issue?.path.join('.') || 'JSON'} is wrong (${issue?.message ?? 'unknown'})` },
      parsed.error,
    );
  }
  return withoutEmpty(parsed.data);
}

/** null, empty and 0 say the same as a field that is not there. */
function withoutEmpty(data: z.output<typeof snapshotSchema>): Snapshot {
  return {
    time: data.time,
    ...(data.parent ? { parent: data.parent } : {}),
    tree: data.tree,
    paths: data.paths ?? [],
    ...(data.hostname ? { hostname: data.hostname } : {}),
    ...(data.username ? { username: data.username } : {}),
    ...(data.uid ? { uid: data.uid } : {}),
    ...(data.gid ? { gid: data.gid } : {}),
    ...(data.excludes?.length ? { excludes: data.excludes } : {}),
    ...(data.tags?.length ? { tags: data.tags } : {}),
    ...(data.original ? { original: data.original } : {}),
    ...(data.program_version ? { program_version: data.program_version } : {}),
    ...(data.summary ? { summary: data.summary } : {}),
  };
}

function encodeSummary(summary: SnapshotSummary): string {
  /* zod keeps the schema's order, the caller may not. */
  const fields = Object.entries(summarySchema.parse(summary)).map(
    ([name, value]) => `"${name}":${typeof value === 'string' ? goJson(value) : value}`,
  );
  return `{${fields.join(',')}}`;
}

function addString(fields: string[], name: string, value: string | undefined): void {
  if (value) fields.push(`"${name}":${goJson(value)}`);
}

function addStrings(fields: string[], name: string, values: readonly string[] | undefined): void {
  if (values !== undefined && values.length > 0) fields.push(`"${name}":${encodeStrings(values)}`);
}

function encodeStrings(values: readonly string[]): string {
  return `[${values.map(goJson).join(',')}]`;
}
