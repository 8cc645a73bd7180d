/** A component of the configuration: a database with all that a backup of it needs, or whatever else can say what it would save. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { ApplicationComponent } from '../application/application-sources.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import type { ReplicatedServer } from '../physical/replicated-server.ts';
import { failedWith, ok, type Check } from './check.ts';
import type { KnownTime } from './check-clock.ts';
import { checkDatabase, checkServerPrograms } from './check-database.ts';
import { checkReadable } from './check-readable.ts';
import { checkReplication, type ReplicationWish } from './check-replication.ts';

export interface ExaminedDatabase {
  readonly component: string;
  /** Dumps are made of it. */
  readonly dumps: boolean;
  /** They go through a temporary folder. */
  readonly spools: boolean;
  readonly open: () => Promise<ReplicatedServer>;
  /** Base backups are made of its server. */
  readonly replication?: ReplicationWish;
}

export async function* lookAtDatabase(
  { component, dumps, spools, open, replication }: ExaminedDatabase,
  onTime: (time: KnownTime) => void,
  context: ApplicationContext,
): AsyncGenerator<Check> {
  try {
    const replicated = await open();
    const { clock, environment } = context;
    const found = await checkDatabase(component, replicated.server, { dumps, spools, clock });
    for (const time of found.times) onTime(time);
    yield* found.checks;
    if (replication === undefined || found.isClosed) return;
    yield* await checkReplication(component, replicated, replication, context);
    if (found.major !== undefined && 'host' in replicated.server.login.at)
      yield await checkServerPrograms(component, found.major, environment);
  } catch (error) {
    yield failedWith(`${component}: login`, error);
  }
}

/** Every source can say what it would save, and cannot where that is not there. */
export async function* lookAtSource({ name, open, configuration }: ApplicationComponent, signal: AbortSignal): AsyncGenerator<Check> {
  const { source } = configuration;
  try {
    if (source.kind === 'files') for (const path of source.paths) await access(path, constants.R_OK);
    const { title } = await (await open()).describe();
    yield ok(`${name}: there`, title);
  } catch (error) {
    yield failedWith(`${name}: there`, asUnreadable(error));
    return;
  }
  if (source.kind !== 'files' || source.paths.length === 0) return;
  const { kind: _, paths, volume: __, ...select } = source;
  yield await checkReadable(name, paths, select, signal);
}

/** A path that cannot be read, as a backup of it would say it. */
function asUnreadable(error: unknown): unknown {
  const path: unknown = error instanceof Error && 'path' in error ? error.path : undefined;
  return typeof path === 'string' ? new HoldfastError('source-unreadable', { path, reason: reasonOf(error) }, error) : error;
}
