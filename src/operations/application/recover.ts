/** The whole application, on an empty machine, from a repository and its password alone: plan, ask, do, report. */
import type { Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError } from '../../errors.ts';
import { findPoint } from '../find-point.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import { applicationOf, loadPoints, type Point } from '../points.ts';
import { createTools, type ApplicationContext } from './application-tools.ts';
import { expectRecovery, type ExpectedRestores } from './expect-recovery.ts';
import { findManifests, readRecordsOf, type PointRecords } from './find-manifest.ts';
import { hashOf } from './point-source.ts';
import type { RecoveryRun } from './recovery-actions.ts';
import { beginJournal, continueJournal, journalFile, readJournal, type JournalState } from './recovery-journal.ts';
import { planRecovery, type RecoveryPlan } from './recovery-plan.ts';
import { keepReport, makeReport, type RecoveryReport } from './recovery-report.ts';
import { withRecoveryLock } from './recovery-lock.ts';
import { runSteps } from './recovery-steps.ts';
import type { BegunRecovery } from './tell-recovery.ts';
import { restoredEnvironment } from './referenced-variables.ts';
import { placeBelow } from './restore-tree.ts';
import { readRestoreTimes } from './restore-times.ts';

export interface RecoveryRequest {
  /** The newest that holds a manifest where none is named. */
  readonly point?: string;
  /** Needed where the repository holds points of several. */
  readonly application?: string;
  /** Files, code and configuration go below this folder, with their whole paths. Absolute. */
  readonly target?: string;
  readonly resume: boolean;
  readonly dryRun: boolean;
  readonly safetyCopy: boolean;
  readonly lock: LockChoice;
  /** Shown the plan, and what was done before, before anything is done; false ends without doing anything. */
  readonly confirm: (plan: RecoveryPlan, before: JournalState | undefined) => Promise<boolean>;
  /** Called when it begins for real, where the configuration says who is told. */
  readonly onBegin?: (begun: BegunRecovery) => void | Promise<void>;
}

export interface RecoveryResult {
  readonly plan: RecoveryPlan;
  /** Absent where nothing was done. */
  readonly report?: RecoveryReport;
  /** Where the report is kept. */
  readonly kept?: { readonly file?: string; readonly point?: string };
  /** What ended it before all steps were done. */
  readonly failure?: HoldfastError;
}

/** Throws `recovery-point-missing`, `recovery-resume`, `configuration`, and what planning meets; a step that fails is in the result. */
export function recover(repository: Repository, request: RecoveryRequest, context: ApplicationContext): Promise<RecoveryResult> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ events, signal }) => {
      const locked = { ...context, events, signal };
      const file = journalFile(context.stateFolder, repository.config.id);
      const begun = request.resume ? await readUnfinished(file) : undefined;
      const { base, points } = choosePoint(await loadPoints(repository), repository, request, begun, locked);
      const work = (): Promise<RecoveryResult> => recoverPoint(repository, { base, points }, request, locked);
      if (request.dryRun) return work();
      const subject = { application: applicationOf(base) ?? '', repository: repository.config.id, now: context.clock.now() };
      return withRecoveryLock(context.stateFolder, subject, work);
    },
  });
}

async function recoverPoint(
  repository: Repository,
  { base, points }: ChosenPoint,
  request: RecoveryRequest,
  context: ApplicationContext,
): Promise<RecoveryResult> {
  const file = journalFile(context.stateFolder, repository.config.id);
  // Only now: until the lock was held, another may have gone on with it.
  const before = request.resume ? await readUnfinished(file) : undefined;
  const records = await readRecordsOf(repository, base);
  const { configuration, environment } = await readConfiguration(records, request.target, context);
  const times = await readRestoreTimes(context.stateFolder);
  const plan = planRecovery({
    configuration,
    configurationHash: hashOf(records.text),
    base,
    points,
    ...(request.target === undefined ? {} : { target: request.target }),
    lastSeconds: (component) => times[`${configuration.application}/${component}`]?.seconds,
  });
  if (!(await request.confirm(plan, before)) || request.dryRun) return { plan };
  if (request.onBegin !== undefined && (configuration.notify ?? []).length > 0) {
    const expected = await expectRecovery(repository, restoresOf(plan), context.clock.now());
    const began = before === undefined ? context.clock.now() : new Date(before.began);
    const isResumed = before !== undefined;
    await request.onBegin({ plan, configuration, environment, began, isResumed, ...(expected === undefined ? {} : { expected }) });
  }
  const run: RecoveryRun = {
    tools: createTools(configuration, { ...context, environment }),
    repository,
    records,
    safetyCopy: request.safetyCopy,
    lock: request.lock,
    snapshots: new Map(points.flatMap(({ components }) => components.map((component) => [component.id, component] as const))),
    ...(request.target === undefined ? {} : { target: request.target }),
  };
  return carryOut(run, plan, file, before);
}

