/** A database comes back to the server it was saved from. */
import type { PostgresAddress, PostgresConfiguration } from '../../config/configuration.ts';
import { isError } from '../../errors.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { openPostgres } from './application-sources.ts';
import type { ApplicationTools } from './application-tools.ts';
import type { PutBack, PutBackRequest } from './put-back.ts';

export async function planDatabase(request: PutBackRequest, source: PostgresConfiguration): Promise<PutBack> {
  const { tools, repository, configuration, snapshot, into, database = {} } = request;
  const { checkRequest } = await import('../../sources/postgres/restore-request.ts');
  const several = source.databases !== undefined && into === undefined && database.tables === undefined;
  const restore = {
    ...database,
    ...(into === undefined ? {} : { into }),
    ...(several && source.databases !== undefined ? { databases: source.databases } : {}),
  };
  checkRequest(restore);
  const target = await openPostgres(tools, configuration.name, source);
  const name = into === undefined ? await titleOf(tools, source) : `database "${into}"`;
  return {
    effects: [effectOf(name, database)],
    stops: [],
    writesLive: into === undefined || (await isLive(tools, into, database)),
    present: async () => {
      const present = await openPostgres(tools, configuration.name, into === undefined ? source : await otherDatabase(tools, source, into));
      try {
        await present.describe();
        return present;
      } catch (error) {
        if (isError(error, 'postgres-database-missing')) return undefined;
        throw error;
      }
    },
    carryOut: async (context) => {
      const { facts } = await target.restore(openCapturedTree(repository, snapshot, context.signal), restore, context);
      return { facts, problems: 0 };
    },
  };
}

function effectOf(name: string, { clean, recreate, dataOnly, schemaOnly, tables }: NonNullable<PutBackRequest['database']>): string {
  const what = tables === undefined ? name : `${tables.join(', ')} in ${name}`;
  if (recreate === true) return `${what}: replaced by a new one, once that has been restored and compared`;
  if (clean === true) return `${what}: what the point holds is dropped and restored, in one transaction`;
  if (dataOnly === true) return `${what}: rows are filled into tables that are there and empty`;
  if (schemaOnly === true) return `${what}: made without rows; one that is there and not empty is left alone`;
  return `${what}: made; one that is there and not empty is left alone`;
}

/** Whether a database is one that a component saves: then something works with it. */
async function isLive(
  tools: ApplicationTools,
  name: string,
  { clean, recreate }: NonNullable<PutBackRequest['database']>,
): Promise<boolean> {
  for (const { source } of tools.configuration.components) {
    if (source.kind !== 'postgres') continue;
    // Which there are is not known here, but one that is there and not empty is only written with these.
    if (source.databases === 'all' && (clean === true || recreate === true)) return true;
    if (source.databases !== 'all' && (source.databases?.includes(name) === true || (await databaseOf(tools, source)) === name))
      return true;
  }
  return false;
}

/** For people, without the password. */
async function titleOf(tools: ApplicationTools, source: PostgresConfiguration): Promise<string> {
  const { databases } = source;
  if (databases === 'all') return 'all databases of the server';
  if (databases !== undefined) return `databases ${databases.map((name) => `"${name}"`).join(', ')}`;
  return `database "${await databaseOf(tools, source)}"`;
}

async function databaseOf({ read, context }: ApplicationTools, { at }: PostgresConfiguration): Promise<string> {
  if (!('url' in at)) return at.database;
  const { parseConnection } = await import('../../sources/postgres/connection.ts');
  return parseConnection(await read(at.url), context.environment).database;
}

/** The same server with another database. */
async function otherDatabase({ read }: ApplicationTools, source: PostgresConfiguration, database: string): Promise<PostgresConfiguration> {
  const { databases: _, ...rest } = source;
  return { ...rest, at: 'url' in source.at ? { url: withDatabase(await read(source.at.url), database) } : { ...source.at, database } };
}

function withDatabase(url: string, database: string): Extract<PostgresAddress, { url: unknown }>['url'] {
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  parsed.searchParams.delete('dbname');
  return parsed.href;
}
