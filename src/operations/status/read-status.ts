/** How an application stands: what could be restored, how old it is, how long it would take, beside what was promised. */
import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf, toHoldfastError } from '../../errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { findConfigurationChanges, findRepositoryChanges, recallRepositoryChanges } from './find-changes.ts';
import { judgeStatus } from './judge-status.ts';
import { idOfChange, type StandingChange, type ToldChange } from './standing-change.ts';
import type { RepositoryFacts, StatusFacts, UnreachableRepository } from './status-facts.ts';
import type { StatusReport } from './status-report.ts';
import { viewRepository } from './view-repository.ts';

export interface ReadStatus {
  readonly facts: StatusFacts;
  readonly status: StatusReport;
}

/**
 * Reads every repository of the configuration, and changes nothing in it. One that cannot be reached is in the report.
 * @param catalog what this host remembers, to find what is unlike it. Without it, nothing is
 * @throws HoldfastError `interrupted`
 */
export async function readStatus(
  configuration: Configuration,
  use: <Result>(named: RepositoryConfiguration, work: (repository: Repository) => Promise<Result>) => Promise<Result>,
  context: ApplicationContext,
  catalog?: Catalog,
): Promise<ReadStatus> {
  const repositories: RepositoryFacts[] = [];
  const changes: StandingChange[] = [];
  const softly = async (find: () => Promise<readonly StandingChange[]> | readonly StandingChange[]): Promise<void> => {
    try {
      for (const change of await find()) {
        // Its copies in other repositories say the same.
        const isTold = changes.some(
          ({ kind, component }) => kind === change.kind && component !== undefined && component === change.component,
        );
        if (!isTold) changes.push(change);
      }
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.events({ type: 'notice', message: `Whether something has changed unnoticed is not known: ${reasonOf(error)}` });
    }
  };
  const unreachable: UnreachableRepository[] = [];
  for (const named of configuration.repositories) {
    try {
      const order = { name: named.name, application: configuration.application };
      const view = async (repository: Repository): Promise<RepositoryFacts> => {
        const facts = await viewRepository(repository, order, context);
        if (catalog !== undefined) await softly(() => findRepositoryChanges(repository, facts, configuration, catalog, context));
        return facts;
      };
      repositories.push(await use(named, view));
    } catch (error) {
      if (context.signal.aborted) throw error;
      const { code, message, hint } = toHoldfastError(error);
      unreachable.push({ name: named.name, code, reason: message, hint });
      if (catalog !== undefined) await softly(() => recallRepositoryChanges(named.name, configuration, catalog));
    }
  }
  const now = context.clock.now();
  if (catalog !== undefined) await softly(() => findConfigurationChanges(configuration, catalog, now));
  const facts = { now, repositories, unreachable, looked: findLooks(configuration, catalog) };
  return { facts, status: { ...judgeStatus(configuration, facts), changes: withoutAccepted(changes, repositories) } };
}

function withoutAccepted(changes: readonly StandingChange[], repositories: readonly RepositoryFacts[]): readonly ToldChange[] {
  const accepted = new Set(repositories.flatMap((repository) => repository.accepted.flatMap(({ standing = [] }) => standing)));
  return changes.map((change) => ({ ...change, id: idOfChange(change) })).filter(({ id }) => !accepted.has(id));
}

/** Where nothing is remembered, or that cannot be read, nobody has looked. */
function findLooks({ components, file }: Configuration, catalog: Catalog | undefined): ReadonlyMap<string, Date> {
  const looks = new Map<string, Date>();
  for (const { name, schedule } of components) {
    if (schedule?.onChange !== true) continue;
    try {
      const [last] = catalog?.runs({ kind: 'backup', status: 'done', configuration: file, component: name, limit: 1 }) ?? [];
      if (last !== undefined) looks.set(name, last.began);
    } catch {
      // What this host remembers is convenience.
    }
  }
  return looks;
}
