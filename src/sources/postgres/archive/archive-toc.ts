/**
 * The head and the table of contents of pg_dump's archives, versions 1.12 to 1.16 (PostgreSQL 9.0 to 18): of the custom format, and of
 * toc.dat in the directory format. Facts from PostgreSQL's pg_backup_archiver.c, pg_backup_custom.c and pg_backup_directory.c.
 */
import { ArchiveCursor } from './archive-cursor.ts';

export interface ArchiveHead {
  /** `1 * 256 + 14` for 1.14. */
  readonly version: number;
  readonly intSize: number;
  readonly offsetSize: number;
  readonly entryCount: number;
  readonly format: ArchiveFormat;
  /** Of the machine that dumped, in its zone; undefined where it is no date. */
  readonly created: Date | undefined;
  readonly database: string;
  readonly serverVersion: string;
  readonly dumpVersion: string;
}

export type ArchiveFormat = 'custom' | 'directory';

export interface ArchiveEntry {
  readonly id: number;
  /** A block of data for this entry follows the table of contents, or lies in a file. */
  readonly hasData: boolean;
  /** In the directory format, the file with its data. */
  readonly file: string | undefined;
  /** `TABLE`, `TABLE DATA`, `INDEX`, … */
  readonly kind: string;
  /** The object's name, for some kinds with its table's before it. */
  readonly tag: string;
  readonly schema: string;
  readonly owner: string;
  readonly dependsOn: readonly number[];
}

/** What makes bytes no archive at all. Callers put it into a HoldfastError. */
export class ArchiveFormatError extends Error {
  override readonly name = 'ArchiveFormatError';
}

const version = (major: number, minor: number): number => major * 256 + minor;
/* The directory format passes for a tar here: pg_restore can read the table of contents of both alike. */
const formats = new Map<number, ArchiveFormat>([
  [1, 'custom'],
  [3, 'directory'],
]);

/** The head and its length in bytes, or undefined when more bytes are needed. Throws ArchiveFormatError. */
export function parseHead(bytes: Buffer): { readonly head: ArchiveHead; readonly length: number } | undefined {
  const magic = Buffer.from('PGDMP');
  if (!magic.subarray(0, bytes.length).equals(bytes.subarray(0, magic.length)))
    throw new ArchiveFormatError('it does not begin with PGDMP');
  const cursor = new ArchiveCursor(bytes, 4);
  cursor.skip(magic.length);
  const found = version(cursor.byte(), cursor.byte());
  cursor.skip(1);
  const intSize = cursor.byte();
  const offsetSize = cursor.byte();
  const format = formats.get(cursor.byte());
  if (cursor.short) return undefined;
  if (found < version(1, 12) || found > version(1, 16))
    throw new ArchiveFormatError(`its format is version ${found >> 8}.${found & 255}, which is not known`);
  if (intSize < 4 || intSize > 6 || offsetSize < 4 || offsetSize > 8 || format === undefined)
    throw new ArchiveFormatError('its head is not that of an archive');
  cursor.intSize = intSize;
  if (found >= version(1, 15)) cursor.skip(1);
  else cursor.int();
  const [second, minute, hour, day, month, year] = [cursor.int(), cursor.int(), cursor.int(), cursor.int(), cursor.int(), cursor.int()];
  /* Whether it was summer time. */
  cursor.int();
  const [database = '', serverVersion = '', dumpVersion = ''] = [cursor.string(), cursor.string(), cursor.string()];
  const entryCount = cursor.int();
  if (cursor.short) return undefined;
  if (entryCount < 0) throw new ArchiveFormatError('its number of entries is negative');
  const time = new Date(year + 1900, month, day, hour, minute, second);
  const created = Number.isNaN(time.getTime()) ? undefined : time;
  return {
    head: { version: found, intSize, offsetSize, entryCount, format, created, database, serverVersion, dumpVersion },
    length: cursor.at,
  };
}

/** The entry at `from` and where the next begins, or undefined when more bytes are needed. Throws ArchiveFormatError. */
export function parseEntry(
  bytes: Buffer,
  from: number,
  head: ArchiveHead,
): { readonly entry: ArchiveEntry; readonly next: number } | undefined {
  const cursor = new ArchiveCursor(bytes, head.intSize);
  cursor.skip(from);
  const id = cursor.int();
  const hasData = cursor.int() !== 0;
  cursor.string();
  cursor.string();
  const tag = cursor.string() ?? '';
  const kind = cursor.string() ?? '';
  cursor.int();
  /* The statements that make, drop and fill it. */
  for (let field = 0; field < 3; field += 1) cursor.string();
  const schema = cursor.string() ?? '';
  cursor.string();
  if (head.version >= version(1, 14)) cursor.string();
  if (head.version >= version(1, 16)) cursor.int();
  const owner = cursor.string() ?? '';
  cursor.string();
  const dependsOn: number[] = [];
  for (let text = cursor.string(); text !== undefined; text = cursor.string()) dependsOn.push(Number(text));
  const file = head.format === 'directory' ? cursor.string() : undefined;
  if (head.format === 'custom') cursor.skip(1 + head.offsetSize);
  if (cursor.short) return undefined;
  if (id <= 0) throw new ArchiveFormatError('an entry has no number');
  return { entry: { id, hasData, file: file === '' ? undefined : file, kind, tag, schema, owner, dependsOn }, next: cursor.at };
}

/** All entries of toc.dat, which must be nothing else and nothing less. Throws ArchiveFormatError. */
export function parseContents(bytes: Buffer): readonly ArchiveEntry[] {
  if (bytes.length === 0) throw new ArchiveFormatError('it is empty');
  const parsed = parseHead(bytes);
  if (parsed === undefined) throw new ArchiveFormatError('it ends within its head');
  if (parsed.head.format !== 'directory') throw new ArchiveFormatError('its head is not that of the directory format');
  const entries: ArchiveEntry[] = [];
  let at = parsed.length;
  while (entries.length < parsed.head.entryCount) {
    const next = parseEntry(bytes, at, parsed.head);
    if (next === undefined) throw new ArchiveFormatError('it ends within its table of contents');
    entries.push(next.entry);
    at = next.next;
  }
  if (at !== bytes.length) throw new ArchiveFormatError('bytes come after its end');
  return entries;
}
