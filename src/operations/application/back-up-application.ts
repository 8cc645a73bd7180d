/** A recovery point of a configured application: every component, the manifest last, and copies in the other repositories. */
import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonAndHint, reasonOf, toHoldfastError } from '../../errors.ts';
import { backUp, checkOrder, type BackupOrder, type BackupReport } from '../back-up.ts';
import type { ApplicationManifest } from './application-manifest.ts';
import { chooseApplicationComponents, type ApplicationComponent } from './application-sources.ts';
import { createTools, type ApplicationContext, type ApplicationTools } from './application-tools.ts';
import { copyToOthers, type CopiedPoint } from './copy-to-others.ts';
import { withHooks } from './hooks.ts';
import { withLabelledContainers } from './labelled-containers.ts';
import { observe, type ObservedComponent } from './observed-source.ts';
import { makeManifest, makePointComponent, readConfigurationText, type ConfigurationText } from './point-source.ts';
import { listForgottenDrills } from '../drill/drill-note.ts';
import { extendKeptLocks } from '../retention/extend-kept.ts';
import type { ComponentRules } from '../retention/point-units.ts';
import { findUnchanged, planComponents } from './unchanged-components.ts';
import { readApplicationVersion } from './application-version.ts';
import { startForgottenServices, withStoppedServices, type StoppedWork } from './stopped-services.ts';

export interface ApplicationBackupRequest {
  /** Components; all where none is named. */
  readonly names: readonly string[];
  /** Only base backups: a full one is made of those in the repository, without reading the server. */
  readonly combine?: boolean;
  /** The first that can be opened is backed up to, the others get copies. */
  readonly repositories: readonly RepositoryConfiguration[];
  /** Opens a repository, or creates it, so that it shares how files are cut with the one given. */
  readonly open: (repository: RepositoryConfiguration, like?: Repository) => Promise<Repository>;
  readonly order: Omit<BackupOrder, 'components' | 'closing' | 'application' | 'parent'>;
}

export interface ApplicationBackupReport extends BackupReport {
  readonly application: string;
  /** What the point says about itself; absent after a dry run, and where nothing had changed. */
  readonly manifest?: ApplicationManifest;
  /** Names of components whose content is as it was in the point before. */
  readonly unchanged: readonly string[];
  /** The name of the repository that was backed up to. */
  readonly repository: string;
  readonly copies: readonly CopiedPoint[];
}

interface Work {
  readonly tools: ApplicationTools;
  readonly request: ApplicationBackupRequest;
  readonly text: ConfigurationText;
  readonly components: readonly ApplicationComponent[];
}

/**
 * Backs up. Components that fail, hooks behind the work that fail and repositories that are down are problems of the report; `problems` counts
 * them. Throws where nothing was saved: `component-unknown`, `command-failed` (a hook before), the first source's or repository's error, `interrupted`.
 */
export async function backUpApplication(
  configuration: Configuration,
  request: ApplicationBackupRequest,
  context: ApplicationContext,
): Promise<ApplicationBackupReport> {
  const tools = createTools(configuration, context);
  const components = chooseApplicationComponents(tools, request.names, { combine: request.combine === true });
  if (components.length === 0)
    throw new HoldfastError('usage', {
      reason: `no component that was named has base backups (mode: physical) in ${configuration.file}`,
      help: 'holdfast backup --help',
    });
  checkOrder({
    ...request.order,
    components: components.map((component) => ({ ...observe(component), tags: component.configuration.tags })),
  });
  const work: Work = { tools, request, components, text: await readConfigurationText(configuration.file) };
  await startForgottenServices(tools);
  if (request.order.dryRun === true) return backUpComponents(work);
  await sweepKilledDrills(tools);
  const { result, problems } = await withHooks({ tools, hooks: configuration.hooks }, async () => {
    const report = await backUpComponents(work);
    const failure = whatFailed(report);
    return {
      result: report,
      ...(failure === undefined ? {} : { failure }),
      ...(report.pointId === undefined ? {} : { variables: { HOLDFAST_POINT: report.pointId } }),
    };
  });
  return { ...result, problems: result.problems + problems };
}

/** A drill that was killed may have left a database or a volume: whoever comes next takes it away. */
async function sweepKilledDrills(tools: ApplicationTools): Promise<void> {
  if ((await listForgottenDrills(tools.context.stateFolder)).length === 0) return;
  await (await import('../drill/sweep-forgotten.ts')).sweepAfterKilled(tools);
}

