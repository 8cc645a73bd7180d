/** Puts back what belongs to a database itself and not to anything in it: settings, rights, comment. */
import pg from 'pg';
import { reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { DatabaseProperties } from './manifest.ts';
import { type PostgresServer, withSession } from './server.ts';
import type { PostgresSession } from './session.ts';

/** Applies them to the server's database. What the user may not set, or the server does not know, becomes a notice. */
export async function restoreDatabaseProperties(
  server: PostgresServer,
  properties: DatabaseProperties,
  options: { readonly privileges: boolean; readonly events: EventSink },
): Promise<void> {
  const database = pg.escapeIdentifier(server.login.database);
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) =>
      options.events({ type: 'notice', message: `${what} of the database was not restored: ${reasonOf(error)}.` }),
    );
  };
  await withSession(server, async (session) => {
    const { comment, settings, privileges } = properties;
    if (comment !== null)
      await attempt('The comment', () => session.query(`COMMENT ON DATABASE ${database} IS ${pg.escapeLiteral(comment)}`));
    if (options.privileges && privileges !== null)
      await attempt('Some rights', () => inTransaction(session, () => grant(session, database, privileges)));
    for (const setting of settings)
      await attempt(`The setting ${setting.name}`, () => inTransaction(session, () => set(session, database, setting)));
  });
}

/** The value is set for the transaction and taken over from there, so that the server itself quotes lists as they must be. */
async function set(session: PostgresSession, database: string, setting: DatabaseProperties['settings'][number]): Promise<void> {
  const name = setting.name
    .split('.')
    .map((part) => pg.escapeIdentifier(part))
    .join('.');
  await session.query('SELECT set_config($1, $2, true)', [setting.name, setting.value]);
  const subject = setting.role === null ? `DATABASE ${database}` : `ROLE ${pg.escapeIdentifier(setting.role)} IN DATABASE ${database}`;
  await session.query(`ALTER ${subject} SET ${name} FROM CURRENT`);
}

async function grant(session: PostgresSession, database: string, privileges: NonNullable<DatabaseProperties['privileges']>): Promise<void> {
  await session.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
  for (const { grantee, privilege, grantable } of privileges) {
    const to = grantee === null ? 'PUBLIC' : pg.escapeIdentifier(grantee);
    /* The privilege is a word from the server's own list, and from a manifest nothing else is let through. */
    if (!/^(CONNECT|CREATE|TEMPORARY)$/.test(privilege)) continue;
    await session.query(`GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`);
  }
}

async function inTransaction(session: PostgresSession, work: () => Promise<void>): Promise<void> {
  await session.query('BEGIN');
  try {
    await work();
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK');
    throw error;
  }
}