function restoresOf({ application, steps }: RecoveryPlan): ExpectedRestores {
  const restores = steps.flatMap(({ action, lastSeconds }) =>
    action.type === 'restore' ? [{ component: action.component, ...(lastSeconds === undefined ? {} : { lastSeconds }) }] : [],
  );
  return { application, restores };
}

async function carryOut(run: RecoveryRun, plan: RecoveryPlan, file: string, before: JournalState | undefined): Promise<RecoveryResult> {
  const { context } = run.tools;
  const began = before === undefined ? context.clock.now() : new Date(before.began);
  const journal =
    before === undefined ? await beginJournal(context.stateFolder, file, plan, began) : await continueJournal(file, before, plan);
  try {
    const { steps, failure } = await runSteps(run, plan, journal, before);
    const report = makeReport(plan, run.repository, steps, { began, ended: context.clock.now(), resumed: before !== undefined });
    if (failure === undefined) await journal.end(report.status);
    const kept = await keepReport(report, run.repository, run.lock, context);
    return { plan, report, kept, ...(failure === undefined ? {} : { failure }) };
  } finally {
    await journal.close();
  }
}

/** Throws `recovery-resume` where there is nothing to go on with. */
async function readUnfinished(file: string): Promise<JournalState> {
  const state = await readJournal(file);
  if (state === undefined)
    throw new HoldfastError('recovery-resume', { reason: 'no recovery from this repository was begun on this host' });
  if (state.ended) throw new HoldfastError('recovery-resume', { reason: 'the last recovery from this repository came to its end' });
  return state;
}

interface ChosenPoint {
  readonly base: Point;
  /** All of the same application and host. */
  readonly points: readonly Point[];
}

function choosePoint(
  all: readonly Point[],
  repository: Repository,
  { point, application }: RecoveryRequest,
  before: JournalState | undefined,
  { clock, events }: ApplicationContext,
): ChosenPoint {
  const whole = findManifests(all, application === undefined ? {} : { application });
  const missing = (reason: string): HoldfastError => new HoldfastError('recovery-point-missing', { location: repository.location, reason });
  if (whole.length === 0)
    throw missing(
      application === undefined ? 'no point there was made with a configuration' : `no point there is of the application "${application}"`,
    );
  // What was begun goes on with its point, though newer ones may have come meanwhile.
  const name = point ?? before?.point;
  const applications = [...new Set(whole.map((each) => applicationOf(each) ?? ''))];
  if (name === undefined && applications.length > 1)
    throw missing(`it holds points of ${applications.join(', ')}, and --application says which is meant`);
  const named = findPoint(name === undefined || /^[0-9a-f]+$/.test(name) ? all : whole, {
    name: name ?? whole.at(-1)?.id ?? 'latest',
    now: clock.now(),
    events,
  });
  const base = named.point;
  if (!whole.includes(base)) throw missing(`the point ${base.id.slice(0, 8)} was made without a configuration`);
  const points = all.filter((each) => each.host === base.host && applicationOf(each) === applicationOf(base) && holdsData(each));
  return { base, points };
}

function holdsData({ components }: Point): boolean {
  return components.every(({ tags }) => tags.kind !== 'report' && !tags.own.includes('safety'));
}

/** The configuration of the point, as if it lay where it will be written. Throws `configuration`. */
async function readConfiguration(
  { manifest, text, variables }: PointRecords,
  target: string | undefined,
  { environment }: ApplicationContext,
): Promise<{ configuration: Configuration; environment: ApplicationContext['environment'] }> {
  const { parseConfiguration } = await import('../../config/parse-configuration.ts');
  const { configurationError } = await import('../../config/load-configuration.ts');
  const restored = restoredEnvironment(text, variables, environment);
  const file = placeBelow(target, manifest.configuration.file);
  const parsed = parseConfiguration(text, { file, environment: restored, profile: manifest.profile ?? undefined });
  if ('problems' in parsed) throw configurationError({ file, problems: parsed.problems }, '/');
  return { configuration: parsed.configuration, environment: restored };
}
