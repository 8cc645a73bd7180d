/** Drops databases that a drill made, and nothing else. */
import pg from 'pg';
import { isError } from '../../errors.ts';
import { databaseExists, dropDatabase, openMaintenance } from '../../sources/postgres/restore-target.ts';
import { type PostgresServer, withSession } from '../../sources/postgres/server.ts';
import { isForgotten, markBeginning } from './drill-mark.ts';

/** Drops a database with all who are connected to it. No error where it is not there. */
export async function dropTemporary(server: PostgresServer, name: string): Promise<void> {
  const maintenance = await openMaintenance(server, name);
  try {
    if (!(await databaseExists(maintenance, name))) return;
    try {
      await dropDatabase(maintenance, name);
    } catch (error) {
      if (!isError(error, 'postgres-failed')) throw error;
      await forgetSubscriptions(server.withDatabase(name));
      await dropDatabase(maintenance, name);
    }
  } finally {
    await maintenance.close();
  }
}

/**
 * Those of the dump came along, never enabled. They keep a database from being dropped; and dropped as they are they would take the slot of the live one
 * away, on the server that it is fed from.
 */
async function forgetSubscriptions(server: PostgresServer): Promise<void> {
  await withSession(server, async (session) => {
    const names = await session.query<{ name: string }>(
      'SELECT subname::text AS name FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
    );
    for (const { name } of names) {
      const subscription = pg.escapeIdentifier(name);
      await session.query(`ALTER SUBSCRIPTION ${subscription} DISABLE`);
      await session.query(`ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE)`);
      await session.query(`DROP SUBSCRIPTION ${subscription}`);
    }
  });
}

/** Drops what drills of this host left on a server. Their names. Throws the catalogue's PostgreSQL errors. */
export async function sweepDatabases(server: PostgresServer): Promise<string[]> {
  const maintenance = await openMaintenance(server, '');
  let names: readonly string[];
  try {
    const found = await maintenance.query<{ name: string }>(
      'SELECT datname::text AS name FROM pg_database WHERE starts_with(datname, $1)',
      [markBeginning],
    );
    names = found.map(({ name }) => name);
  } finally {
    await maintenance.close();
  }
  const swept: string[] = [];
  for (const name of names) {
    if (!(await isForgotten(name))) continue;
    await dropTemporary(server, name);
    swept.push(`database ${name}`);
  }
  return swept;
}
