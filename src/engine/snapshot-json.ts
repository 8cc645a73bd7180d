/**
 * Snapshots as JSON, in restic's order of fields. A snapshot is named by the SHA-256 of its sealed file, so the bytes need not be
 * equal to restic's, only readable by it; they are all the same, which keeps the two comparable.
 */
import { HoldfastError, reasonOf } from '../errors.ts';
import { readId, readInteger, readObject, readString, readStrings, type JsonObject } from '../util/wire.ts';
import { goJson } from './tree/go-strings.ts';
import { isTime } from './tree/time.ts';

/** A snapshot's file has some hundred bytes and its excludes; a larger one is not decoded. */
const largestSnapshot = 64 * 1024 * 1024;

/** What a backup did, as restic records it. Times are RFC 3339, `data_*` and `total_bytes_processed` bytes. */
export interface SnapshotSummary {
  readonly backup_start: string;
  readonly backup_end: string;
  readonly files_new: number;
  readonly files_changed: number;
  readonly files_unmodified: number;
  readonly dirs_new: number;
  readonly dirs_changed: number;
  readonly dirs_unmodified: number;
  readonly data_blobs: number;
  readonly tree_blobs: number;
  readonly data_added: number;
  readonly data_added_packed: number;
  readonly total_files_processed: number;
  readonly total_bytes_processed: number;
}

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
  try {
    return readSnapshot(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)));
  } catch (cause) {
    throw new HoldfastError('damaged', { object, reason: reasonOf(cause) }, cause);
  }
}

/** null, empty and 0 say the same as a field that is not there. */
function readSnapshot(json: unknown): Snapshot {
  const wire = readObject(json, 'the snapshot');
  const excludes = readTexts(wire, 'excludes');
  const tags = readTexts(wire, 'tags');
  const uid = readInteger(wire['uid'] ?? 0, 'uid', 0, 0xffff_ffff);
  const gid = readInteger(wire['gid'] ?? 0, 'gid', 0, 0xffff_ffff);
  return {
    time: readTime(wire['time'], 'time'),
    ...(wire['parent'] ? { parent: readId(wire['parent'], 'parent') } : {}),
    tree: readId(wire['tree'], 'tree'),
    paths: readTexts(wire, 'paths'),
    ...readOptionalText(wire, 'hostname'),
    ...readOptionalText(wire, 'username'),
    ...(uid ? { uid } : {}),
    ...(gid ? { gid } : {}),
    ...(excludes.length > 0 ? { excludes } : {}),
    ...(tags.length > 0 ? { tags } : {}),
    ...(wire['original'] ? { original: readId(wire['original'], 'original') } : {}),
    ...readOptionalText(wire, 'program_version'),
    ...(wire['summary'] ? { summary: readSummary(wire['summary']) } : {}),
  };
}

function readSummary(json: unknown): SnapshotSummary {
  const wire = readObject(json, 'summary');
  const count = (name: string): number => readInteger(wire[name] ?? 0, `summary.${name}`);
  return {
    backup_start: readTime(wire['backup_start'], 'summary.backup_start'),
    backup_end: readTime(wire['backup_end'], 'summary.backup_end'),
    files_new: count('files_new'),
    files_changed: count('files_changed'),
    files_unmodified: count('files_unmodified'),
    dirs_new: count('dirs_new'),
    dirs_changed: count('dirs_changed'),
    dirs_unmodified: count('dirs_unmodified'),
    data_blobs: count('data_blobs'),
    tree_blobs: count('tree_blobs'),
    data_added: count('data_added'),
    data_added_packed: count('data_added_packed'),
    total_files_processed: count('total_files_processed'),
    total_bytes_processed: count('total_bytes_processed'),
  };
}

function readTime(value: unknown, what: string): string {
  const time = readString(value, what);
  if (!isTime(time)) throw new Error(`${what} is not an RFC 3339 time`);
  return time;
}

/** A half of a surrogate pair becomes U+FFFD, as in Go. */
function readTexts(wire: JsonObject, name: string): string[] {
  return readStrings(wire[name], name).map((text) => text.toWellFormed());
}

function readOptionalText<Name extends string>(wire: JsonObject, name: Name): { readonly [key in Name]?: string } {
  const value = wire[name];
  if (value === undefined || value === '') return {};
  // A computed key widens to string; the name is the one that was asked for.
  return { [name]: readString(value, name).toWellFormed() } as { readonly [key in Name]?: string };
}

function encodeSummary(summary: SnapshotSummary): string {
  // The caller's order may be another than restic's.
  const fields = Object.entries(readSummary(summary)).map(
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
