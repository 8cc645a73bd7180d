/** Restores captured databases and compares each with its manifest. */
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { chooseEntries, fillDatabase } from './fill-database.ts';
import { type Comparison, compareRows, requireMatch } from './compare-rows.ts';
import { restoreDatabaseProperties } from './database-properties.ts';
import { titleOf } from './login.ts';
import { type PostgresManifest, readManifest } from './manifest.ts';
import { checkExisting } from './restore-existing.ts';
import { type PostgresRestoreRequest, checkRequest } from './restore-request.ts';
import { createDatabase, databaseExists, dropDatabase, openMaintenance, swapDatabases, temporaryName } from './restore-target.ts';
import { createMissingRoles } from './roles.ts';
import type { EntrySelection } from './select-entries.ts';
import type { PostgresServer, PostgresTool } from './server.ts';
import { readServerVersion } from './server-facts.ts';
import type { PostgresSession } from './session.ts';
import { type CapturedDatabase, chooseCapturedDatabases, findCapturedDatabase, listCapturedDatabases } from './tree-layout.ts';

export interface RestoreJob {
  readonly server: PostgresServer;
  readonly from: CapturedTree;
  readonly request: PostgresRestoreRequest;
  readonly context: CaptureContext;
}

/** What was found in the snapshot and on the server before anything is changed. */
export interface PreparedRestore {
  readonly job: RestoreJob;
  readonly captured: CapturedDatabase;
  readonly manifest: PostgresManifest;
  /** With what the dump itself leaves out: of a dump of rows only rows can come back. */
  readonly request: PostgresRestoreRequest;
  readonly database: string;
  readonly tool: PostgresTool;
  readonly maintenance: PostgresSession;
}

interface RestoredDatabase {
  readonly database: string;
  readonly comparison: Comparison;
  readonly roles: number;
}

/**
 * Restores. A database that was there is changed in one transaction or replaced only by one that was restored and compared, so
 * that a failed restore leaves it as it was; one that was created is taken away again. Of several databases, those before the one
 * that fails stay restored. Facts: `database`, `tables`, `rows`, `mismatches` (0) and `roles` (created), sums where there are several.
 * Throws `postgres-restore-permission` where the user may not do what is needed.
 */
export async function restoreDatabases(job: RestoreJob): Promise<RestoreOutcome> {
  checkRequest(job.request);
  try {
    const all = await listCapturedDatabases(job.from);
    const { databases } = job.request;
    const chosen =
      databases === undefined ? [findCapturedDatabase(all, job.server.login.database)] : chooseCapturedDatabases(all, databases);
    const restored: RestoredDatabase[] = [];
    for (const captured of chosen) restored.push(await restoreOne(job, captured));
    const sum = (of: (one: RestoredDatabase) => number): number => restored.reduce((total, one) => total + of(one), 0);
    return {
      facts: {
        database: restored.map(({ database }) => database).join(', '),
        tables: sum(({ comparison }) => comparison.tables),
        rows: sum(({ comparison }) => comparison.rows),
        mismatches: sum(({ comparison }) => comparison.mismatches.length),
        roles: sum(({ roles }) => roles),
      },
    };
  } catch (error) {
    // What a session or a tool reports does not say what it was for, and the way out is another than for a backup.
    if (isError(error, 'postgres-permission')) throw new HoldfastError('postgres-restore-permission', error.details, error.cause);
    throw error;
  }
}

async function restoreOne(job: RestoreJob, captured: CapturedDatabase): Promise<RestoredDatabase> {
  const manifest = await readManifest(captured.manifest, job.from.read(captured.manifest));
  const database = job.request.into ?? manifest.database;
  const request = narrow(job.request, manifest, database);
  const maintenance = await openMaintenance(job.server, database);
  try {
    const tool = await findRestoreTool(job.server, manifest, maintenance);
    const prepared: PreparedRestore = { job, captured, manifest, request, database, maintenance, tool };
    const exists = await databaseExists(maintenance, database);
    const roles = await restoreRoles(prepared);
    const comparison = exists && request.recreate !== true ? await restoreIntoExisting(prepared) : await restoreIntoNew(prepared, exists);
    return { database, comparison, roles };
  } finally {
    await maintenance.close();
  }
}

