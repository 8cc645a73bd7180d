/** How each step of a recovery is done. */
import { chmod, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ComponentConfiguration, PostgresConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, isError } from '../../errors.ts';
import { openCapturedTree } from '../captured-tree.ts';
import type { LockChoice } from '../open-session.ts';
import type { PointComponent } from '../points.ts';
import { openPostgres } from './application-sources.ts';
import type { ApplicationTools } from './application-tools.ts';
import { composeUp } from './compose-program.ts';
import { factsOf, type PointRecords } from './find-manifest.ts';
import { planPutBack, type Facts, type PutBack } from './put-back.ts';
import type { RecoveryAction } from './recovery-plan.ts';
import { rememberRestoreTime } from './restore-times.ts';
import { runCommand } from './run-command.ts';
import { takeSafetyCopy } from './safety-copy.ts';
import { runSmokeTest } from './smoke-test.ts';
import { startAllServices, startServices } from './start-services.ts';
import { waitUntilHealthy } from './wait-until-healthy.ts';

export interface RecoveryRun {
  readonly tools: ApplicationTools;
  readonly repository: Repository;
  readonly records: PointRecords;
  readonly target?: string;
  readonly safetyCopy: boolean;
  readonly lock: LockChoice;
  /** By their ids. */
  readonly snapshots: ReadonlyMap<string, PointComponent>;
}

export interface StepOutcome {
  readonly facts: Facts;
  readonly problems: number;
}

const nothing: StepOutcome = { facts: {}, problems: 0 };
const databaseLimitMs = 120_000;
const serviceLimitMs = 300_000;

/** Does one step. `again`: an earlier run began it and did not come to its end. Throws what keeps it from being done. */
export async function doAction(run: RecoveryRun, action: RecoveryAction, again: boolean): Promise<StepOutcome> {
  const { tools } = run;
  switch (action.type) {
    case 'restore':
      return restore(run, action, again);
    case 'write-configuration':
      return writeConfiguration(run, action.file);
    case 'create-services':
      await composeUp(tools, [], { start: false });
      return nothing;
    case 'start-services':
      await startServices(tools, action.services, serviceLimitMs);
      return nothing;
    case 'wait-for-database':
      return waitForDatabase(run, action.component);
    case 'stop-services':
      return stopRunning(tools, action.services);
    case 'run':
      await runCommand(tools, { command: action.command, what: 'the command' });
      return nothing;
    case 'start-all':
      await startAllServices(tools);
      return nothing;
    case 'health':
      await waitUntilHealthy(tools, action.health);
      return nothing;
    case 'smoke':
      await runSmokeTest(tools, action.test);
      return nothing;
  }
}

async function restore(run: RecoveryRun, action: Extract<RecoveryAction, { type: 'restore' }>, again: boolean): Promise<StepOutcome> {
  const { tools, repository, target, snapshots, safetyCopy, lock } = run;
  const { context, configuration: application } = tools;
  const configuration = findComponent(run, action.component);
  const snapshot = snapshots.get(action.snapshot);
  if (snapshot === undefined)
    throw new HoldfastError('snapshot-missing', { name: action.snapshot.slice(0, 8), reason: 'it is not there any more' });
  const began = context.clock.now();
  const { kind } = configuration.source;
  const roles = kind === 'postgres' && (await holdsRoles(repository, snapshot, context.signal));
  const facts = factsOf(run.records.manifest, action.component);
  const plan = (recreate: boolean): Promise<PutBack> =>
    planPutBack({
      tools,
      repository,
      configuration,
      snapshot,
      ...(facts === undefined ? {} : { facts }),
      ...(target === undefined ? {} : { target }),
      ...(kind === 'postgres' ? { database: { recreate, roles } } : {}),
    });
  const putBack = await plan(false);
  // What an earlier run had begun to put back is not worth keeping; what it overwrote is in the copy that it took.
  const safety = safetyCopy && !again ? await takeSafetyCopy(tools, repository, configuration.name, putBack, lock) : undefined;
  // Files of this machine come back before the step that stops those who may be writing to them.
  const quiesce = kind === 'files' && putBack.writesLive && (await tools.project()) !== undefined ? application.recovery.quiesce : [];
  if (putBack.stops.length + quiesce.length > 0) await stopRunning(tools, [...putBack.stops, ...quiesce]);
  const done = await carryOut(putBack, () => plan(true), run);
  checkValues(configuration.name, done.facts);
  const seconds = (context.clock.now().getTime() - began.getTime()) / 1000;
  const bytes = snapshot.snapshot.summary?.total_bytes_processed ?? 0;
  await rememberRestoreTime(context.stateFolder, `${application.application}/${configuration.name}`, {
    seconds,
    bytes,
    time: began.toISOString(),
  });
  const copy: Facts = safety !== undefined && 'point' in safety ? { safetyCopy: safety.point } : {};
  return { facts: { ...done.facts, ...copy }, problems: done.problems };
}

