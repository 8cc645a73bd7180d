/** Puts a database back, on the server that an address names. */
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { HoldfastError } from '../errors.ts';
import type { PostgresRestoreRequest } from '../sources/postgres/restore-request.ts';
import { locatePoint } from './browse.ts';
import { openCapturedTree } from './captured-tree.ts';
import { type LockChoice, withReadLock } from './open-session.ts';
import type { PointRequest } from './point-request.ts';
import { loadPoints } from './points.ts';

export type { PostgresRestoreRequest };

export interface RestoreDatabaseRequest {
  readonly point: PointRequest;
  /** The server, the user, and the database when `restore.into` does not say another. */
  readonly url: string;
  readonly restore: PostgresRestoreRequest;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly lock: LockChoice;
}

export interface RestoreDatabaseReport {
  readonly pointId: string;
  readonly component: string;
  /** What the source says about the result: database, tables, rows. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** Throws `snapshot-missing`, the catalogue's PostgreSQL errors, `damaged`, `interrupted`. */
export function restoreDatabase(
  repository: Repository,
  request: RestoreDatabaseRequest,
  context: RunContext,
): Promise<RestoreDatabaseReport> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async (locked) => {
      const { point, components } = await locatePoint(repository, await withDatabase(repository, request.point), locked);
      const databases = components.filter(({ tags }) => tags.kind === 'postgres');
      const [component] = databases;
      if (component === undefined)
        throw new HoldfastError('postgres-capture-missing', {
          reason: `the point ${point.id.slice(0, 8)} holds ${components.map(({ tags }) => tags.component).join(', ')}, and no database`,
        });
      if (databases.length > 1)
        throw new HoldfastError('usage', {
          reason: `the point holds ${databases.map(({ tags }) => tags.component).join(', ')}, and --component says which is meant`,
          help: 'holdfast restore --help',
        });
      const { createPostgresSource } = await import('../sources/postgres/postgres-source.ts');
      const source = createPostgresSource({
        component: component.tags.component,
        at: { url: request.url },
        environment: request.environment,
      });
      const { facts } = await source.restore(openCapturedTree(repository, component, locked.signal), request.restore, locked);
      return { pointId: point.id, component: component.tags.component, facts };
    },
  });
}

/** Throws `usage` for what cannot go together and `postgres-url`: before anything is asked or opened. */
export async function checkDatabaseRestore({ url, restore, environment }: Omit<RestoreDatabaseRequest, 'point' | 'lock'>): Promise<void> {
  const { checkRequest } = await import('../sources/postgres/restore-request.ts');
  const { parseConnection } = await import('../sources/postgres/connection.ts');
  checkRequest(restore);
  parseConnection(url, environment);
}

/** `latest` without a component means the newest point that holds a database. */
async function withDatabase(repository: Repository, point: PointRequest): Promise<PointRequest> {
  if (point.component !== undefined || /^[0-9a-f]{4,64}$/.test(point.name) || point.name.startsWith('latest:')) return point;
  const newest = (await loadPoints(repository)).findLast(({ components }) => components.some(({ tags }) => tags.kind === 'postgres'));
  const database = newest?.components.find(({ tags }) => tags.kind === 'postgres');
  const names = new Set(newest?.components.flatMap(({ tags }) => (tags.kind === 'postgres' ? [tags.component] : [])));
  return database === undefined || names.size > 1 ? point : { ...point, component: database.tags.component };
}
