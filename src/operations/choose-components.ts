/** The components of a backup without a configuration: what was named on the command line, under names of their own. */
import { HoldfastError } from '../errors.ts';
import type { Source, TreeSelection } from '../sources/source.ts';
import { systemClock } from '../util/clock.ts';
import type { BackupComponent } from './back-up.ts';

export interface AdHocComponents {
  /** Files and folders: one component, `files`. */
  readonly files?: { readonly roots: readonly string[]; readonly select: TreeSelection };
  /** Addresses of PostgreSQL databases: `database`, or `database-NAME` where there are several. */
  readonly databases?: readonly string[];
  /** Dumps (by default), base backups of the whole servers, or both. */
  readonly mode?: PostgresMode;
  /** Of the repository's base backups a full one is made, without reading the servers. */
  readonly combine?: boolean;
  /** A name for the only component there is. */
  readonly component?: string;
  /** Where PGHOST, PGPASSWORD and the like are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type PostgresMode = 'logical' | 'physical' | 'both';

/** Throws `nothing-to-back-up`, `postgres-url`, and `usage` for one name that is meant for several. Drivers that are not used are not loaded. */
export async function chooseComponents({
  files,
  databases = [],
  mode = 'logical',
  combine = false,
  component,
  environment,
}: AdHocComponents): Promise<BackupComponent[]> {
  const count = databases.length + (files === undefined ? 0 : 1);
  if (count === 0) throw new HoldfastError('nothing-to-back-up');
  if (component !== undefined && count > 1)
    throw new HoldfastError('usage', { reason: '--component names one component, and there are several', help: 'holdfast backup --help' });
  const components: BackupComponent[] = [];
  if (databases.length > 0) {
    const { baseNameOf } = await import('../config/base-backups.ts');
    const { createPostgresSource } = await import('../sources/postgres/postgres-source.ts');
    const { parseConnection } = await import('../sources/postgres/connection.ts');
    const { databaseFolder } = await import('../sources/postgres/tree-layout.ts');
    for (const url of databases) {
      const { database } = parseConnection(url, environment);
      const name = component ?? (databases.length === 1 ? 'database' : `database-${database.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')}`);
      if (mode !== 'physical')
        components.push({ source: createPostgresSource({ component: name, at: { url }, environment }), paths: [databaseFolder(database)] });
      if (mode !== 'logical')
        components.push({ source: await openBase(mode === 'both' ? baseNameOf(name) : name, url, { environment, combine }) });
    }
  }
  if (files !== undefined) {
    const { createFilesSource } = await import('../sources/files/files-source.ts');
    components.push({ source: createFilesSource({ component: component ?? 'files', ...files }) });
  }
  const names = components.map(({ source }) => source.component);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new HoldfastError('usage', { reason: `two components would be called "${twice}"`, help: 'holdfast backup --help' });
  return components;
}

async function openBase(
  component: string,
  url: string,
  { environment, combine = false }: Pick<AdHocComponents, 'environment' | 'combine'>,
): Promise<Source> {
  const { defaultBasePolicy } = await import('../config/base-backups.ts');
  const { replicatedServerAt } = await import('./physical/replicated-server.ts');
  const { createBaseComponent } = await import('./physical/base-component.ts');
  const { server, connect, readFile } = await replicatedServerAt(url, environment);
  return createBaseComponent({
    component,
    server,
    connect,
    readFile,
    checkpoint: 'fast',
    policy: defaultBasePolicy,
    combine,
    clock: systemClock,
  });
}
