/** Captures a database as three streams: the archive, the roles, the manifest. */
import type { CaptureContext, StreamEntry } from '../source.ts';
import type { Environment, PostgresConnection } from './connection.ts';
import { titleOf } from './connection.ts';
import { type TableCount, countLargeObjects, countRows } from './counts.ts';
import { dumpDatabase } from './dump.ts';
import { type ExportedSnapshot, exportSnapshot } from './exported-snapshot.ts';
import { type PostgresTool, findTool } from './find-tools.ts';
import { type PostgresManifest, encodeManifest } from './manifest.ts';
import { saveRoles } from './roles.ts';
import { type ServerVersion, readDatabaseProperties, readExtensions, readServerVersion } from './server-facts.ts';
import { databaseFolder } from './tree-layout.ts';

export interface CaptureRequest {
  readonly connection: PostgresConnection;
  readonly environment: Environment;
  /** Only this folder is searched for pg_dump and its like. */
  readonly toolsFolder: string | undefined;
  readonly context: CaptureContext;
}

interface Counted {
  readonly tables: TableCount[];
  readonly largeObjects: number;
}

/** The entries of a capture; each is read to its end before the next is asked for. Throws the catalogue's PostgreSQL errors. */
export async function* captureDatabase(request: CaptureRequest): AsyncGenerator<StreamEntry, void, undefined> {
  const { connection, environment, context } = request;
  const snapshot = await exportSnapshot(connection);
  try {
    const server = await readServerVersion(snapshot.session);
    const tools = await findTools(request, server);
    const described = await describeDatabase(snapshot, server, tools.dump);
    const folder = databaseFolder(connection.database);
    let counting: Promise<Counted> | undefined;
    const beginCounting = (): void => {
      counting ??= countAll(snapshot);
      /* A failure is thrown where the counts are used; until then it must not end the process. */
      counting.catch(() => {});
    };
    const dump = { connection, environment, tool: tools.dump, snapshot: snapshot.id, signal: context.signal, onBegun: beginCounting };
    context.events({ type: 'phase', phase: `dump ${titleOf(connection)}` });
    yield { path: `${folder}/database.dump`, modified: snapshot.takenAt, open: () => dumpDatabase(dump) };
    const roles = await saveRoles(connection, environment, tools.dumpAll, context.signal);
    if ('refused' in roles) context.events({ type: 'notice', message: `The server's roles are not in this backup: ${roles.refused}.` });
    else {
      if (!roles.withPasswords)
        context.events({
          type: 'notice',
          message: `The server's roles are saved without their passwords: user "${connection.user}" may not read them.`,
        });
      yield { path: `${folder}/roles.sql`, modified: snapshot.takenAt, open: () => once(roles.sql) };
    }
    const counted = await (counting ?? countAll(snapshot));
    yield { path: `${folder}/manifest.json`, modified: snapshot.takenAt, open: () => once(encodeManifest({ ...described, ...counted })) };
  } finally {
    await snapshot.release();
  }
}

/** The programs a capture needs, fit for the server. Throws `postgres-tools-missing`, `postgres-tools-old`. */
export async function findTools(
  request: Omit<CaptureRequest, 'context'>,
  server: ServerVersion,
): Promise<{ dump: PostgresTool; dumpAll: PostgresTool }> {
  const need = { title: titleOf(request.connection), serverVersion: server.version, major: server.major };
  const places = { environment: request.environment, ...(request.toolsFolder === undefined ? {} : { folder: request.toolsFolder }) };
  return { dump: await findTool('pg_dump', need, places), dumpAll: await findTool('pg_dumpall', need, places) };
}

async function describeDatabase(
  snapshot: ExportedSnapshot,
  server: ServerVersion,
  tool: PostgresTool,
): Promise<Omit<PostgresManifest, 'tables' | 'largeObjects'>> {
  const [current] = await snapshot.session.query<{ name: string }>('SELECT current_database() AS name');
  return {
    format: 1,
    database: current?.name ?? '',
    properties: await readDatabaseProperties(snapshot.session, server),
    server,
    tools: { pg_dump: tool.version, pg_dump_major: tool.major },
    databaseSize: snapshot.databaseSize,
    lsn: snapshot.lsn,
    takenAt: snapshot.takenAt.toISOString(),
    extensions: await readExtensions(snapshot.session),
  };
}

async function countAll(snapshot: ExportedSnapshot): Promise<Counted> {
  return { tables: await countRows(snapshot.session), largeObjects: await countLargeObjects(snapshot.session) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
