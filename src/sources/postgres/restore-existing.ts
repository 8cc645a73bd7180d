/** Whether a database that is there may be restored into, as asked. */
import { HoldfastError } from '../../errors.ts';
import { qualifiedName } from './counts.ts';
import type { PostgresManifest } from './manifest.ts';
import type { PostgresRestoreRequest } from './restore-request.ts';
import { isEmptyDatabase } from './restore-target.ts';
import { type PostgresServer, withSession } from './server.ts';
import type { PostgresSession } from './session.ts';

interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface ExistingTarget {
  readonly request: PostgresRestoreRequest;
  readonly manifest: PostgresManifest;
  /** What would be created, when only some tables are restored. */
  readonly relations: readonly TableName[] | undefined;
  /** Tables whose rows would be restored. */
  readonly tables: readonly TableName[];
}

/** Throws `postgres-restore-refused` when something there would be in the way. Returns whether the user is a superuser. */
export async function checkExisting(server: PostgresServer, target: ExistingTarget): Promise<boolean> {
  const { request, manifest, relations, tables } = target;
  const { database } = server.login;
  if ((request.jobs ?? 1) > 1) {
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: 'it is there already, and several jobs cannot share one transaction',
      remedy: 'Leave --jobs out, give --recreate, or restore beside it with --into NAME',
    });
  }
  if (manifest.dump.format === 'plain' && manifest.largeObjects > 0) {
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: 'it is there already, and plain SQL with large objects cannot be run in one transaction',
      remedy: 'Give --recreate, or restore beside it with --into NAME',
    });
  }
  if (request.dataOnly !== true && request.clean !== true && relations === undefined && !(await isEmptyDatabase(server))) {
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: 'it is there already and not empty',
      remedy:
        'Restore beside it with --into NAME, or give --clean (replaces what the backup holds) or --recreate (replaces the whole database)',
    });
  }
  return withSession(server, async (session) => {
    if (request.dataOnly === true) for (const table of tables) await requireEmptyTable(session, database, table);
    else if (request.clean !== true) for (const relation of relations ?? []) await requireAbsent(session, database, relation);
    const [user] = await session.query<{ super: boolean }>('SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user');
    return user?.super === true;
  });
}

async function requireAbsent(session: PostgresSession, database: string, relation: TableName): Promise<void> {
  if (!(await isThere(session, relation))) return;
  throw new HoldfastError('postgres-restore-refused', {
    database,
    reason: `${qualifiedName(relation)} is there already`,
    remedy: 'Restore beside it with --into NAME, or give --clean to replace it',
  });
}

async function requireEmptyTable(session: PostgresSession, database: string, table: TableName): Promise<void> {
  if (!(await isThere(session, table)))
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: `${qualifiedName(table)} is not there`,
      remedy: 'Restore it first with --schema-only, or leave --data-only out',
    });
  const [found] = await session.query<{ used: boolean }>(`SELECT EXISTS (SELECT FROM ONLY ${qualifiedName(table)}) AS used`);
  if (found?.used === true)
    throw new HoldfastError('postgres-restore-refused', {
      database,
      reason: `${qualifiedName(table)} holds rows`,
      remedy: 'Empty the tables first, or give --clean in place of --data-only',
    });
}

async function isThere(session: PostgresSession, relation: TableName): Promise<boolean> {
  const found = await session.query(
    'SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [relation.schema, relation.name],
  );
  return found.length > 0;
}
