/** The whole application comes up beside itself: files, databases and volumes of its own, other ports; then it has to be healthy, and pass its smoke tests. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, isError, toHoldfastError } from '../../../errors.ts';
import { findManifests, readRecordsOf } from '../../application/find-manifest.ts';
import type { ApplicationTools } from '../../application/application-tools.ts';
import { planPutBack } from '../../application/put-back.ts';
import { doAction, type RecoveryRun, type StepOutcome } from '../../application/recovery-actions.ts';
import { planRecovery, nameOfSmoke, type RecoveryAction, type RecoveryStep } from '../../application/recovery-plan.ts';
import type { Point } from '../../points.ts';
import type { DrillOutcome } from '../do-drill.ts';
import { describeError, verdictOf } from '../drill-component.ts';
import type { DrilledComponent } from '../drill-report.ts';
import { DrillTimer, type DrillRun } from '../drill-run.ts';
import { makeAssertions } from '../make-assertions.ts';
import { checkSpace } from '../measure-space.ts';
import type { DrillPlan } from '../plan-drill.ts';
import { composeBeside, configureBeside, moveHealth, moveTest, type BesideApplication } from './application-beside.ts';
import { volumeBeside } from './rewrite-compose.ts';

interface FullDrill {
  readonly run: DrillRun;
  readonly plan: DrillPlan;
  readonly target: string;
  recovery: RecoveryRun;
  /** Once its files are there. */
  beside?: BesideApplication;
  readonly components: DrilledComponent[];
  readonly assertions: DrillOutcome['assertions'][number][];
  readonly remarks: string[];
}

/** Throws `drill-not-possible`, and what ends a recovery. */
export async function drillFull(run: DrillRun, plan: DrillPlan, tell: (outcome: DrillOutcome) => void): Promise<DrillOutcome> {
  const { room, repository } = run;
  const base = requireManifest(plan);
  const timer = new DrillTimer(run.context);
  await timer.time('look for room', () => checkSpace({ ...run, drill: { ...run.drill, into: 'cluster' } }, plan.components));
  const records = await readRecordsOf(repository, base);
  const target = join(room.folder, 'application');
  await mkdir(target, { mode: 0o755 });
  room.onEnd(`the folder ${target}`, () => rm(target, { recursive: true, force: true }));
  run.places.folders.set('application', target);
  const tools = configureBeside(run, records, target);
  room.onEnd(`the project ${run.mark.text}`, async () => (await run.tools.docker()).removeProject(run.mark.text));
  const snapshots = new Map(plan.components.map(({ snapshot }) => [snapshot.id, snapshot]));
  const full: FullDrill = {
    run,
    plan,
    target,
    recovery: { tools, repository, records, target, safetyCopy: false, lock: { noLock: true }, snapshots },
    components: [],
    assertions: [],
    remarks: [],
  };
  const outcome = (): DrillOutcome => ({ components: full.components, steps: timer.steps, assertions: full.assertions, findings: [] });
  for (const step of stepsOf(full, base)) {
    await timer.time(step.name, () => doStep(full, step));
    tell(outcome());
  }
  await assertAll(full);
  return { ...outcome(), remarks: full.remarks };
}

/** Only points of a configured application say how it is put together. */
function requireManifest({ point }: DrillPlan): Point {
  if (findManifests([point]).length > 0) return point;
  throw new HoldfastError('drill-not-possible', {
    what: 'the whole application',
    reason: `the point ${point.id.slice(0, 8)} was made without a configuration`,
    remedy: 'Make one with: holdfast backup -c holdfast.yaml',
  });
}

/** As a recovery's, with the components of the drill's plan. */
function stepsOf({ recovery, plan, target }: FullDrill, base: Point): readonly RecoveryStep[] {
  const points: Point[] = plan.components.map(({ snapshot, point }) => ({ ...base, id: point, components: [snapshot] }));
  const merged: Point = { ...base, components: points.flatMap(({ components }) => components) };
  return planRecovery({
    configuration: recovery.tools.configuration,
    configurationHash: recovery.records.manifest.configuration.sha256,
    base: merged,
    points: [merged],
    target,
    lastSeconds: () => undefined,
  }).steps;
}

const beforeCompose = new Set<RecoveryAction['type']>(['write-configuration']);

async function doStep(full: FullDrill, { action, name }: RecoveryStep): Promise<void> {
  const { run } = full;
  const isFile =
    action.type === 'restore' && ['code', 'config', 'files'].includes(kindOf(full, action.component)) && !isVolume(full, action.component);
  if (full.beside === undefined && !isFile && !beforeCompose.has(action.type)) {
    const beside = await composeBeside(run, full.recovery.tools, full.target);
    full.beside = beside;
    full.recovery = { ...full.recovery, tools: beside.tools };
  }
  const ports = full.beside?.ports ?? new Map<number, number>();
  switch (action.type) {
    case 'restore':
      return restoreComponent(full, action);
    case 'health': {
      const health = moveHealth(action.health, ports);
      if (health === undefined) full.remarks.push(`"${name}" was left out: it would ask the live application`);
      else await doAction(full.recovery, { type: 'health', health }, false);
      return;
    }
    case 'smoke': {
      const test = moveTest(action.test, ports);
      if (test === undefined) full.remarks.push(`"${name}" was left out: it would ask the live application`);
      else await makeSmokeTest(full, { type: 'smoke', test });
      return;
    }
    default:
      await doAction(full.recovery, action, false);
  }
}

