/** Captures databases as streams: of each its dump, the roles, and the manifest. */
import { HoldfastError } from '../../errors.ts';
import type { CaptureContext, StreamEntry } from '../source.ts';
import type { ArchiveEntry } from './archive/archive-toc.ts';
import { type TableCount, countLargeObjects, countRows, qualifiedName } from './counts.ts';
import { type DumpRequest, dumpArchive, dumpScript, listContents } from './dump.ts';
import { type DumpedDirectory, dumpToDirectory } from './dump-directory.ts';
import { type DumpOptions, holdsLargeObjects } from './dump-options.ts';
import { type ExportedSnapshot, exportSnapshot } from './exported-snapshot.ts';
import { placeOf, titleOf } from './login.ts';
import { type PostgresManifest, encodeManifest } from './manifest.ts';
import { type SavedRoles, saveRoles } from './roles.ts';
import { readPositionsSoftly, spansOf, type SequencePosition, type SequenceSpan } from './sequences.ts';
import { type PostgresServer, type PostgresTool, withSession } from './server.ts';
import { type ServerVersion, readDatabaseProperties, readExtensions, readServerVersion } from './server-facts.ts';
import { databaseFolder, dumpNames } from './tree-layout.ts';

export interface CaptureRequest {
  readonly server: PostgresServer;
  /** The server's own database when undefined. */
  readonly databases: 'all' | readonly string[] | undefined;
  readonly options: DumpOptions;
  readonly roles: boolean;
  readonly context: CaptureContext;
}

interface Counted {
  readonly tables: TableCount[];
  readonly largeObjects: number;
}

/** The entries of a capture; each is read to its end before the next is asked for. Throws the catalogue's PostgreSQL errors. */
export async function* captureDatabases(request: CaptureRequest): AsyncGenerator<StreamEntry, void, undefined> {
  const { server, databases } = request;
  const names = databases === 'all' ? await listDatabases(server) : (databases ?? [server.login.database]);
  /* They belong to the server: what is read with the first database is kept beside each. */
  let roles: Promise<SavedRoles> | undefined;
  const readRoles = (tool: PostgresTool): Promise<SavedRoles> => (roles ??= tellRoles(request, tool));
  for (const name of names) yield* captureOne({ ...request, server: server.withDatabase(name) }, readRoles);
}

/** Every database of the server that is no template and takes connections. */
function listDatabases(server: PostgresServer): Promise<string[]> {
  return withSession(server, async (session) => {
    const found = await session.query<{ name: string }>(
      'SELECT datname::text AS name FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1',
    );
    return found.map(({ name }) => name);
  });
}

async function* captureOne(
  request: CaptureRequest,
  readRoles: (tool: PostgresTool) => Promise<SavedRoles>,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { server, options, context } = request;
  const snapshot = await exportSnapshot(server);
  try {
    const version = await readServerVersion(snapshot.session);
    const tools = await findDumpTools(server, version);
    const described = await describeDatabase(snapshot, version, tools.dump, options);
    const folder = databaseFolder(server.login.database);
    const modified = snapshot.takenAt;
    const positions = await readPositionsSoftly(snapshot.session);
    let dumped: readonly ArchiveEntry[] = [];
    let counting: Promise<Counted> | undefined;
    const beginCounting = (entries: readonly ArchiveEntry[]): void => {
      dumped = entries;
      counting ??= countAll(snapshot, options, entries);
      /* A failure is thrown where the counts are used; until then it must not end the process. */
      counting.catch(() => {});
    };
    const dump = { server, tool: tools.dump, snapshot: snapshot.id, options, signal: context.signal };
    context.events({ type: 'phase', phase: `dump ${titleOf(server.login)}` });
    for await (const { path, open } of dumpEntries(dump, beginCounting)) yield { path: `${folder}/${path}`, modified, open };
    if (request.roles) {
      const roles = await readRoles(tools.dumpAll);
      if ('sql' in roles) yield { path: `${folder}/roles.sql`, modified, open: () => once(roles.sql) };
    }
    if (counting === undefined) throw new HoldfastError('internal', { reason: 'a dump was not read' });
    const counted = await counting;
    const sequences = positions && (await readSpans(snapshot, positions, dumped));
    const manifest = { ...described, ...counted, ...(sequences === undefined ? {} : { sequences }) };
    yield { path: `${folder}/manifest.json`, modified, open: () => once(encodeManifest(manifest)) };
  } finally {
    await snapshot.release();
  }
}