/** What a dump does not hold cannot be asked of it. Throws `postgres-restore-refused`. */
function narrow(request: PostgresRestoreRequest, { dump }: PostgresManifest, database: string): PostgresRestoreRequest {
  const refuse = (reason: string, remedy: string): never => {
    throw new HoldfastError('postgres-restore-refused', { database, reason, remedy });
  };
  if (dump.only === 'data' && (request.schemaOnly === true || request.clean === true || request.recreate === true))
    refuse('the backup holds only rows', 'Restore into tables that are there and empty, with --data-only');
  if (dump.only === 'schema' && request.dataOnly === true) refuse('the backup holds no rows', 'Leave --data-only out');
  if (dump.format === 'plain') {
    const parts = ['tables', 'schemas', 'schemaOnly', 'dataOnly', 'clean', 'noOwner', 'jobs'] as const;
    const part = parts.find((name) => request[name] !== undefined && request[name] !== false && name !== `${dump.only ?? ''}Only`);
    if (part !== undefined)
      refuse(
        'the backup is plain SQL, which is run as a whole',
        'Leave out what chooses or changes a part, or restore it beside with --into NAME and take the part from there',
      );
  }
  if (dump.only === undefined) return request;
  return dump.only === 'data' ? { ...request, dataOnly: true } : { ...request, schemaOnly: true };
}

async function findRestoreTool(server: PostgresServer, manifest: PostgresManifest, maintenance: PostgresSession): Promise<PostgresTool> {
  const version = await readServerVersion(maintenance);
  const { pg_dump: dumpVersion, pg_dump_major: dumpMajor } = manifest.tools;
  if (manifest.dump.format !== 'plain' && dumpMajor > version.major)
    return server.findTool('pg_restore', {
      title: `a dump of database ${manifest.database}`,
      serverVersion: dumpVersion,
      major: dumpMajor,
    });
  const need = { title: titleOf(server.login), serverVersion: version.version, major: version.major };
  return server.findTool(manifest.dump.format === 'plain' ? 'psql' : 'pg_restore', need);
}

async function restoreRoles({ job, captured, maintenance }: PreparedRestore): Promise<number> {
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
async function restoreIntoNew(prepared: PreparedRestore, replaces: boolean): Promise<Comparison> {
  const { job, manifest, request, database, maintenance } = prepared;
  if (request.dataOnly === true)
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: 'it is not there, and data only needs its tables',
      remedy: 'Restore it first with --schema-only, or leave --data-only out',
    });
  const selection = await chooseEntries(prepared, { withGround: true });
  const name = replaces ? temporaryName() : database;
  const withRoles = request.noOwner !== true;
  await createDatabase(maintenance, name, manifest.properties, { owner: withRoles });
  try {
    const target = job.server.withDatabase(name);
    await fillDatabase(prepared, target, { ...(selection === undefined ? {} : { selection }), options: [], before: [] });
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
async function restoreIntoExisting(prepared: PreparedRestore): Promise<Comparison> {
  const { job, manifest, request, database } = prepared;
  const target = job.server.withDatabase(database);
  const selection = await chooseEntries(prepared, { withGround: false });
  const superuser = await checkExisting(target, {
    request,
    manifest,
    relations: selection?.relations,
    tables: selection?.tables ?? manifest.tables,
  });
  const options = ['--single-transaction'];
  const before: string[] = [];
  if (request.clean === true) options.push('--clean', '--if-exists');
  /* Rows of one snapshot fit each other, but not in every order. Only a superuser may leave the foreign keys out meanwhile. */
  if (request.dataOnly === true && superuser) {
    options.push('--disable-triggers');
    before.push('SET session_replication_role = replica');
  }
  await fillDatabase(prepared, target, { ...(selection === undefined ? {} : { selection }), options, before });
  const comparison = await compare(prepared, target, selection);
  requireMatch(database, comparison);
  return comparison;
}

async function compare(
  { job, request, manifest }: PreparedRestore,
  target: PostgresServer,
  selection: EntrySelection | undefined,
): Promise<Comparison> {
  if (request.schemaOnly === true) return { tables: 0, rows: 0, mismatches: [] };
  job.context.events({ type: 'phase', phase: 'compare row counts' });
  if (selection === undefined) {
    /* With clean, large objects that came later stay, and in tables that were there are none to count; they are nobody's mismatch. */
    const countObjects = request.clean !== true && request.dataOnly !== true;
    return compareRows(target, { tables: manifest.tables, largeObjects: countObjects ? manifest.largeObjects : undefined });
  }
  const chosen = new Set(selection.tables.map(({ schema, name }) => JSON.stringify([schema, name])));
  return compareRows(target, {
    tables: manifest.tables.filter(({ schema, name }) => chosen.has(JSON.stringify([schema, name]))),
    largeObjects: undefined,
  });
}