async function backUpComponents(work: Work): Promise<ApplicationBackupReport> {
  const { request, tools } = work;
  const observed = work.components.map(observe);
  await checkComponents(observed);
  const [first, ...others] = request.repositories;
  if (first === undefined) throw new HoldfastError('repository-none-named');
  const { repository, name, down, left } = await openFirst(request, first, others, tools);
  try {
    const report = await savePoint(work, repository, observed);
    const lock = request.order.lock ?? {};
    const rules = keptRules(tools.configuration);
    const own = request.repositories.find((each) => each.name === name);
    const locks =
      report.pointId === undefined ? 0 : await extendKeptLocks(repository, { policy: own?.keep, components: rules }, tools.context);
    const copies =
      report.pointId === undefined
        ? []
        : await copyToOthers(
            repository,
            report.pointId,
            { application: tools.configuration.application, others: left, lock, open: request.open, rules },
            tools.context,
          );
    const missed = down.length + copies.filter(({ error }) => error !== undefined).length;
    return { ...report, repository: name, copies: [...down, ...copies], problems: report.problems + missed + locks };
  } finally {
    await repository.close();
  }
}

/** Rules of components that go for themselves. */
function keptRules({ application, components }: Configuration): ComponentRules | undefined {
  const own = components.flatMap(({ name, keep }) => (keep === undefined ? [] : [[name, keep] as const]));
  return own.length === 0 ? undefined : { application, policies: new Map(own) };
}

/** Connects to every source before anything is created. Throws the first error where none can be reached. */
async function checkComponents(components: readonly ObservedComponent[]): Promise<void> {
  const ends = await Promise.allSettled(components.map((component) => component.check()));
  const [first] = ends;
  if (first?.status === 'rejected' && ends.every(({ status }) => status === 'rejected')) throw first.reason;
}

interface OpenedRepository {
  readonly repository: Repository;
  readonly name: string;
  /** Those before it that could not be opened. */
  readonly down: readonly CopiedPoint[];
  /** Those behind it. */
  readonly left: readonly RepositoryConfiguration[];
}

/** A repository that is down must not keep the application from being backed up to another. Throws the first one's error where all are. */
async function openFirst(
  request: ApplicationBackupRequest,
  first: RepositoryConfiguration,
  others: readonly RepositoryConfiguration[],
  { context }: ApplicationTools,
): Promise<OpenedRepository> {
  const down: CopiedPoint[] = [];
  for (const [at, candidate] of [first, ...others].entries()) {
    try {
      return { repository: await request.open(candidate), name: candidate.name, down, left: others.slice(at) };
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.events({ type: 'problem', path: `repository ${candidate.name}`, reason: reasonAndHint(error) });
      down.push({ name: candidate.name, error: toHoldfastError(error) });
    }
  }
  const error = down[0]?.error;
  throw error ?? new HoldfastError('repository-none-named');
}

async function savePoint(
  { tools, request, text, components }: Work,
  repository: Repository,
  observed: readonly ObservedComponent[],
): Promise<Omit<ApplicationBackupReport, 'repository' | 'copies'>> {
  const { configuration, context } = tools;
  const began = context.clock.now();
  const before = await findUnchanged(repository, configuration.application, observed);
  const skipped = configuration.components
    .filter(({ name }) => components.every((component) => component.name !== name))
    .map(({ name }) => ({ name, reason: 'it was not asked for' }));
  const version = await readApplicationVersion(tools);
  let manifest: ApplicationManifest | undefined;
  const unchanged = new Set<string>();
  const order: BackupOrder = {
    ...request.order,
    application: configuration.application,
    components: planComponents(tools, observed, before, unchanged, { repository, dryRun: request.order.dryRun === true }),
    closing: (saved, failed, time) => {
      const facts = { configuration, text, version, components: observed, skipped, time, began, unchanged, saved, failed };
      manifest = makeManifest({ ...facts, host: request.order.host, ended: context.clock.now() });
      return Promise.resolve(makePointComponent(manifest, text, context.environment));
    },
  };
  const services = request.order.dryRun === true ? [] : configuration.quiesce;
  const save = (): Promise<StoppedWork<BackupReport>> => withStoppedServices(tools, services, () => backUp(repository, order, context));
  const { result, problems } = await (request.order.dryRun === true ? save() : withLabelledContainers(tools, components, save));
  return {
    ...result,
    application: configuration.application,
    ...(manifest === undefined ? {} : { manifest }),
    unchanged: [...unchanged],
    problems: result.problems + problems,
  };
}

/** For the hooks: one sentence about what is not as it should be. */
function whatFailed({ failed, copies }: ApplicationBackupReport): string | undefined {
  const components = failed.map(({ component, error }) => `${component}: ${reasonOf(error)}`);
  const repositories = copies.flatMap(({ name, error }) => (error === undefined ? [] : [`repository ${name}: ${reasonOf(error)}`]));
  return [...components, ...repositories].join('; ') || undefined;
}
