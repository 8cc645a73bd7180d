/** Restores a captured database and compares it with its manifest. */
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { ArchiveReader } from './archive/archive-reader.ts';
import { type ArchiveEntry, ArchiveFormatError } from './archive/archive-toc.ts';
import { type Comparison, compareRows, requireMatch } from './compare-rows.ts';
import { type Environment, type PostgresConnection, titleOf } from './connection.ts';
import { restoreDatabaseProperties } from './database-properties.ts';
import { type PostgresTool, findTool } from './find-tools.ts';
import { type PostgresManifest, readManifest } from './manifest.ts';
import { checkExisting } from './restore-existing.ts';
import { type PostgresRestoreRequest, checkRequest } from './restore-request.ts';
import { createDatabase, databaseExists, dropDatabase, openMaintenance, swapDatabases, temporaryName } from './restore-target.ts';
import { createMissingRoles } from './roles.ts';
import { runPgRestore } from './run-pg-restore.ts';
import { type EntrySelection, selectEntries } from './select-entries.ts';
import { readServerVersion } from './server-facts.ts';
import type { PostgresSession } from './session.ts';
import { type CapturedDatabase, findCapturedDatabase } from './tree-layout.ts';

export interface RestoreJob {
  readonly connection: PostgresConnection;
  readonly environment: Environment;
  readonly toolsFolder: string | undefined;
  readonly from: CapturedTree;
  readonly request: PostgresRestoreRequest;
  readonly context: CaptureContext;
}

/** What was found in the snapshot and on the server before anything is changed. */
interface Prepared {
  readonly job: RestoreJob;
  readonly captured: CapturedDatabase;
  readonly manifest: PostgresManifest;
  readonly database: string;
  readonly tool: PostgresTool;
  readonly maintenance: PostgresSession;
}

/**
 * Restores. A database that was there is changed in one transaction or replaced only by one that was restored and compared, so
 * that a failed restore leaves it as it was; one that was created is taken away again. Facts: `database`, `tables`, `rows`,
 * `mismatches` (0) and `roles` (created). Throws `postgres-restore-permission` where the user may not do what is needed.
 */
export async function restoreDatabase(job: RestoreJob): Promise<RestoreOutcome> {
  checkRequest(job.request);
  try {
    return await restoreAndCompare(job);
  } catch (error) {
    // What a session or a tool reports does not say what it was for, and the way out is another than for a backup.
    if (isError(error, 'postgres-permission')) throw new HoldfastError('postgres-restore-permission', error.details, error.cause);
    throw error;
  }
}

async function restoreAndCompare(job: RestoreJob): Promise<RestoreOutcome> {
  const captured = await findCapturedDatabase(job.from, job.connection.database);
  const manifest = await readManifest(captured.manifest, job.from.read(captured.manifest));
  const database = job.request.into ?? manifest.database;
  const maintenance = await openMaintenance(job.connection, database);
  try {
    const prepared: Prepared = { job, captured, manifest, database, maintenance, tool: await findPgRestore(job, manifest, maintenance) };
    const exists = await databaseExists(maintenance, database);
    const roles = await restoreRoles(prepared);
    const comparison =
      exists && job.request.recreate !== true ? await restoreIntoExisting(prepared) : await restoreIntoNew(prepared, exists);
    return { facts: { database, tables: comparison.tables, rows: comparison.rows, mismatches: comparison.mismatches.length, roles } };
  } finally {
    await maintenance.close();
  }
}

async function findPgRestore(job: RestoreJob, manifest: PostgresManifest, maintenance: PostgresSession): Promise<PostgresTool> {
  const server = await readServerVersion(maintenance);
  const dumpIsNewer = manifest.tools.pg_dump_major > server.major;
  const need = dumpIsNewer
    ? { title: `a dump of database ${manifest.database}`, serverVersion: manifest.tools.pg_dump, major: manifest.tools.pg_dump_major }
    : { title: titleOf(job.connection), serverVersion: server.version, major: server.major };
  return findTool('pg_restore', need, {
    environment: job.environment,
    ...(job.toolsFolder === undefined ? {} : { folder: job.toolsFolder }),
  });
}

async function restoreRoles({ job, captured, maintenance }: Prepared): Promise<number> {
  if (job.request.roles !== true) return 0;
  if (captured.roles === undefined)
    throw new HoldfastError('postgres-capture-missing', {
      reason: 'this point holds no roles (whoever made it may not have been allowed to read them)',
    });
  const chunks: Uint8Array[] = [];
  for await (const chunk of job.from.read(captured.roles)) chunks.push(chunk);
  const created = await createMissingRoles(maintenance, Buffer.concat(chunks).toString('utf8'));
  if (created.length > 0) job.context.events({ type: 'notice', message: `Roles created: ${created.join(', ')}.` });
  return created.length;
}

