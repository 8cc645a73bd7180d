/** From a component as it is written to its source: one function a kind. */
import { resolve } from 'node:path';
import { HoldfastError } from '../errors.ts';
import { defaultBasePolicy, defaultFlushMs } from './base-backups.ts';
import { parseSize } from '../util/quantities.ts';
import type {
  BaseConfiguration,
  ContainerAddress,
  FilesConfiguration,
  LogsConfiguration,
  PostgresAddress,
  PostgresConfiguration,
  RedisConfiguration,
  Secret,
  SourceConfiguration,
} from './configuration.ts';
import { readDuration } from './quantities.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { definedOnly } from './defined-only.ts';
import { manyOf, someOf, understandSecret, type WrittenSecret } from './understand-shared.ts';

type WrittenComponent = ConfigurationFile['components'][string];
type Written<Kind extends keyof WrittenComponent> = NonNullable<WrittenComponent[Kind]>;

type WrittenServer = Exclude<Written<'postgres'>, string>;

const defaultDays = 7;

/** What is saved beside the component's own source: base backups beside a dump. */
export function understandSecondSource({ postgres }: WrittenComponent, folder: string): SourceConfiguration | undefined {
  if (postgres === undefined || typeof postgres === 'string' || postgres.mode !== 'both') return undefined;
  return understandBase(postgres, folder);
}

/** The source of a validated component, which has exactly one kind. */
export function understandSource(component: WrittenComponent, folder: string): SourceConfiguration {
  const { postgres, files, volumes, config, redis, logs, code } = component;
  if (postgres !== undefined) return understandPostgres(postgres, folder);
  if (files !== undefined) return understandFiles(files, folder);
  if (redis !== undefined) return understandRedis(redis, folder);
  if (logs !== undefined) return understandLogs(logs);
  if (volumes !== undefined) {
    if (typeof volumes === 'string' || Array.isArray(volumes)) return { kind: 'volumes', volumes: manyOf(volumes) };
    return { kind: 'volumes', volumes: manyOf(volumes.names), ...definedOnly({ stop: volumes.stop }) };
  }
  if (config !== undefined) {
    const { files: paths, secrets } = typeof config === 'string' || Array.isArray(config) ? { files: config } : config;
    return { kind: 'config', files: manyOf(paths).map((path) => resolve(folder, path)), secrets: secrets ?? 'encrypted' };
  }
  if (code !== undefined) return { kind: 'code', path: resolve(folder, typeof code === 'string' ? code : code.path) };
  throw new HoldfastError('internal', { reason: 'a component without a kind passed the schema' });
}

function understandPostgres(written: Written<'postgres'>, folder: string): PostgresConfiguration | BaseConfiguration {
  if (typeof written === 'string') return { kind: 'postgres', at: { url: written } };
  if (written.mode === 'physical') return understandBase(written, folder);
  const { databases, tables, schemas, only, format, jobs, roles } = written;
  const chosen = {
    databases: databases === 'all' ? ('all' as const) : someOf(databases),
    tables: someOf(tables),
    schemas: someOf(schemas),
    excludeTables: someOf(written['exclude-tables']),
    only,
    // Only the directory format can be written by several at a time.
    format: format ?? (jobs !== undefined && jobs > 1 ? ('directory' as const) : undefined),
    jobs,
    roles,
  };
  return { kind: 'postgres', at: understandServer(written, folder), ...definedOnly(chosen) };
}

function understandBase(written: WrittenServer, folder: string): BaseConfiguration {
  const { base = {}, wal = {} } = written;
  return {
    kind: 'postgres-base',
    at: understandServer(written, folder),
    checkpoint: base.checkpoint ?? 'fast',
    fullEveryMs: (base.full === undefined ? undefined : readDuration(base.full)) ?? defaultBasePolicy.fullEveryMs,
    increments: base.increments ?? defaultBasePolicy.increments,
    wal: {
      flushMs: (wal.flush === undefined ? undefined : readDuration(wal.flush)) ?? defaultFlushMs,
      synchronous: wal.synchronous ?? false,
      ...definedOnly({ slot: wal.slot }),
    },
    ...definedOnly({ rate: typeof base.rate === 'string' ? parseSize(base.rate) : base.rate }),
  };
}

function understandServer(written: WrittenServer, folder: string): PostgresAddress {
  const { url, service, container, project, database, user, password } = written;
  if (url !== undefined) return { url: understandUrl(url, folder) };
  return {
    ...understandContainer({ service, container, project }),
    // The one that is always there to log in to.
    database: database ?? 'postgres',
    user: user ?? 'postgres',
    ...(password === undefined ? {} : { password: understandSecret(password, folder) }),
  };
}

function understandFiles(written: Written<'files'>, folder: string): FilesConfiguration {
  if (typeof written === 'string' || Array.isArray(written))
    return { kind: 'files', paths: manyOf(written).map((path) => resolve(folder, path)) };
  const { path, volume, exclude, iexclude } = written;
  const largest = written['exclude-larger-than'];
  const ifPresent = written['exclude-if-present'];
  return {
    kind: 'files',
    paths: manyOf(path ?? []).map((each) => resolve(folder, each)),
    ...definedOnly({
      volume,
      exclude: someOf(exclude),
      excludeInsensitive: someOf(iexclude),
      excludeCaches: written['exclude-caches'],
      excludeIfPresent: someOf(ifPresent),
      excludeLargerThan: typeof largest === 'string' ? parseSize(largest) : largest,
      oneFileSystem: written['one-file-system'],
    }),
  };
}

function understandRedis(written: Written<'redis'>, folder: string): RedisConfiguration {
  if (typeof written === 'string') return { kind: 'redis', at: { url: written } };
  const { url, service, container, project, port, user, password } = written;
  const inside = definedOnly({ port, user });
  return {
    kind: 'redis',
    at: url === undefined ? { ...understandContainer({ service, container, project }), ...inside } : { url: understandUrl(url, folder) },
    ...(password === undefined ? {} : { password: understandSecret(password, folder) }),
  };
}

function understandLogs(written: Written<'logs'>): LogsConfiguration {
  const { services = 'all', days = defaultDays } = typeof written === 'string' || Array.isArray(written) ? { services: written } : written;
  return { kind: 'logs', services: services === 'all' ? 'all' : manyOf(services), days };
}

interface WrittenContainer {
  readonly service: string | undefined;
  readonly container: string | undefined;
  readonly project: string | undefined;
}

function understandContainer({ service, container, project }: WrittenContainer): ContainerAddress {
  if (service === undefined) return { container: container ?? '' };
  return { service, ...(project === undefined ? {} : { project }) };
}

function understandUrl(url: WrittenSecret, folder: string): string | Secret {
  return typeof url === 'string' ? url : understandSecret(url, folder);
}
