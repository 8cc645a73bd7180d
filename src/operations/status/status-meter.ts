/** Gathers what metrics tell beside the judgement, while the repositories are open for that. */
import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { measureLogs, measureRepository, type MeasuredRepository } from './measure-repository.ts';
import type { CaptureFacts, RepositoryFacts } from './status-facts.ts';
import type { LogMeasures, StatusMeasures } from './status-measures.ts';

type Measured = ReadonlyMap<string, MeasuredRepository>;

export interface Meter {
  /** Measures an opened repository of the configuration. Throws `interrupted`. */
  measure(named: RepositoryConfiguration, repository: Repository): Promise<void>;
  /** Of all that were measured. */
  measures(facts: readonly RepositoryFacts[]): StatusMeasures;
}

export function createMeter(configuration: Configuration, context: ApplicationContext): Meter {
  const measured = new Map<string, MeasuredRepository>();
  const logs: LogMeasures[] = [];
  const { application, components, repositories } = configuration;
  return {
    measure: async (named, repository) => {
      measured.set(named.name, await measureRepository(repository, application, context));
      // Logs are received into the first one.
      if (named.name === repositories[0]?.name) logs.push(...(await measureLogs(repository, configuration, context)));
    },
    measures: (facts) => ({
      components: components.flatMap(({ name }) => componentMeasures(name, facts, measured)),
      points: facts.flatMap(({ name: repository, components: found }) =>
        found
          .filter(({ name }) => components.some((component) => component.name === name))
          .map(({ name, captures }) => ({ component: name, repository, ...countOf(captures) })),
      ),
      repositories: [...measured].map(([name, { measures }]) => ({ name, ...measures })),
      logs,
    }),
  };
}

/** Of the newest capture, wherever it lies. */
function componentMeasures(name: string, facts: readonly RepositoryFacts[], repositories: Measured): StatusMeasures['components'] {
  const found = facts.flatMap(({ name: repository, components }) =>
    components.flatMap((each) => (each.name === name ? each.captures.map((capture) => ({ capture, repository })) : [])),
  );
  const newest = found.toSorted((a, b) => a.capture.at.getTime() - b.capture.at.getTime()).at(-1);
  if (newest === undefined) return [];
  const { files, rows, seconds } = newest.capture;
  const added = repositories.get(newest.repository)?.added.get(name);
  return [
    {
      name,
      ...(files === undefined ? {} : { files }),
      ...(rows === undefined ? {} : { rows }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(added === undefined ? {} : { added }),
    },
  ];
}

function countOf(captures: readonly CaptureFacts[]): Omit<StatusMeasures['points'][number], 'component' | 'repository'> {
  const proven = captures.filter((capture) => capture.proven);
  const [newest, newestProven] = [captures.at(-1), proven.at(-1)];
  return {
    points: captures.length,
    proven: proven.length,
    ...(newest === undefined ? {} : { newest: newest.at.toISOString() }),
    ...(newestProven === undefined ? {} : { newest_proven: newestProven.at.toISOString() }),
  };
}