type DumpEntry = Pick<StreamEntry, 'path' | 'open'>;

/** The dump in its format. Counting begins once pg_dump holds the snapshot and has told what it will dump. */
async function* dumpEntries(
  dump: DumpRequest,
  onContents: (entries: readonly ArchiveEntry[]) => void,
): AsyncGenerator<DumpEntry, void, undefined> {
  const { format = 'custom' } = dump.options;
  if (format === 'custom') {
    yield { path: dumpNames.custom, open: () => dumpArchive(dump, onContents) };
  } else if (format === 'plain') {
    onContents(await listContents(dump));
    yield { path: dumpNames.plain, open: () => dumpScript(dump) };
  } else {
    let directory: DumpedDirectory | undefined;
    try {
      directory = await dumpToDirectory(dump);
      onContents(directory.entries);
      for (const name of directory.files) {
        const found = directory;
        yield { path: `${dumpNames.directory}/${name}`, open: () => found.read(name) };
      }
    } finally {
      await directory?.remove();
    }
  }
}

async function tellRoles({ server, context }: CaptureRequest, tool: PostgresTool): Promise<SavedRoles> {
  const roles = await saveRoles(server, tool, context.signal);
  const notice = (message: string): void => context.events({ type: 'notice', message });
  if ('refused' in roles) notice(`The server's roles are not in this backup: ${roles.refused}.`);
  else if (!roles.withPasswords)
    notice(`The server's roles are saved without their passwords: user "${server.login.user}" may not read them.`);
  return roles;
}

/** The programs a capture needs, fit for the server. Throws `postgres-tools-missing`, `postgres-tools-old`. */
export async function findDumpTools(
  server: PostgresServer,
  version: ServerVersion,
): Promise<{ readonly dump: PostgresTool; readonly dumpAll: PostgresTool }> {
  const need = { title: `the server ${placeOf(server.login)}`, serverVersion: version.version, major: version.major };
  return { dump: await server.findTool('pg_dump', need), dumpAll: await server.findTool('pg_dumpall', need) };
}

async function describeDatabase(
  snapshot: ExportedSnapshot,
  version: ServerVersion,
  tool: PostgresTool,
  options: DumpOptions,
): Promise<Omit<PostgresManifest, 'tables' | 'largeObjects' | 'sequences'>> {
  const [current] = await snapshot.session.query<{ name: string }>('SELECT current_database()::text AS name');
  const { tables, schemas, excludeTables, only, format = 'custom' } = options;
  const list = (names: readonly string[] | undefined): string[] | undefined => (names === undefined ? undefined : [...names]);
  return {
    format: 1,
    database: current?.name ?? '',
    properties: await readDatabaseProperties(snapshot.session, version),
    server: version,
    tools: { pg_dump: tool.version, pg_dump_major: tool.major },
    dump: { format, tables: list(tables), schemas: list(schemas), excludeTables: list(excludeTables), only },
    databaseSize: snapshot.databaseSize,
    lsn: snapshot.lsn,
    takenAt: snapshot.takenAt.toISOString(),
    extensions: await readExtensions(snapshot.session),
  };
}

async function countAll({ session }: ExportedSnapshot, options: DumpOptions, entries: readonly ArchiveEntry[]): Promise<Counted> {
  const dumped = new Set(
    entries.filter(({ kind }) => kind === 'TABLE DATA').map(({ schema, tag }) => qualifiedName({ schema, name: tag })),
  );
  return {
    tables: dumped.size === 0 ? [] : await countRows(session, (table) => dumped.has(qualifiedName(table))),
    largeObjects: holdsLargeObjects(options) ? await countLargeObjects(session) : 0,
  };
}

/** After the dump was read to its end. Of the sequences only those whose position it holds. */
async function readSpans(
  { session }: ExportedSnapshot,
  before: readonly SequencePosition[],
  entries: readonly ArchiveEntry[],
): Promise<SequenceSpan[] | undefined> {
  const after = await readPositionsSoftly(session);
  if (after === undefined) return undefined;
  const held = new Set(entries.flatMap(({ kind, schema, tag }) => (kind === 'SEQUENCE SET' ? [qualifiedName({ schema, name: tag })] : [])));
  return spansOf(before, after).filter((sequence) => held.has(qualifiedName(sequence)));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
