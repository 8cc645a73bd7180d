/** Logs in to a server of our own, whose superuser may have any name. */
import { HoldfastError, isError } from '../../../errors.ts';
import type { PostgresConnection } from '../connection.ts';
import { openSession } from '../session.ts';

export interface SuperuserSearch {
  readonly socketFolder: string;
  readonly port: number;
  readonly candidates: readonly string[];
}

/** The connection of the first candidate who is a superuser there. Throws `postgres-login` where none is. */
export async function findSuperuser({ socketFolder, port, candidates }: SuperuserSearch): Promise<PostgresConnection> {
  const names = [...new Set([...candidates, 'postgres'])];
  let failure: unknown;
  for (const user of names) {
    const connection: PostgresConnection = {
      host: socketFolder,
      port,
      user,
      database: 'template1',
      password: undefined,
      ssl: { mode: 'disable' },
      connectTimeout: 60,
    };
    try {
      const session = await openSession(connection);
      try {
        const [role] = await session.query<{ rolname: string }>(
          'SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY rolname = current_user DESC, oid = 10 DESC',
        );
        // Whoever is let in sees who made the cluster, and nobody is asked for a password here.
        return role === undefined ? connection : { ...connection, user: role.rolname };
      } finally {
        await session.close();
      }
    } catch (error) {
      if (!isError(error, 'postgres-login')) throw error;
      failure ??= error;
    }
  }
  throw failure instanceof HoldfastError ? failure : new HoldfastError('internal', { reason: 'no user to log in as was named' });
}
