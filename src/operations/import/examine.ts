/** Reads a candidate to its end, to know what it is, of when, and that it is whole. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { ArchiveReader } from '../../sources/postgres/archive/archive-reader.ts';
import { ArchiveFormatError, parseContents, parseHead } from '../../sources/postgres/archive/archive-toc.ts';
import type { StreamEntry } from '../../sources/source.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { archiveEntries, directoryEntries, isDumpFile, isServersOwn, scriptEntries } from './dump-sources.ts';
import { readContents, type Candidate } from './find-candidates.ts';
import { refuseImport } from './import-failure.ts';
import type { ImportedDump } from './imported-manifest.ts';
import { openLayers, readStart } from './layers.ts';
import { takeInventory, type Inventory, type Member } from './member.ts';
import { memberEntries, placeMembers } from './member-sources.ts';
import { readScript, ScriptError, type ScriptFacts } from './read-script.ts';
import { readTar } from './read-tar.ts';
import { readZip } from './read-zip.ts';
import { scanDump } from './scan-dump.ts';
import type { Unsealing } from './unseal.ts';
import { withUnpacked } from './unpack-dump.ts';

export interface ExamineContext {
  readonly unseal: Unsealing;
  readonly environment: StorageEnvironment;
  readonly signal: AbortSignal;
  /** What it shall be taken for; by its content where absent. */
  readonly as?: 'postgres' | 'files';
}

export interface Examined {
  readonly kind: 'postgres' | 'files';
  /** `dump in custom format`, `tar of 12 files` */
  readonly what: string;
  /** Of the file itself; of a folder, of all that is in it. */
  readonly sha256: string;
  readonly bytes: number;
  /** What its content says about when it was made. */
  readonly made: Date | undefined;
  /** Files of a snapshot; and the folder that is its root, of files. */
  entries(about: {
    readonly component: string;
    readonly time: Date;
    readonly database: string | undefined;
    readonly configured: string | undefined;
  }): {
    readonly entries: AsyncIterable<StreamEntry>;
    readonly paths: readonly string[];
  };
}

/** Throws `import-unreadable` and whatever reading it throws. */
export async function examine(candidate: Candidate, context: ExamineContext): Promise<Examined> {
  if (candidate.shape === 'directory') return examineDirectory(candidate, context);
  const open = (onHash?: (sha256: string) => void): AsyncIterable<Uint8Array> =>
    openLayers({ ...candidate, ...context, ...(onHash === undefined ? {} : { onHash }) });
  const start = await readStart(open(), 4096);
  const isTar = start.length >= 512 && start.toString('latin1', 257, 262) === 'ustar';
  const isZip = start.length >= 4 && (start.readUInt32LE(0) === 0x04034b50 || start.readUInt32LE(0) === 0x06054b50);
  if (start.length === 0) refuseImport(candidate.path, 'it is empty');
  if (start.toString('latin1', 0, 5) === 'PGDMP' && context.as !== 'files') return examineArchive(candidate, open, context);
  if (isTar) return examineMembers(candidate, 'tar', (onHash) => readTar(candidate.path, open(onHash)), context);
  if (isZip && candidate.layers.length === 0) return examineMembers(candidate, 'zip', () => readZip(candidate.path), context);
  if (context.as === 'files') return examineFile(candidate, open);
  if (/\.zip$/i.test(candidate.inner))
    refuseImport(candidate.path, 'it is no zip, or an encrypted one around another file', 'Unpack it, and import the folder');
  return examineScript(candidate, open);
}

type Open = (onHash?: (sha256: string) => void) => AsyncIterable<Uint8Array>;
type FileCandidate = Extract<Candidate, { readonly shape: 'file' }>;