/** The drill's own assertions. A command of this machine was written for it, and is told where everything lies. */
async function assertAll(full: FullDrill): Promise<void> {
  const { run, recovery, beside } = full;
  for (const test of run.drill.assertions) {
    if ('run' in test) {
      const one = { ...run, drill: { ...run.drill, assertions: [test] }, tools: recovery.tools };
      full.assertions.push(...(await makeAssertions(one)));
      continue;
    }
    const moved = moveTest(test, beside?.ports ?? new Map());
    if (moved === undefined) full.remarks.push(`"${nameOfSmoke(test)}" was left out: it would ask the live application`);
    else await makeSmokeTest(full, { type: 'smoke', test: moved });
  }
}

/** What one of them says does not keep the others from being asked. */
async function makeSmokeTest(full: FullDrill, action: Extract<RecoveryAction, { type: 'smoke' }>): Promise<void> {
  const { clock } = full.run.context;
  const began = clock.now().getTime();
  const failure = await doAction(full.recovery, action, false).then(
    () => undefined,
    (error: unknown) => {
      if (!isError(error, 'smoke-failed')) throw error;
      return describeError(error, full.run).message;
    },
  );
  const seconds = Math.max(0, clock.now().getTime() - began) / 1000;
  const reason = failure === undefined ? {} : { reason: failure };
  full.assertions.push({ name: nameOfSmoke(action.test).slice(0, 1000), passed: failure === undefined, seconds, ...reason });
}

async function restoreComponent(full: FullDrill, action: Extract<RecoveryAction, { type: 'restore' }>): Promise<void> {
  const { run, recovery } = full;
  const { clock } = run.context;
  const began = clock.now().getTime();
  const about = { name: action.component, kind: kindOf(full, action.component), point: action.point, snapshot: action.snapshot };
  const seconds = (): number => Math.max(0, clock.now().getTime() - began) / 1000;
  try {
    const { facts, problems } = isVolume(full, action.component)
      ? await restoreVolumes(full, action)
      : await doAction(recovery, action, false);
    const compared = Object.fromEntries(
      ['tables', 'rows', 'files', 'bytes', 'keys'].flatMap((name) => (typeof facts[name] === 'number' ? [[name, facts[name]]] : [])),
    );
    const mismatches = problems === 0 ? [] : [`${problems} entries could not be restored as they were`];
    const bytes = recovery.snapshots.get(action.snapshot)?.snapshot.summary?.total_bytes_processed ?? 0;
    const verdict = problems === 0 ? 'proven' : 'disproved';
    full.components.push({ ...about, verdict, seconds: seconds(), steps: [], bytes, compared, mismatches, remarks: [] });
  } catch (thrown) {
    const error = toHoldfastError(thrown);
    const failed = { verdict: verdictOf(error), error: describeError(error, run) };
    full.components.push({ ...about, ...failed, seconds: seconds(), steps: [], bytes: 0, compared: {}, mismatches: [], remarks: [] });
    throw error;
  }
}

/** Into volumes of the drill's project, never into those they were saved from. */
async function restoreVolumes({ run, recovery }: FullDrill, action: Extract<RecoveryAction, { type: 'restore' }>): Promise<StepOutcome> {
  const { tools, repository, snapshots } = recovery;
  const snapshot = snapshots.get(action.snapshot);
  const configuration = findComponent(tools, action.component);
  if (snapshot === undefined || configuration === undefined)
    throw new HoldfastError('internal', { reason: 'the plan names what is not there' });
  const project = { project: run.mark.text, liveProject: await run.tools.project() };
  const sums = { files: 0, bytes: 0 };
  let problems = 0;
  for (const path of snapshot.snapshot.paths) {
    const [, volume] = /\/volumes\/([^/]+)\/_data$/.exec(path) ?? [];
    if (volume === undefined) continue;
    const into = volumeBeside(volume, project);
    const which = configuration.source.kind === 'volumes' ? { volume } : {};
    const putBack = await planPutBack({ tools, repository, configuration, snapshot, into, ...which });
    const done = await putBack.carryOut(tools.context);
    sums.files += Number(done.facts['files'] ?? 0);
    sums.bytes += Number(done.facts['bytes'] ?? 0);
    problems += done.problems;
  }
  return { facts: sums, problems };
}

function findComponent(
  { configuration }: ApplicationTools,
  name: string,
): ApplicationTools['configuration']['components'][number] | undefined {
  return configuration.components.find((component) => component.name === name);
}

function kindOf({ recovery }: FullDrill, name: string): string {
  return findComponent(recovery.tools, name)?.source.kind ?? '';
}

function isVolume({ recovery }: FullDrill, name: string): boolean {
  const source = findComponent(recovery.tools, name)?.source;
  return source?.kind === 'volumes' || (source?.kind === 'files' && source.volume !== undefined);
}
