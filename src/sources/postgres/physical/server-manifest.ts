/** `backup_manifest`: the server's own list of what a base backup holds. Read to check what was put together, and written anew where the server made the increments. */
import { createHash, hash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../../../errors.ts';
import { decodePath, encodePath, hasEscapedBytes } from '../../../util/path-bytes.ts';

/** About a million files. */
const largestManifest = 512 * 1024 * 1024;

const hex = z.string().regex(/^(?:[0-9a-f]{2}){0,64}$/);

const fileSchema = z
  .object({
    'Path': z.string().max(4096).optional(),
    'Encoded-Path': z
      .string()
      .regex(/^(?:[0-9a-fA-F]{2}){1,4096}$/)
      .optional(),
    'Size': z.int().nonnegative(),
    'Last-Modified': z.string().max(100).optional(),
    'Checksum-Algorithm': z.enum(['CRC32C', 'SHA224', 'SHA256', 'SHA384', 'SHA512', 'NONE']).optional(),
    'Checksum': hex.optional(),
  })
  .refine((file) => (file.Path === undefined) !== (file['Encoded-Path'] === undefined), 'a file has no path');

const schema = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.int(),
  'Files': z.array(fileSchema).max(10_000_000),
  'WAL-Ranges': z.array(z.object({ 'Timeline': z.int(), 'Start-LSN': z.string().max(20), 'End-LSN': z.string().max(20) })).max(10_000),
  'Manifest-Checksum': hex,
});

export type ChecksumAlgorithm = 'CRC32C' | 'SHA224' | 'SHA256' | 'SHA384' | 'SHA512' | 'NONE';

export interface ManifestFile {
  readonly size: number;
  readonly algorithm: ChecksumAlgorithm;
  /** In hexadecimal; empty for NONE. */
  readonly checksum: string;
  /** As the server wrote it: `2026-11-21 10:00:00 GMT`. */
  readonly modified: string | undefined;
}

export interface ServerManifest {
  /** By path relative to the data directory; those of tablespaces as `pg_tblspc/<oid>/…`. Bytes that are not UTF-8 as in util/path-bytes.ts. */
  readonly files: ReadonlyMap<string, ManifestFile>;
  readonly version: number;
  /** From version 2 on. A 64-bit number, which JSON's readers would round. */
  readonly systemId: string | undefined;
  readonly walRanges: readonly { readonly timeline: number; readonly start: string; readonly end: string }[];
}

/** Reads a manifest and checks its own checksum. Throws `damaged`. */
export async function readServerManifest(name: string, bytes: AsyncIterable<Uint8Array>): Promise<ServerManifest> {
  const fail = (reason: string, cause?: unknown): HoldfastError => new HoldfastError('damaged', { object: name, reason }, cause);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > largestManifest) throw fail('it is far larger than a manifest');
    // Sources may use a buffer again.
    chunks.push(Uint8Array.from(chunk));
  }
  const all = Buffer.concat(chunks);
  let json: unknown;
  try {
    json = JSON.parse(all.toString('utf8'));
  } catch (error) {
    throw fail('it is not JSON', error);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail(`it is not a manifest of PostgreSQL (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`, parsed.error);
  }
  const {
    'Files': files,
    'WAL-Ranges': ranges,
    'Manifest-Checksum': checksum,
    'PostgreSQL-Backup-Manifest-Version': version,
  } = parsed.data;
  const covered = all.lastIndexOf('\n"Manifest-Checksum"') + 1;
  if (covered === 0 || hash('sha256', all.subarray(0, covered), 'hex') !== checksum) throw fail('its checksum is wrong');
  return {
    version,
    systemId: /"System-Identifier"\s*:\s*([0-9]{1,20})/.exec(all.toString('latin1', 0, Math.min(all.length, 200)))?.[1],
    files: new Map(files.map((file) => describeFile(file, fail))),
    walRanges: ranges.map((range) => ({ timeline: range.Timeline, start: range['Start-LSN'], end: range['End-LSN'] })),
  };
}

function describeFile(file: z.infer<typeof fileSchema>, fail: (reason: string) => HoldfastError): [string, ManifestFile] {
  const path = file.Path ?? decodePath(Buffer.from(file['Encoded-Path'] ?? '', 'hex'));
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..') || path.includes('\0'))
    throw fail(`it names the path "${path.slice(0, 100)}"`);
  const checksum = file.Checksum ?? '';
  const algorithm = file['Checksum-Algorithm'] ?? 'NONE';
  if (algorithm !== 'NONE' && checksum === '') throw fail(`it has no checksum for ${path}`);
  return [path, { size: file.Size, algorithm, checksum, modified: file['Last-Modified'] }];
}

/** The text of a manifest, with its checksum, in the order of the map. */
export function* encodeServerManifest({ version, systemId, files, walRanges }: ServerManifest): Generator<Buffer, void, undefined> {
  const sum = createHash('sha256');
  const hashed = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'utf8');
    sum.update(bytes);
    return bytes;
  };
  const id = systemId === undefined ? '' : `"System-Identifier": ${systemId},\n`;
  yield hashed(`{ "PostgreSQL-Backup-Manifest-Version": ${version},\n${id}"Files": [`);
  let separator = '\n';
  for (const [path, file] of files) {
    yield hashed(`${separator}${encodeFile(path, file)}`);
    separator = ',\n';
  }
  const ranges = walRanges.map(
    ({ timeline, start, end }) => `{ "Timeline": ${timeline}, "Start-LSN": ${JSON.stringify(start)}, "End-LSN": ${JSON.stringify(end)} }`,
  );
  yield hashed(`\n],\n"WAL-Ranges": [\n${ranges.join(',\n')}\n],\n`);
  yield Buffer.from(`"Manifest-Checksum": "${sum.digest('hex')}"}\n`);
}

function encodeFile(path: string, { size, algorithm, checksum, modified }: ManifestFile): string {
  const name = hasEscapedBytes(path) ? `"Encoded-Path": "${encodePath(path).toString('hex')}"` : `"Path": ${JSON.stringify(path)}`;
  const time = modified === undefined ? '' : `, "Last-Modified": ${JSON.stringify(modified)}`;
  const sum = algorithm === 'NONE' ? '' : `, "Checksum-Algorithm": "${algorithm}", "Checksum": "${checksum}"`;
  return `{ ${name}, "Size": ${size}${time}${sum} }`;
}
