/** The live server that base backups were made of, as the configuration or an address names it. */
import type { Configuration, PostgresAddress, SourceConfiguration } from '../../config/configuration.ts';
import { HoldfastError } from '../../errors.ts';
import { parseConnection } from '../../sources/postgres/connection.ts';
import type { PostgresRestoreRequest } from '../../sources/postgres/restore-request.ts';
import type { RestorableSource } from '../../sources/source.ts';
import { openPostgres } from '../application/application-sources.ts';
import { createTools, type ApplicationTools } from '../application/application-tools.ts';
import { findServerInContainer, type ServerInContainer } from './find-container.ts';
import type { MomentContext } from './run-plan.ts';

export interface LiveDatabase {
  /** Where it runs in a container. Throws the Docker errors. */
  readonly inside?: () => Promise<ServerInContainer>;
  readonly user?: string;
  readonly database?: string;
  readonly open: () => Promise<{ readonly source: RestorableSource<PostgresRestoreRequest>; readonly database: string }>;
}

export interface LiveSearch {
  readonly component: string;
  readonly configuration?: Configuration;
  /** Where no configuration says it. */
  readonly url?: string;
}

/** Connects to nothing yet. Throws `postgres-url`, and what reading a secret throws. */
export async function findLive({ component, configuration, url }: LiveSearch, context: MomentContext): Promise<LiveDatabase> {
  const { environment } = context;
  if (url !== undefined) {
    const { user, database } = parseConnection(url, environment);
    const { createPostgresSource } = await import('../../sources/postgres/postgres-source.ts');
    return {
      user,
      database,
      open: () => Promise.resolve({ database, source: createPostgresSource({ component, at: { url }, environment }) }),
    };
  }
  const source = configuration?.components.find(({ name }) => name === component)?.source;
  if (configuration === undefined || source === undefined || !hasServer(source)) return unknownLive;
  const tools = createTools(configuration, context);
  const { at } = source;
  const login = 'url' in at ? parseConnection(await tools.read(at.url), environment) : at;
  return {
    user: login.user,
    database: login.database,
    ...('url' in at ? {} : { inside: () => openInside(tools, at) }),
    open: async () => ({ database: login.database, source: await openPostgres(tools, component, { kind: 'postgres', at }) }),
  };
}

/** Throws the Docker errors, and what reading a secret throws. */
export async function openInside(
  tools: ApplicationTools,
  at: Exclude<PostgresAddress, { readonly url: unknown }>,
): Promise<ServerInContainer> {
  const { database, user, password, ...address } = at;
  const secret = password === undefined ? {} : { password: await tools.read(password) };
  return findServerInContainer(await tools.docker(), { address, database, user, ...secret }, tools.context.signal);
}

function hasServer(source: SourceConfiguration): source is Extract<SourceConfiguration, { kind: 'postgres' | 'postgres-base' }> {
  return source.kind === 'postgres' || source.kind === 'postgres-base';
}

const unknownLive: LiveDatabase = {
  open: () =>
    Promise.reject(
      new HoldfastError('usage', {
        reason: 'it is not said which database the tables go into: --postgres URL does',
        help: 'holdfast restore --help',
      }),
    ),
};
