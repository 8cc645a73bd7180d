/** From the configuration of a component to its source. What a component does not need is neither loaded nor connected. */
import type {
  BaseConfiguration,
  CodeConfiguration,
  ComponentConfiguration,
  ConfigFilesConfiguration,
  FilesConfiguration,
  PostgresConfiguration,
  RedisConfiguration,
} from '../../config/configuration.ts';
import { HoldfastError } from '../../errors.ts';
import type { Source } from '../../sources/source.ts';
import type { ApplicationTools } from './application-tools.ts';
import { pointComponent, reportComponent } from './application-manifest.ts';

/** A component of the configuration, and its source once it is asked for. */
export interface ApplicationComponent {
  readonly name: string;
  readonly kind: string;
  readonly configuration: ComponentConfiguration;
  /** Made once. Throws what the source's constructor throws, and Docker's errors. */
  readonly open: () => Promise<Source>;
}

/** Those named, in the order of the file; all where none is. Throws `component-unknown`, and `usage` for a name that holdfast uses itself. */
export function chooseApplicationComponents(
  tools: ApplicationTools,
  names: readonly string[] = [],
  { combine = false }: CombineChoice = {},
): ApplicationComponent[] {
  const { components, file } = tools.configuration;
  const unknown = names.find((name) => components.every((component) => component.name !== name));
  if (unknown !== undefined)
    throw new HoldfastError('component-unknown', { name: unknown, file, there: components.map(({ name }) => name).join(', ') });
  const reserved = components.find(({ name }) => name === pointComponent || name === reportComponent);
  if (reserved !== undefined)
    throw new HoldfastError('usage', { reason: `holdfast itself calls a component "${reserved.name}"`, help: file });
  return components
    .filter(({ name, partOf }) => names.length === 0 || names.includes(name) || (partOf !== undefined && names.includes(partOf)))
    .filter(({ source }) => !combine || source.kind === 'postgres-base')
    .map((component) => describeComponent(tools, component, combine));
}

export interface CombineChoice {
  /** Only base backups: a full one is made of those in the repository, without reading the server. */
  readonly combine?: boolean;
}

function describeComponent(tools: ApplicationTools, configuration: ComponentConfiguration, combine: boolean): ApplicationComponent {
  let source: Promise<Source> | undefined;
  return {
    name: configuration.name,
    kind: configuration.source.kind,
    configuration,
    open: () => (source ??= openSource(tools, configuration, combine)),
  };
}

/** The source of a component. Throws what its constructor throws, and Docker's errors. */
async function openSource(tools: ApplicationTools, { name, source }: ComponentConfiguration, combine: boolean): Promise<Source> {
  switch (source.kind) {
    case 'postgres':
      return openPostgres(tools, name, source);
    case 'postgres-base':
      return openBase(tools, name, source, combine);
    case 'redis':
      return openRedis(tools, name, source);
    case 'files':
      return openFiles(tools, name, source);
    case 'volumes': {
      const { createVolumesSource } = await import('../../sources/volumes/volumes-source.ts');
      return createVolumesSource({ component: name, volumes: source.volumes, docker: await tools.docker() });
    }
    case 'config':
      return openConfig(tools, name, source);
    case 'logs': {
      const { createLogsSource } = await import('../../sources/logs/logs-source.ts');
      const { services, days } = source;
      return createLogsSource({ component: name, services, days, clock: tools.context.clock, docker: await tools.docker() });
    }
    case 'code':
      return openCode(tools, name, source);
  }
}

/** Another database than the configured one may be meant: the one that is restored into. */
export async function openPostgres({ context, docker, read }: ApplicationTools, component: string, source: PostgresConfiguration) {
  const { createPostgresSource } = await import('../../sources/postgres/postgres-source.ts');
  const { kind: _, at, ...selection } = source;
  const shared = { component, environment: context.environment, ...selection };
  if ('url' in at) return createPostgresSource({ ...shared, at: { url: await read(at.url) } });
  const { database, user, password, ...address } = at;
  const login = { database, user, ...(password === undefined ? {} : { password: await read(password) }) };
  return createPostgresSource({ ...shared, at: { docker: await docker(), address, ...login } });
}

async function openBase(tools: ApplicationTools, component: string, source: BaseConfiguration, combine: boolean): Promise<Source> {
  const { openReplicatedServer } = await import('../physical/replicated-server.ts');
  const { createBaseComponent } = await import('../physical/base-component.ts');
  const { at, checkpoint, rate, fullEveryMs, increments } = source;
  const { server, connect, readFile } = await openReplicatedServer(tools, at);
  return createBaseComponent({
    component,
    server,
    connect,
    readFile,
    checkpoint,
    policy: { fullEveryMs, increments },
    combine,
    clock: tools.context.clock,
    ...(rate === undefined ? {} : { rate }),
  });
}

export async function openRedis({ context, docker, read }: ApplicationTools, component: string, { at, password }: RedisConfiguration) {
  const { createRedisSource } = await import('../../sources/redis/redis-source.ts');
  const { clock, environment } = context;
  const shared = { component, clock, environment, ...(password === undefined ? {} : { password: await read(password) }) };
  if ('url' in at) return createRedisSource({ ...shared, at: { url: await read(at.url) } });
  const { port, user, ...address } = at;
  const inside = { ...(port === undefined ? {} : { port }), ...(user === undefined ? {} : { user }) };
  return createRedisSource({ ...shared, at: { docker: await docker(), address, ...inside } });
}

export async function openConfig({ configuration }: ApplicationTools, component: string, { files, secrets }: ConfigFilesConfiguration) {
  const { createConfigSource } = await import('../../sources/config/config-source.ts');
  return createConfigSource({ component, folder: configuration.folder, files, secrets });
}

export async function openCode({ context }: ApplicationTools, component: string, { path }: CodeConfiguration) {
  const { createCodeSource } = await import('../../sources/code/code-source.ts');
  return createCodeSource({ component, path, environment: context.environment });
}

async function openFiles(tools: ApplicationTools, component: string, source: FilesConfiguration): Promise<Source> {
  const { kind: _, paths, volume, ...select } = source;
  if (volume === undefined) {
    const { createFilesSource } = await import('../../sources/files/files-source.ts');
    return createFilesSource({ component, roots: paths, select });
  }
  const { createVolumesSource } = await import('../../sources/volumes/volumes-source.ts');
  const inVolume = createVolumesSource({ component, volumes: [volume], docker: await tools.docker(), select });
  return { ...inVolume, kind: 'files' };
}
