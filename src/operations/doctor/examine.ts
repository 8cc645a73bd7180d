/** Everything that would make the next backup, or getting it back, fail: all of it is looked at, and nothing is changed. */
import { openCatalog, type Catalog } from '../../catalog/catalog.ts';
import type { Configuration } from '../../config/configuration.ts';
import { chooseApplicationComponents } from '../application/application-sources.ts';
import type { ApplicationContext, ApplicationTools } from '../application/application-tools.ts';
import { machineTimezone } from '../schedule/time-zones.ts';
import { failedWith, ok, type Check } from './check.ts';
import { checkClock, checkTimeZone, type KnownTime } from './check-clock.ts';
import { checkDocker } from './check-docker.ts';
import { checkNode, checkProgram, checkRestic, checkStateFolder, checkTemporaryFolder, type NeededProgram } from './check-host.ts';
import { looksAtNotify } from './check-notify.ts';
import { checkRepository, type NamedRepository } from './check-repository.ts';
import { checkSchedule } from './check-schedule.ts';
import { checkScratchFolder } from './check-scratch.ts';
import { checkSecrets } from './check-secrets.ts';
import { runLooks, type Look } from './look.ts';
import { lookAtDatabase, lookAtSource, type ExaminedDatabase } from './look-at-component.ts';

export interface Examination {
  readonly repositories: readonly NamedRepository[];
  readonly databases: readonly ExaminedDatabase[];
  /** Of a configured application: all the rest is looked at too. */
  readonly tools?: ApplicationTools;
}

export interface ExaminationChoice {
  /** Milliseconds that one look may take. */
  readonly withinMs: number;
  /** Groups, and names of repositories, components and notifiers; all where none is named. */
  readonly only: readonly string[];
}

/** Tells what it finds, in an order that is always the same. Never throws for what it finds; only `interrupted`. */
export async function* examine(
  examination: Examination,
  { withinMs, only }: ExaminationChoice,
  context: ApplicationContext,
): AsyncGenerator<Check, void, undefined> {
  const times: KnownTime[] = [];
  const catalog = openSoftly(context);
  const isWanted = (words: readonly string[]): boolean => only.length === 0 || words.some((word) => only.includes(word));
  try {
    const looks = looksAt({ ...examination, catalog, onTime: (time) => times.push(time), context });
    const wanted = looks.filter(({ group, about }) => isWanted([group, about, about.replace(/^\w+ /, '')]));
    yield* runLooks(wanted, { withinMs, signal: context.signal });
    if (isWanted(['host'])) yield checkClock(context.clock.now(), times);
  } finally {
    if ('runs' in catalog) catalog.close();
  }
}

type Surroundings = Examination & {
  readonly catalog: Catalog | { readonly failure: unknown };
  readonly onTime: (time: KnownTime) => void;
  readonly context: ApplicationContext;
};

function openSoftly({ stateFolder, clock, events }: ApplicationContext): Surroundings['catalog'] {
  try {
    const catalog = openCatalog(stateFolder, clock, { onNotice: (message) => events({ type: 'notice', message }) });
    catalog.markInterrupted();
    return catalog;
  } catch (failure) {
    return { failure };
  }
}

function looksAt(surroundings: Surroundings): Look[] {
  const { repositories, databases, tools, context, onTime, catalog } = surroundings;
  const { configuration } = tools ?? {};
  const known = 'runs' in catalog ? catalog : undefined;
  const databaseNames = new Set(databases.map(({ component }) => component));
  const others = tools === undefined ? [] : chooseApplicationComponents(tools).filter(({ name }) => !databaseNames.has(name));
  return [
    { group: 'host', about: 'host', run: () => lookAtHost(surroundings) },
    ...(configuration === undefined ? [] : looksAtConfiguration(configuration, known, context)),
    ...repositories.map((named): Look => ({
      group: 'repositories',
      about: `repository ${named.name}`,
      run: (signal) =>
        checkRepository(
          named,
          {
            onTime,
            ...(configuration === undefined ? {} : { folder: configuration.folder }),
            ...(needsScratch(configuration) ? { scratch: context } : {}),
          },
          { ...context, signal },
        ),
    })),
    ...(tools === undefined ? [] : [{ group: 'docker', about: 'docker', run: () => checkDocker(tools, onTime) } satisfies Look]),
    ...databases.map((database): Look => ({
      group: 'components',
      about: database.component,
      run: (signal) => lookAtDatabase(database, onTime, { ...context, signal }),
    })),
    ...others.map((component): Look => ({ group: 'components', about: component.name, run: (signal) => lookAtSource(component, signal) })),
  ];
}

function looksAtConfiguration(configuration: Configuration, catalog: Catalog | undefined, context: ApplicationContext): Look[] {
  return [
    { group: 'configuration', about: 'configuration', run: () => checkSecrets(configuration, context.environment) },
    { group: 'schedule', about: 'schedule', run: (signal) => checkSchedule(configuration, catalog, { ...context, signal }) },
    ...looksAtNotify(configuration, catalog, context),
  ];
}

async function* lookAtHost({ tools, catalog, context }: Surroundings): AsyncGenerator<Check> {
  const { environment, stateFolder } = context;
  yield checkNode(process.versions.node);
  yield await checkRestic(environment);
  for (const program of programsFor(tools?.configuration)) yield await checkProgram(program, environment);
  const state = await checkStateFolder(stateFolder);
  yield state;
  // Where the folder itself is the trouble, that is said once.
  if ('runs' in catalog) yield ok('host: history', 'what this host remembers of its runs can be read');
  else if (state.status !== 'failed') yield failedWith('host: history', catalog.failure);
  yield await checkTemporaryFolder();
  if (needsScratch(tools?.configuration)) yield await checkScratchFolder(context);
  yield checkTimeZone(environment, machineTimezone());
}

function programsFor(configuration: Configuration | undefined): NeededProgram[] {
  const { components = [], archives = [] } = configuration ?? {};
  const code = components.filter(({ source }) => source.kind === 'code').map(({ name }) => name);
  const sealed = archives.filter(({ encrypt }) => encrypt?.gpg !== undefined).map(({ name }) => name);
  return [
    ...(code.length === 0
      ? []
      : [{ file: 'git', args: ['--version'], for: `${code.join(', ')} cannot be saved without it`, packageName: 'git' }]),
    ...(sealed.length === 0
      ? []
      : [{ file: 'gpg', args: ['--version'], for: `the archive ${sealed.join(', ')} is encrypted by it`, packageName: 'gnupg' }]),
  ];
}

function needsScratch(configuration: Configuration | undefined): boolean {
  return configuration?.drills !== undefined || configuration?.components.some(({ source }) => source.kind === 'postgres-base') === true;
}
