/** Puts one component of a configured application back where it came from: plan, ask, save what is there, do. */
import type { ComponentConfiguration, Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError } from '../../errors.ts';
import { locatePoint } from '../browse.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import type { PointRequest } from '../point-request.ts';
import type { Point, PointComponent } from '../points.ts';
import { createTools, type ApplicationContext, type ApplicationTools } from './application-tools.ts';
import { factsOf, findManifests, readManifestOf } from './find-manifest.ts';
import { planPutBack, type Facts, type PutBack, type PutBackRequest } from './put-back.ts';
import { readRestoreTimes, rememberRestoreTime, type RestoreTime } from './restore-times.ts';
import { type SafetyCopy, takeSafetyCopy } from './safety-copy.ts';
import { startForgottenServices, withStoppedServices } from './stopped-services.ts';

export interface ComponentRestoreRequest extends Pick<PutBackRequest, 'into' | 'volume' | 'path' | 'database' | 'files'> {
  /** Its name; may be left out where the configuration has only one. */
  readonly component?: string;
  readonly point: PointRequest;
  readonly safetyCopy: boolean;
  /** Only the plan. */
  readonly dryRun: boolean;
  readonly lock: LockChoice;
  /** Shown the plan before anything is done; false ends without doing anything. */
  readonly confirm: (plan: ComponentRestorePlan) => Promise<boolean>;
}

/** What will be done. */
export interface ComponentRestorePlan {
  readonly application: string;
  readonly component: string;
  readonly kind: string;
  readonly point: { readonly id: string; readonly time: string; readonly host: string };
  readonly effects: readonly string[];
  /** Services that are stopped meanwhile. */
  readonly stops: readonly string[];
  readonly safetyCopy: boolean;
  /** How long the last restore of this component took on this host. */
  readonly last?: RestoreTime;
}

export interface ComponentRestoreReport {
  readonly plan: ComponentRestorePlan;
  readonly done: boolean;
  readonly facts: Facts;
  readonly seconds: number;
  readonly problems: number;
  readonly safety?: SafetyCopy;
}

interface Located {
  readonly tools: ApplicationTools;
  readonly repository: Repository;
  readonly configuration: ComponentConfiguration;
  readonly point: Point;
  readonly snapshot: PointComponent;
}

/** Throws `component-unknown`, `snapshot-missing`, `restore-not-possible`, `safety-copy-failed`, and the source's errors; then what was there is as it was, or in the safety copy. */
export async function restoreComponent(
  repository: Repository,
  configuration: Configuration,
  request: ComponentRestoreRequest,
  context: ApplicationContext,
): Promise<ComponentRestoreReport> {
  const component = chooseComponent(configuration, request.component);
  const tools = createTools(configuration, context);
  if (!request.dryRun) await startForgottenServices(tools);
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ events, signal }) => {
      const locked = createTools(configuration, { ...context, events, signal });
      const filter = { ...request.point, component: component.name };
      const { point, components } = await locatePoint(repository, filter, locked.context);
      const [snapshot] = components;
      if (snapshot === undefined) throw new HoldfastError('snapshot-missing', { name: request.point.name, reason: 'it is empty' });
      return planAndDo({ tools: locked, repository, configuration: component, point, snapshot }, request);
    },
  });
}

function chooseComponent({ components, file }: Configuration, name: string | undefined): ComponentConfiguration {
  const [only] = components;
  if (name === undefined && components.length === 1 && only !== undefined) return only;
  const there = components.map((component) => component.name).join(', ');
  if (name === undefined)
    throw new HoldfastError('usage', {
      reason: `--component says which of ${there} is meant; all of them come back with: holdfast recover`,
      help: 'holdfast restore --help',
    });
  const found = components.find((component) => component.name === name);
  if (found === undefined) throw new HoldfastError('component-unknown', { name, file, there });
  return found;
}

async function planAndDo(located: Located, request: ComponentRestoreRequest): Promise<ComponentRestoreReport> {
  const { tools, point } = located;
  const { name, source } = located.configuration;
  const { stateFolder, clock } = tools.context;
  const { into, volume, path, database, files } = request;
  const facts = await readFacts(located);
  const putBack = await planPutBack({
    ...located,
    dryRun: request.dryRun,
    ...(facts === undefined ? {} : { facts }),
    ...(into === undefined ? {} : { into }),
    ...(volume === undefined ? {} : { volume }),
    ...(path === undefined ? {} : { path }),
    ...(database === undefined ? {} : { database }),
    ...(files === undefined ? {} : { files }),
  });
  const { application } = tools.configuration;
  const last = (await readRestoreTimes(stateFolder))[`${application}/${name}`];
  const quiesce = putBack.writesLive ? tools.configuration.recovery.quiesce : [];
  const plan: ComponentRestorePlan = {
    application,
    component: name,
    kind: source.kind,
    point: { id: point.id, time: point.time, host: point.host },
    effects: putBack.effects,
    stops: [...new Set([...quiesce, ...putBack.stops])],
    safetyCopy: request.safetyCopy,
    ...(last === undefined ? {} : { last }),
  };
  const nothing = { plan, done: false, facts: {}, seconds: 0, problems: 0 };
  if (!(await request.confirm(plan)) || request.dryRun) return nothing;
  const began = clock.now();
  const { result, problems } = await withStoppedServices(tools, quiesce, () => saveAndPutBack(located, request, putBack));
  const seconds = (clock.now().getTime() - began.getTime()) / 1000;
  const bytes = located.snapshot.snapshot.summary?.total_bytes_processed ?? 0;
  await rememberRestoreTime(stateFolder, `${application}/${name}`, { seconds, bytes, time: began.toISOString() });
  return { plan, done: true, seconds, ...result, problems: result.problems + problems };
}

/** A safety copy has no manifest. */
async function readFacts({ repository, point, configuration }: Located): Promise<Facts | undefined> {
  if (findManifests([point]).length === 0) return undefined;
  return factsOf(await readManifestOf(repository, point), configuration.name);
}

/** What is there is saved while the component's own service still runs: a cache is read through its server. */
async function saveAndPutBack(
  { tools, repository, configuration }: Located,
  { safetyCopy, lock }: ComponentRestoreRequest,
  putBack: PutBack,
): Promise<Pick<ComponentRestoreReport, 'facts' | 'problems' | 'safety'>> {
  const safety = safetyCopy ? await takeSafetyCopy(tools, repository, configuration.name, putBack, lock) : undefined;
  const { result, problems } = await withStoppedServices(tools, putBack.stops, () => putBack.carryOut(tools.context));
  return { facts: result.facts, problems: result.problems + problems, ...(safety === undefined ? {} : { safety }) };
}