/** Nothing behind it would find its secrets: services would be made without them. Throws `values-missing`. */
function checkValues(component: string, { needs, folder }: Facts): void {
  if (typeof needs !== 'string') return;
  // Of `services.db.environment.PASSWORD` the last part names the variable.
  const first = needs.split(', ')[0]?.split('.').at(-1) ?? needs;
  throw new HoldfastError('values-missing', { component, names: needs, first, folder: folder ?? '' });
}

/** A database that is there and holds something is replaced: the plan has said so, and a copy of it is taken. */
async function carryOut(putBack: PutBack, recreating: () => Promise<PutBack>, { tools }: RecoveryRun): Promise<StepOutcome> {
  try {
    return await putBack.carryOut(tools.context);
  } catch (error) {
    if (isError(error, 'postgres-restore-refused')) return (await recreating()).carryOut(tools.context);
    throw error;
  }
}

/** A server that is new does not have the roles that own what is restored. Who may not read them has saved none. */
async function holdsRoles(repository: Repository, snapshot: PointComponent, signal: AbortSignal): Promise<boolean> {
  for await (const { path } of openCapturedTree(repository, snapshot, signal).list('/postgres'))
    if (path.endsWith('/roles.sql')) return true;
  return false;
}

function findComponent({ tools }: RecoveryRun, name: string): ComponentConfiguration {
  const found = tools.configuration.components.find((component) => component.name === name);
  if (found === undefined)
    throw new HoldfastError('internal', { reason: `the plan names a component "${name}" that the configuration does not have` });
  return found;
}

/** What lies there and is something else is kept beside it. */
async function writeConfiguration({ records }: RecoveryRun, file: string): Promise<StepOutcome> {
  await mkdir(dirname(file), { recursive: true });
  const there = await readFile(file, 'utf8').catch(() => undefined);
  if (there === records.text) return { facts: { file, unchanged: 1 }, problems: 0 };
  const aside = `${file}.before-recovery`;
  if (there !== undefined) await copyFile(file, aside);
  const next = `${file}.${process.pid}.new`;
  await writeFile(next, records.text, { mode: 0o600 });
  await chmod(next, records.manifest.configuration.mode & 0o777);
  await rename(next, file);
  return { facts: { file, ...(there === undefined ? {} : { before: aside }) }, problems: 0 };
}

/** A server that is just being started needs a while; that it does not have the database yet is no matter. */
async function waitForDatabase(run: RecoveryRun, component: string): Promise<StepOutcome> {
  const { tools } = run;
  const { clock, signal } = tools.context;
  const { source } = findComponent(run, component);
  if (source.kind !== 'postgres' && source.kind !== 'postgres-base') return nothing;
  const until = clock.now().getTime() + databaseLimitMs;
  for (;;) {
    const failure = await whyUnreachable(tools, component, { kind: 'postgres', at: source.at });
    if (failure === undefined) return nothing;
    if (signal.aborted || clock.now().getTime() > until) throw failure;
    await sleep(500, undefined, { signal }).catch(() => {});
  }
}

/** Throws what waiting does not help against. */
async function whyUnreachable(
  tools: ApplicationTools,
  component: string,
  source: PostgresConfiguration,
): Promise<HoldfastError | undefined> {
  try {
    await (await openPostgres(tools, component, source)).describe();
    return undefined;
  } catch (error) {
    if (isError(error, 'postgres-database-missing')) return undefined;
    if (isError(error, 'postgres-unreachable')) return error;
    throw error;
  }
}

/** They stay stopped until all services are started: half of its data must not be served. */
async function stopRunning(tools: ApplicationTools, services: readonly string[]): Promise<StepOutcome> {
  const docker = await tools.docker();
  const project = await tools.project();
  const running = await docker.containers(project === undefined ? {} : { project });
  const stopped: string[] = [];
  for (const container of running) {
    if (container.service === undefined || !services.includes(container.service)) continue;
    await container.stop();
    stopped.push(container.name);
  }
  return { facts: stopped.length === 0 ? {} : { stopped: stopped.join(', ') }, problems: 0 };
}