async function examineArchive({ path, inner }: FileCandidate, open: Open, { environment, signal }: ExamineContext): Promise<Examined> {
  let [sha256, bytes] = ['', 0];
  const reader = new ArchiveReader();
  const follow = async function* follow(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of open((hash) => (sha256 = hash))) {
      bytes += chunk.length;
      asFormatError(path, () => reader.push(chunk));
      yield chunk;
    }
    asFormatError(path, () => reader.finish());
  };
  const { head } = parseHead(await readStart(open(), 65_536)) ?? {};
  const facts = await scanDump({ path, dumpVersion: head?.dumpVersion ?? '', input: follow(), environment, signal });
  return {
    kind: 'postgres',
    what: `dump in custom format, ${describeTables(facts)}`,
    sha256,
    bytes,
    made: head?.created,
    entries: ({ time, database }) => {
      const dump: ImportedDump = { database: nameOf(database ?? head?.database, inner), format: 'custom', time, bytes, facts };
      return { entries: archiveEntries(dump, open), paths: ['/postgres'] };
    },
  };
}

interface DumpFolder extends Pick<Extract<Candidate, { readonly shape: 'directory' }>, 'path' | 'inner' | 'files'> {
  /** What it is called in messages, where it was unpacked from somewhere. */
  readonly shown?: string;
}

async function examineDirectory(
  { path, inner, files, shown = path }: DumpFolder,
  { environment, signal }: ExamineContext,
): Promise<Examined> {
  const contents = await readContents(path);
  const entries = asFormatError(shown, () => parseContents(contents));
  const missing = entries.find(({ file }) => file !== undefined && !files.includes(file) && !files.includes(`${file}.gz`));
  if (missing !== undefined) refuseImport(shown, `the data of ${missing.kind} ${missing.schema}.${missing.tag} is missing in it`);
  const { head } = asFormatError(shown, () => parseHead(contents)) ?? {};
  const facts = await scanDump({ path: shown, dumpVersion: head?.dumpVersion ?? '', input: path, environment, signal });
  const { sha256, bytes } = await hashFolder(path, files.filter(isDumpFile).toSorted());
  return {
    kind: 'postgres',
    what: `dump in directory format, ${describeTables(facts)}`,
    sha256,
    bytes,
    made: head?.created,
    entries: ({ time, database }) => {
      const dump: ImportedDump = { database: nameOf(database ?? head?.database, inner), format: 'directory', time, bytes, facts };
      return { entries: directoryEntries(dump, path, files), paths: ['/postgres'] };
    },
  };
}

async function examineScript({ path, inner }: FileCandidate, open: Open): Promise<Examined> {
  let [sha256, bytes] = ['', 0];
  const counted = async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of open((hash) => (sha256 = hash))) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const databases: ScriptFacts[] = [];
  let roles = false;
  try {
    for await (const part of readScript(counted())) {
      for await (const _ of part.lines);
      if (part.kind === 'roles') roles = true;
      else databases.push(part.facts());
    }
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    refuseImport(path, error.message, 'Import it as a file, if that is what it is: --as files', error);
  }
  // Read to its very end, so that its sum is known.
  if (sha256 === '') for await (const _ of open((hash) => (sha256 = hash)));
  const [first] = databases;
  const own = databases.filter(({ database, tables }) => tables.length > 0 || !isServersOwn(database ?? ''));
  return {
    kind: 'postgres',
    what: roles ? `SQL of pg_dumpall, ${own.length} databases` : `SQL of pg_dump, ${first === undefined ? '' : describeTables(first)}`,
    sha256,
    bytes,
    made: first?.started,
    entries: ({ time, database }) => {
      const dumps = databases.map((facts): ImportedDump => {
        const given = databases.length === 1 ? database : undefined;
        return { database: nameOf(given ?? facts.database, inner), format: 'plain', time, bytes, facts };
      });
      return { entries: scriptEntries({ roles, databases: dumps }, open), paths: ['/postgres'] };
    },
  };
}

