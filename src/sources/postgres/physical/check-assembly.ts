/** Compares an assembled data directory with what the server said that it sent, and makes its files durable. */
import type { FileHandle } from 'node:fs/promises';
import { HoldfastError } from '../../../errors.ts';
import type { EventSink } from '../../../events.ts';
import type { Assembly } from './assembly-folders.ts';
import { checkFiles, type FileToCheck } from './file-checker.ts';
import { openRegularFile } from './open-regular-file.ts';
import { type ManifestFile, readServerManifest, type ServerManifest } from './server-manifest.ts';
import { walkFolder } from './walk-folder.ts';
import { manifestName } from '../replication/base-backup.ts';

export interface CheckRequest {
  /** Where it has been made here, of files that were read for it: those need not be read again. */
  readonly made?: MadeManifest | undefined;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** A manifest, and the names of the files in it whose checksums were computed for it. */
export interface MadeManifest {
  readonly manifest: ServerManifest;
  readonly computed: ReadonlySet<string>;
}

interface ListedFile extends FileToCheck {
  readonly name: string;
  readonly expected: ManifestFile | undefined;
}

const mostNamed = 5;

/** Throws `base-mismatch`, `damaged` where the manifest itself is, `interrupted`. */
export async function checkAssembly(
  assembly: Assembly,
  { made, events, signal }: CheckRequest,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const [data] = assembly.folders;
  const target = data?.target ?? '';
  const manifest = made?.manifest ?? (await readAssembledManifest(assembly));
  const { files, problems } = await listFiles(assembly, manifest, made?.computed ?? new Set());
  const bytesTotal = [...manifest.files.values()].reduce((sum, { size }) => sum + size, 0);
  let itemsDone = 0;
  let bytesDone = 0;
  for await (const [{ name, expected: wanted, algorithm }, found] of checkFiles(files, target, signal)) {
    if (wanted === undefined) continue;
    itemsDone += 1;
    bytesDone += found.size;
    if (found.size !== wanted.size) problems.push(`${name} has ${found.size} bytes instead of ${wanted.size}`);
    else if (algorithm !== 'NONE' && found.checksum !== wanted.checksum)
      problems.push(`${name} has another checksum than the server computed`);
    events({ type: 'progress', phase: 'verify', itemsDone, itemsTotal: manifest.files.size, bytesDone, bytesTotal, current: name });
  }
  if (problems.length > 0) {
    const more = problems.length > mostNamed ? ` and ${problems.length - mostNamed} more` : '';
    throw new HoldfastError('base-mismatch', { path: target, reason: `${problems.slice(0, mostNamed).join('; ')}${more}` });
  }
  return { files: itemsDone, bytes: bytesDone };
}

/** Throws `damaged`, also where there is none. */
export async function readAssembledManifest({ folders }: Assembly): Promise<ServerManifest> {
  const file = await openRegularFile(`${folders[0]?.base ?? ''}/${manifestName}`, manifestName);
  try {
    return await readServerManifest(manifestName, pieces(file));
  } finally {
    await file.close();
  }
}

async function* pieces(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(256 * 1024) });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** All files there are, and what is there too much or too little. */
async function listFiles(
  assembly: Assembly,
  manifest: ServerManifest,
  computed: ReadonlySet<string>,
): Promise<{ files: ListedFile[]; problems: string[] }> {
  const files: ListedFile[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { base, name: prefix, oid } of assembly.folders) {
    for await (const { path, type } of walkFolder(base)) {
      const name = `${prefix}${path}`;
      if (type === 'folder' || (type === 'link' && oid === undefined && path.startsWith('pg_tblspc/'))) continue;
      const expected = manifest.files.get(name);
      if (type !== 'file') problems.push(`${name} is no regular file`);
      else if (expected === undefined && !isUnlisted(name)) problems.push(`${name} is not in the server's manifest`);
      else {
        seen.add(name);
        files.push({ path: `${base}/${path}`, name, expected, algorithm: computed.has(name) ? 'NONE' : (expected?.algorithm ?? 'NONE') });
      }
    }
  }
  for (const name of manifest.files.keys()) if (!seen.has(name)) problems.push(`${name} is missing`);
  return { files, problems };
}

/** Besides itself the manifest leaves out the WAL, which has checksums of its own. */
function isUnlisted(name: string): boolean {
  return name === manifestName || name.startsWith('pg_wal/');
}
