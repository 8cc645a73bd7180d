/** Everything that would make the next backup, or getting it back, fail: one thing after the other is looked at, and nothing is changed. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { ComponentConfiguration } from '../../config/configuration.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { chooseApplicationComponents } from '../application/application-sources.ts';
import type { ApplicationContext, ApplicationTools } from '../application/application-tools.ts';
import type { ReplicatedServer } from '../physical/replicated-server.ts';
import { failedWith, ok, type Check } from './check.ts';
import { checkDatabase } from './check-database.ts';
import { checkDocker } from './check-docker.ts';
import { checkClock, checkStateFolder, type KnownTime } from './check-host.ts';
import { checkReplication, type ReplicationWish } from './check-replication.ts';
import { checkRepository, type NamedRepository } from './check-repository.ts';

export interface Examination {
  readonly repositories: readonly NamedRepository[];
  readonly databases: readonly ExaminedDatabase[];
  /** Of a configured application: its other components and Docker are looked at too. */
  readonly tools?: ApplicationTools;
}

export interface ExaminedDatabase {
  readonly component: string;
  /** Dumps are made of it. */
  readonly dumps: boolean;
  readonly open: () => Promise<ReplicatedServer>;
  /** Base backups are made of its server. */
  readonly replication?: ReplicationWish;
}

/** Tells each check as it is done. Never throws for what it finds; only `interrupted`. */
export async function* examine(examination: Examination, context: ApplicationContext): AsyncGenerator<Check, void, undefined> {
  const { repositories, databases, tools } = examination;
  const times: KnownTime[] = [];
  yield await checkStateFolder(context.stateFolder);
  for (const repository of repositories) {
    const found = await checkRepository(repository, context);
    times.push(...found.times);
    yield* found.checks;
  }
  if (tools !== undefined) yield* await checkDocker(tools);
  for (const database of databases) yield* examineDatabase(database, times, context);
  if (tools !== undefined) yield* examineOthers(tools, new Set(databases.map(({ component }) => component)));
  yield checkClock(context.clock.now(), times);
}

async function* examineDatabase(
  { component, dumps, open, replication }: ExaminedDatabase,
  times: KnownTime[],
  context: ApplicationContext,
): AsyncGenerator<Check, void, undefined> {
  try {
    const replicated = await open();
    const found = await checkDatabase(component, replicated.server, { dumps });
    times.push(...found.times);
    yield* found.checks;
    if (replication !== undefined && !found.isClosed) yield* await checkReplication(component, replicated, replication, context);
  } catch (error) {
    yield failedWith(`${component}: login`, error);
  }
}

/** Every source can say what it would save, and cannot where that is not there. */
async function* examineOthers(tools: ApplicationTools, known: ReadonlySet<string>): AsyncGenerator<Check, void, undefined> {
  const isOther = ({ name }: Pick<ComponentConfiguration, 'name'>): boolean => !known.has(name);
  for (const { name, open, configuration } of chooseApplicationComponents(tools).filter(isOther)) {
    try {
      const { source } = configuration;
      if (source.kind === 'files') for (const path of source.paths) await access(path, constants.R_OK);
      const { title } = await (await open()).describe();
      yield ok(`${name}: there`, title);
    } catch (error) {
      yield failedWith(`${name}: there`, asUnreadable(error));
    }
  }
}

/** A path that cannot be read, as a backup of it would say it. */
function asUnreadable(error: unknown): unknown {
  const path: unknown = error instanceof Error && 'path' in error ? error.path : undefined;
  return typeof path === 'string' ? new HoldfastError('source-unreadable', { path, reason: reasonOf(error) }, error) : error;
}
