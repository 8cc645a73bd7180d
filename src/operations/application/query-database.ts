/** One statement in a component's own database, as its own user would run it. */
import type { PostgresConfiguration } from '../../config/configuration.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import type { ApplicationTools } from './application-tools.ts';

/** The first value of the first row; undefined where there is none. Throws the catalogue's PostgreSQL errors. */
export async function queryDatabase(tools: ApplicationTools, source: PostgresConfiguration, sql: string): Promise<unknown> {
  const { withSession } = await import('../../sources/postgres/server.ts');
  return withSession(await openServer(tools, source), async (session) => {
    // Sessions begin with the server's own names only.
    await session.query('RESET search_path');
    await session.query("SET statement_timeout = '60s'");
    const [row] = await session.query<Record<string, unknown>>(sql.trim().replace(/;+$/, ''));
    return row === undefined ? undefined : Object.values(row)[0];
  });
}

/** The server of a component, with its own database. Throws what reading a secret throws, and Docker's errors. */
export async function openServer({ context, docker, read }: ApplicationTools, { at }: PostgresConfiguration): Promise<PostgresServer> {
  if ('url' in at) {
    const { createHostServer } = await import('../../sources/postgres/host-server.ts');
    const { parseConnection } = await import('../../sources/postgres/connection.ts');
    return createHostServer({ connection: parseConnection(await read(at.url), context.environment), environment: context.environment });
  }
  const { createContainerServer } = await import('../../sources/postgres/container-server.ts');
  const { database, user, password, ...address } = at;
  const secret = password === undefined ? {} : { password: await read(password) };
  return createContainerServer({ docker: await docker(), address, database, user, ...secret });
}