/** Into a database of its own, which takes its name only once it has been compared. */
async function restoreIntoNew(prepared: Prepared, replaces: boolean): Promise<Comparison> {
  const { job, manifest, database, maintenance } = prepared;
  if (job.request.dataOnly === true)
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: 'it is not there, and data only needs its tables',
      remedy: 'Restore it first with --schema-only, or leave --data-only out',
    });
  const selection = await chooseEntries(prepared, { withGround: true });
  const name = replaces ? temporaryName() : database;
  const withRoles = job.request.noOwner !== true;
  await createDatabase(maintenance, name, manifest.properties, { owner: withRoles });
  try {
    const target = { ...job.connection, database: name };
    await fill(prepared, target, selection, []);
    const comparison = await compare(prepared, target, selection);
    requireMatch(database, comparison);
    await restoreDatabaseProperties(target, manifest.properties, { privileges: withRoles, events: job.context.events });
    if (replaces) await swapDatabases(maintenance, database, name);
    return comparison;
  } catch (error) {
    await dropDatabase(maintenance, name).catch((failure: unknown) => {
      job.context.events({ type: 'notice', message: `The half-restored database "${name}" could not be dropped: ${reasonOf(failure)}.` });
    });
    throw error;
  }
}

/** Into a database that is there, in one transaction. */
async function restoreIntoExisting(prepared: Prepared): Promise<Comparison> {
  const { job, database } = prepared;
  const { request } = job;
  const target = { ...job.connection, database };
  const selection = await chooseEntries(prepared, { withGround: false });
  const superuser = await checkExisting(target, {
    request,
    relations: selection?.relations,
    tables: selection?.tables ?? prepared.manifest.tables,
  });
  const options = ['--single-transaction'];
  if (request.clean === true) options.push('--clean', '--if-exists');
  /* Rows of one snapshot fit each other, but not in every order. Only a superuser may leave the foreign keys out meanwhile. */
  if (request.dataOnly === true && superuser) options.push('--disable-triggers');
  await fill(prepared, target, selection, options);
  const comparison = await compare(prepared, target, selection);
  requireMatch(database, comparison);
  return comparison;
}

async function chooseEntries({ job, captured }: Prepared, options: { readonly withGround: boolean }): Promise<EntrySelection | undefined> {
  const { tables, schemaOnly } = job.request;
  if (tables === undefined) return undefined;
  const selection = selectEntries(await readContents(captured.dump, job.from.read(captured.dump)), tables, options);
  if (schemaOnly !== true && selection.foreignKeysLeftOut.length > 0) {
    job.context.events({
      type: 'notice',
      message: `Foreign keys to tables that were not chosen are left out: ${selection.foreignKeysLeftOut.join(', ')}.`,
    });
  }
  return selection;
}

async function readContents(path: string, archive: AsyncIterable<Uint8Array>): Promise<readonly ArchiveEntry[]> {
  const reader = new ArchiveReader();
  try {
    for await (const chunk of archive) {
      reader.push(chunk);
      if (reader.hasContents) return reader.entries;
    }
    reader.finish();
  } catch (error) {
    if (error instanceof ArchiveFormatError) throw new HoldfastError('damaged', { object: path, reason: error.message }, error);
    throw error;
  }
  return reader.entries;
}

async function fill(
  { job, captured, database, tool }: Prepared,
  target: PostgresConnection,
  selection: EntrySelection | undefined,
  extra: readonly string[],
): Promise<void> {
  const { request, context } = job;
  const options = [...extra];
  if (request.schemaOnly === true) options.push('--schema-only');
  if (request.dataOnly === true) options.push('--data-only');
  if (request.noOwner === true) options.push('--no-owner', '--no-privileges');
  context.events({ type: 'phase', phase: `restore database ${database}` });
  await runPgRestore({
    connection: target,
    database,
    environment: job.environment,
    tool,
    archive: job.from.read(captured.dump),
    options,
    ...(selection === undefined ? {} : { entries: selection.ids }),
    jobs: request.jobs ?? 1,
    signal: context.signal,
  });
}

async function compare(
  { job, manifest }: Prepared,
  target: PostgresConnection,
  selection: EntrySelection | undefined,
): Promise<Comparison> {
  if (job.request.schemaOnly === true) return { tables: 0, rows: 0, mismatches: [] };
  job.context.events({ type: 'phase', phase: 'compare row counts' });
  if (selection === undefined) {
    /* With clean, large objects that came later stay; they are nobody's mismatch. */
    return compareRows(target, { tables: manifest.tables, largeObjects: job.request.clean === true ? undefined : manifest.largeObjects });
  }
  const chosen = new Set(selection.tables.map(({ schema, name }) => JSON.stringify([schema, name])));
  return compareRows(target, {
    tables: manifest.tables.filter(({ schema, name }) => chosen.has(JSON.stringify([schema, name]))),
    largeObjects: undefined,
  });
}
