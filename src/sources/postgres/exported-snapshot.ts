/** One snapshot of a database that several connections share: pg_dump reads in it, and the counts are taken in it. */
import type { PostgresServer } from './server.ts';
import { type SnapshotFacts, readSnapshotFacts } from './server-facts.ts';
import type { PostgresSession } from './session.ts';

export interface ExportedSnapshot extends SnapshotFacts {
  /** For `pg_dump --snapshot`. */
  readonly id: string;
  /** The session that holds the snapshot open, in a read-only transaction of it. */
  readonly session: PostgresSession;
  /** Ends the transaction. A pg_dump that has begun to write no longer needs it. */
  release(): Promise<void>;
}

/** Takes a snapshot and keeps it until `release`. Throws as `openSession` does. */
export async function exportSnapshot(server: PostgresServer): Promise<ExportedSnapshot> {
  const session = await server.openSession();
  try {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const facts = await readSnapshotFacts(session);
    const [exported] = await session.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    if (exported === undefined) throw new TypeError('pg_export_snapshot returned no row');
    return { ...facts, id: exported.id, session, release: () => session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}