async function examineMembers(
  candidate: FileCandidate,
  what: 'tar' | 'zip',
  read: (onHash?: (sha256: string) => void) => AsyncIterable<Member>,
  context: ExamineContext,
): Promise<Examined> {
  const { path, inner } = candidate;
  let sha256 = '';
  const inventory = await takeInventory(
    path,
    read((hash) => (sha256 = hash)),
  );
  if (sha256 === '') sha256 = await hashFile(path);
  const contents = [...inventory.names].find((name) => /^([^/]+\/)?toc\.dat$/.test(name));
  if (contents !== undefined && context.as !== 'files') return examinePacked(candidate, read, contents, sha256, context);
  if (inventory.files === 0) refuseImport(path, `it is a ${what} without files`);
  return { ...describeMembers(what, inventory), sha256, entries: (about) => openMembers(inner, inventory, read, about) };
}

function describeMembers(what: string, { files, bytes, newest }: Inventory): Pick<Examined, 'kind' | 'what' | 'bytes' | 'made'> {
  return { kind: 'files', what: `${what} of ${files} ${files === 1 ? 'file' : 'files'}`, bytes, made: newest };
}

function openMembers(
  inner: string,
  inventory: Inventory,
  read: () => AsyncIterable<Member>,
  { component, time, configured }: Parameters<Examined['entries']>[0],
): ReturnType<Examined['entries']> {
  const placement = placeMembers(component || inner, inventory, configured);
  return { entries: memberEntries(read(), inventory, placement, time), paths: [placement.root] };
}

/** A dump in tar format, or in directory format in a tar: pg_restore wants it in a folder. */
async function examinePacked(
  { path, inner }: FileCandidate,
  read: () => AsyncIterable<Member>,
  contents: string,
  sha256: string,
  context: ExamineContext,
): Promise<Examined> {
  const folder = contents.slice(0, -'toc.dat'.length);
  const found = await withUnpacked(read, folder, async (at, files) => {
    const { what, bytes, made } = await examineDirectory({ path: at, inner, files, shown: path }, context);
    return { what, bytes, made };
  });
  const unpacked: Examined['entries'] = (about) => ({
    paths: ['/postgres'],
    entries: (async function* unpackAgain() {
      yield* withUnpackedEntries(read, folder, inner, about, context);
    })(),
  });
  return { kind: 'postgres', ...found, sha256, entries: unpacked };
}

async function* withUnpackedEntries(
  read: () => AsyncIterable<Member>,
  folder: string,
  inner: string,
  about: Parameters<Examined['entries']>[0],
  context: ExamineContext,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { unpackDump } = await import('./unpack-dump.ts');
  const { path, files, remove } = await unpackDump(read, folder);
  try {
    yield* (await examineDirectory({ path, inner, files }, context)).entries(about).entries;
  } finally {
    await remove();
  }
}

async function examineFile({ inner, modified }: FileCandidate, open: Open): Promise<Examined> {
  let [sha256, bytes] = ['', 0];
  for await (const chunk of open((hash) => (sha256 = hash))) bytes += chunk.length;
  return {
    kind: 'files',
    what: 'a file',
    sha256,
    bytes,
    made: undefined,
    entries: ({ component }) => {
      const root = `/${component}`;
      const file: StreamEntry = { path: `${root}/${inner}`, modified, size: bytes, open };
      return { entries: listed([{ path: root, type: 'folder', modified, open }, file]), paths: [root] };
    },
  };
}

async function* listed(entries: readonly StreamEntry[]): AsyncGenerator<StreamEntry, void, undefined> {
  yield* entries;
}

function asFormatError<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ArchiveFormatError) return refuseImport(path, `it is no whole dump: ${error.message}`, undefined, error);
    throw error;
  }
}

function describeTables({ tables }: ScriptFacts): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `${tables.length} ${tables.length === 1 ? 'table' : 'tables'}, ${rows} ${rows === 1 ? 'row' : 'rows'}`;
}

/** A dump need not name its database: then its file does. */
function nameOf(database: string | undefined, inner: string): string {
  if (database !== undefined && database !== '') return database;
  return inner.replace(/\.\w+$/, '').replace(/[-_.]?\d.*$/, '') || 'database';
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function hashFolder(path: string, files: readonly string[]): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const name of files) {
    hash.update(`${name}\0`);
    for await (const chunk of createReadStream(join(path, name))) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  }
  return { sha256: hash.digest('hex'), bytes };
}
