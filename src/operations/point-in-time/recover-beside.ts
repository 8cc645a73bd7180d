/** Goes back to a moment in a new folder, beside whatever is live: for looking, or to make it a server of its own. */
import { readdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Repository } from '../../engine/repository.ts';
import type { RelationCheck } from '../../sources/postgres/recovery/check-relations.ts';
import type { RecoveryOutcome } from '../../sources/postgres/recovery/end-state.ts';
import { settingsOfAim } from '../../sources/postgres/recovery/recovery-settings.ts';
import type { Settings } from '../../sources/postgres/recovery/recovery-target.ts';
import { startCommand, startDetached } from '../../sources/postgres/recovery/server-control.ts';
import type { ServerUser } from '../../sources/postgres/recovery/server-user.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { putConfiguration, settleAside } from '../../sources/postgres/recovery/settle-directory.ts';
import { assemblePlan, readConfiguration } from './assemble-plan.ts';
import { checkTarget, isThere } from './check-target.ts';
import { chooseRunner, type ChosenRunner, type RunnerChoice } from './choose-runner.ts';
import type { MomentPlan } from './moment-plan.ts';
import { replay, StepTimer, type MomentContext, type ReplayedServer, type TimedStep } from './run-plan.ts';

export interface BesideRequest extends Pick<RunnerChoice, 'programs' | 'inside'> {
  /** Becomes the data directory: absent or empty. */
  readonly target: string;
  /** Left running there, on this machine only; without one it is stopped when it has been looked at. */
  readonly port?: number;
  /** Left as it is at the moment, for reading only. Needs `port`. */
  readonly pause: boolean;
  readonly amcheck: boolean;
  /** Folders for tablespaces, by oid; else below `<target>-tablespaces`. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /** Who may be a superuser of the cluster. */
  readonly superusers: readonly string[];
}

export interface MomentReport {
  readonly outcome: RecoveryOutcome;
  readonly check?: RelationCheck;
  readonly dataDirectory: string;
  readonly bytes: number;
  readonly steps: readonly TimedStep[];
  readonly seconds: number;
  /** Listens there now; absent where it is stopped. */
  readonly port?: number;
  /** It does not take changes. */
  readonly readOnly: boolean;
  /** How to start it. */
  readonly start: string;
}

/** Settings that were changed for this machine and must stay. */
const lasting = [
  'shared_preload_libraries',
  'shared_buffers',
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/** Throws `recovery-directory`, `server-programs-missing`, and what assembling and replaying throw; what was written to the target is gone then. */
export async function recoverBeside(
  repository: Repository,
  plan: MomentPlan,
  request: BesideRequest,
  context: MomentContext,
): Promise<MomentReport> {
  const target = resolve(request.target);
  const { manifest } = plan.base;
  const steps = new StepTimer(context);
  await checkTarget(target);
  const tablespaces = placeTablespaces(plan, request, target);
  for (const path of tablespaces.values()) await checkTarget(path);
  const places = [target, ...tablespaces.values()];
  const chosen = await chooseRunner({ ...choiceOf(request), major: manifest.major, folders: places }, context);
  const before = await Promise.all(places.map(isThere));
  try {
    const { bytes } = await steps.time('restore', () => assemblePlan(repository, plan, { target, tablespaces }, context));
    const user = await settleOwner(target, [...tablespaces.values()]);
    await putConfiguration(target, await readConfiguration(repository, plan.base, context.signal), user);
    const place = {
      dataDirectory: target,
      user,
      major: manifest.major,
      settings: manifest.settings,
      ...(request.port === undefined ? {} : { port: request.port }),
    };
    await settleAside(place);
    const replayed = await replay(
      repository,
      plan,
      {
        dataDirectory: target,
        runner: chosen.runner,
        user,
        pause: request.pause,
        amcheck: request.amcheck,
        superusers: request.superusers,
      },
      steps,
    );
    const { outcome } = replayed;
    const isPaused = outcome.state === 'paused';
    await steps.time('stop', () => replayed.server.stop({ keepSpool: isPaused }));
    await settleAside(place, lastSettings(plan, request, replayed));
    const { programs } = chosen;
    if (request.port !== undefined && programs !== undefined)
      await steps.time('start', () => startDetached({ programs, dataDirectory: target, user }));
    return {
      outcome,
      ...(replayed.check === undefined ? {} : { check: replayed.check }),
      dataDirectory: target,
      bytes,
      steps: steps.steps,
      seconds: steps.seconds,
      ...(request.port === undefined ? {} : { port: request.port }),
      readOnly: request.pause,
      start: startText(chosen, target, user),
    };
  } catch (error) {
    for (const [index, path] of places.entries()) await empty(path, before[index] === true);
    throw error;
  }
}

/** A server that is to go on needs this machine's own programs. */
function choiceOf({ port, programs, inside }: BesideRequest): Pick<RunnerChoice, 'programs' | 'inside'> {
  return {
    ...(programs === undefined ? {} : { programs }),
    ...(inside === undefined || port !== undefined ? {} : { inside }),
  };
}

function startText({ programs, image = '' }: ChosenRunner, dataDirectory: string, user: ServerUser | undefined): string {
  if (programs !== undefined) return startCommand({ programs, dataDirectory, user });
  const owner = user === undefined ? '' : ` -u ${user.uid}:${user.gid}`;
  return `docker run -d --network none${owner} -v ${dataDirectory}:${dataDirectory} --entrypoint postgres ${image} -D ${dataDirectory}`;
}

/** Links lead to places of the machine that was saved: on this one each tablespace needs a folder. */
function placeTablespaces({ base }: MomentPlan, { tablespaces }: BesideRequest, target: string): Map<string, string> {
  return new Map(base.manifest.tablespaces.map(({ oid }) => [oid, resolve(tablespaces.get(oid) ?? `${target}-tablespaces/${oid}`)]));
}

function lastSettings(plan: MomentPlan, { pause }: BesideRequest, { server, outcome }: ReplayedServer): Settings {
  const adjusted = Object.fromEntries(Object.entries(server.adjusted).filter(([name]) => lasting.includes(name)));
  if (!pause) return adjusted;
  if (outcome.state === 'paused') return { ...adjusted, ...settingsOfAim({ target: plan.aim, timeline: plan.timeline, action: 'pause' }) };
  return { ...adjusted, default_transaction_read_only: 'on' };
}

async function empty(path: string, wasThere: boolean): Promise<void> {
  if (!wasThere) return rm(path, { recursive: true, force: true });
  for (const name of await readdir(path).catch(() => []))
    if (name !== 'lost+found') await rm(`${path}/${name}`, { recursive: true, force: true });
}
