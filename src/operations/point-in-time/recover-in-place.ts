/** Puts a server back to a moment, where it is: stopped, kept aside, recovered, started again; as before where that fails. */
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, realpath, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { startWatchdog } from '../../sources/docker/start-watchdog.ts';
import { findLiveServer, readSystemId, type LiveServer } from '../../sources/postgres/recovery/live-server.ts';
import { findServerPrograms } from '../../sources/postgres/recovery/server-programs.ts';
import { runHere, type ServerRunner } from '../../sources/postgres/recovery/server-runner.ts';
import { settleOwner, type ServerUser } from '../../sources/postgres/recovery/server-user.ts';
import { assemblePlan, readConfiguration } from './assemble-plan.ts';
import type { ServerInContainer } from './find-container.ts';
import type { MomentPlan } from './moment-plan.ts';
import {
  claimInPlaceNote,
  noteOwnerLives,
  readInPlaceNote,
  removeInPlaceNote,
  writeInPlaceNote,
  type InPlaceNote,
} from './in-place-note.ts';
import { bringBack, moveBack, putAside, type Move } from './put-aside.ts';
import type { MomentReport } from './recover-beside.ts';
import { replay, StepTimer, type MomentContext } from './run-plan.ts';

export interface InPlaceRequest {
  /** Nothing may be changed, not even what an earlier recovery left. */
  readonly dryRun?: boolean;
  readonly amcheck: boolean;
  readonly tablespaces: ReadonlyMap<string, string>;
  readonly programs?: string;
  readonly superusers: readonly string[];
  /** The server runs in a container of this machine. */
  readonly inside?: ServerInContainer;
  /** What is there may be another cluster than the one that was saved: it is kept. */
  readonly anyCluster?: boolean;
}

/** Where each folder is kept meanwhile, and the Docker volume that is made for that. */
export type PlannedMove = Move;

/** What will be done, beside what the plan of the moment says. */
export interface InPlacePlan {
  readonly dataDirectory: string;
  /** For people, where the path alone says little. */
  readonly title?: string;
  readonly runner: ServerRunner;
  readonly server: LiveServer;
  /** It is started afterwards: it runs, or ran before an earlier recovery that did not end. */
  readonly startAfter: boolean;
  /** Where what is there now is kept. */
  readonly moves: readonly PlannedMove[];
  /** Makes what it is to be kept in, and takes that away again where nothing is. */
  readonly aside?: { make(): Promise<void>; discard(): Promise<void> };
  /** Noted for whoever has to put it right. */
  readonly noted?: NonNullable<InPlaceNote['container']>;
  readonly tablespaces: ReadonlyMap<string, string>;
  /** Where the server sees them. */
  readonly links?: ReadonlyMap<string, string>;
  /** Configuration outside the data directory that is not there, and is made. */
  readonly configuration: readonly { readonly path: string; readonly stored: string }[];
  /** As the server sees it. */
  readonly configurationFile?: string;
}

export interface InPlaceReport extends MomentReport {
  /** Where what was there before is kept. */
  readonly kept: readonly string[];
  /** Whether the server runs again. */
  readonly running: boolean;
}

/** Looks at what is there. What a recovery that died left aside is brought back first. Throws `recovery-directory`, `server-programs-missing`. */
export async function planInPlace(plan: MomentPlan, request: InPlaceRequest, context: MomentContext): Promise<InPlacePlan> {
  const { manifest } = plan.base;
  const { inside } = request;
  if (inside !== undefined) return (await import('./plan-in-container.ts')).planInContainer(plan, { ...request, inside }, context);
  const noted = manifest.dataDirectory;
  const ranBefore = await bringBackForgotten(noted, request, context);
  const { folder: programs } = await findServerPrograms(manifest.major, context.environment, request.programs);
  const dataDirectory = existsSync(noted) ? await realpath(noted) : noted;
  if (request.anyCluster !== true) await refuseOtherCluster(plan, dataDirectory);
  const tablespaces = new Map(manifest.tablespaces.map(({ oid, location }) => [oid, request.tablespaces.get(oid) ?? location]));
  const suffix = `before-${context.clock.now().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}`;
  const places = [dataDirectory, ...tablespaces.values()].filter((path) => existsSync(path));
  const main = manifest.configuration.find(({ stored }) => stored === 'postgresql.conf');
  const user = existsSync(dataDirectory) ? await ownerOf(dataDirectory) : undefined;
  const outside = main === undefined ? {} : { configurationFile: main.path };
  const server = await findLiveServer({ dataDirectory, programs, user, signal: context.signal, ...outside });
  return {
    dataDirectory,
    runner: runHere(programs),
    server,
    startAfter: server.running || ranBefore,
    moves: places.map((from) => ({ from, aside: `${from}.${suffix}` })),
    tablespaces,
    configuration: manifest.configuration.filter(({ path }) => !existsSync(path)).map(({ path, stored }) => ({ path, stored })),
    ...outside,
  };
}

export async function refuseOtherCluster({ base }: MomentPlan, path: string): Promise<void> {
  const systemId = await readSystemId(path);
  if (systemId === undefined || systemId === base.manifest.systemId) return;
  throw new HoldfastError('recovery-directory', {
    path,
    reason: `it holds another cluster (${systemId}) than the one that was saved (${base.manifest.systemId})`,
    remedy: 'Recover into a new folder with --target DIR',
  });
}

/** Whether there was something, and its server ran before. */
async function bringBackForgotten(
  dataDirectory: string,
  { dryRun = false }: InPlaceRequest,
  { stateFolder, events }: MomentContext,
): Promise<boolean> {
  const note = await readInPlaceNote(stateFolder, dataDirectory);
  if (note === undefined) return false;
  await checkForgotten(note, dryRun);
  await takeOver(stateFolder, dataDirectory);
  await bringBack(stateFolder, dataDirectory, note.moves);
  if (note.moves.length > 0)
    events({
      type: 'notice',
      message: `An earlier recovery of ${dataDirectory} did not end. What was there before it, kept in ${namesOf(note.moves)}, has been put back.`,
    });
  return note.running;
}

/** Throws `recovery-directory` where what was noted must not be touched: by this run, or because another is at work. */
export async function checkForgotten(note: InPlaceNote, dryRun: boolean): Promise<void> {
  const { dataDirectory: path, moves } = note;
  if (await noteOwnerLives(note)) throw atWork(note);
  if (dryRun && moves.length > 0)
    throw new HoldfastError('recovery-directory', {
      path,
      reason: `an earlier recovery of it did not end, and what was there before is kept in ${namesOf(moves)}`,
      remedy: 'Run the command without --dry-run: that is put back first',
    });
}

/** From here on nobody else puts it right. Throws `recovery-directory` where somebody was faster. */
export async function takeOver(stateFolder: string, dataDirectory: string): Promise<void> {
  if ((await claimInPlaceNote(stateFolder, dataDirectory)) === undefined) throw atWork({ dataDirectory });
}

function atWork({ dataDirectory: path, owner }: Pick<InPlaceNote, 'dataDirectory' | 'owner'>): HoldfastError {
  const who = owner === undefined ? '' : ` (process ${owner.pid})`;
  return new HoldfastError('recovery-directory', {
    path,
    reason: `another recovery of it is at work, or what one left is being put right${who}`,
    remedy: 'Wait until that has ended',
  });
}

/** For people. */
function namesOf(moves: readonly Move[]): string {
  return moves.map(({ aside, volume }) => (volume === undefined ? aside : `the volume ${volume}`)).join(', ');
}

async function ownerOf(path: string): Promise<ServerUser | undefined> {
  const { uid, gid } = await stat(path);
  return process.getuid?.() === 0 && uid !== 0 ? { uid, gid } : undefined;
}

/** Throws what assembling, replaying and starting throw; what was there is back then, and the server runs if it ran. */
export async function recoverInPlace(
  repository: Repository,
  plan: MomentPlan,
  place: InPlacePlan,
  request: InPlaceRequest,
  context: MomentContext,
): Promise<InPlaceReport> {
  const { dataDirectory, server, moves, aside, startAfter } = place;
  const steps = new StepTimer(context);
  const absent = [dataDirectory, ...place.tablespaces.values()].filter((path) => !existsSync(path));
  const { noted } = place;
  const note = { dataDirectory, moves: [...moves], running: startAfter, ...(noted === undefined ? {} : { container: noted }) };
  // Before anything is done: whoever comes after this process knows what there is to start again.
  await writeInPlaceNote(context.stateFolder, note);
  const dismiss = noted === undefined ? undefined : startWatchdog(watchdog, [context.stateFolder, dataDirectory]);
  try {
    if (server.running) await steps.time('stop the server', () => server.stop());
    await aside?.make();
    await putAside(moves, dataDirectory);
    const recovered = await fill(repository, plan, place, request, steps);
    // From here on new transactions may come: whoever comes after a run that dies now may start the server, and must not put anything back.
    await writeInPlaceNote(context.stateFolder, { ...note, moves: [] });
    if (startAfter) await steps.time('start the server', () => server.start());
    const kept = await dropEmpty(moves);
    await aside?.discard();
    await removeInPlaceNote(context.stateFolder, dataDirectory);
    return {
      ...recovered,
      steps: steps.steps,
      seconds: steps.seconds,
      kept: kept.map(({ aside: path, volume }) => (volume === undefined ? path : `the volume ${volume}`)),
    };
  } catch (error) {
    await writeInPlaceNote(context.stateFolder, note);
    // One that did not come up as it should may still be there.
    if (startAfter) await server.stop().catch(() => {});
    await moveBack(moves);
    for (const path of absent) await rm(path, { recursive: true, force: true });
    const tell = (failure: unknown): void => context.events({ type: 'problem', path: dataDirectory, reason: reasonOf(failure) });
    await aside?.discard().catch(tell);
    if (startAfter) await server.start().catch(tell);
    await removeInPlaceNote(context.stateFolder, dataDirectory);
    throw error;
  } finally {
    dismiss?.();
  }
}

/** Puts a server in a container right at once where this process is killed; for others it is left to the next command, which knows its programs. */
const watchdog = fileURLToPath(new URL('./watchdog.ts', import.meta.url));

async function fill(
  repository: Repository,
  plan: MomentPlan,
  place: InPlacePlan,
  request: InPlaceRequest,
  steps: StepTimer,
): Promise<Omit<InPlaceReport, 'steps' | 'seconds' | 'kept'>> {
  const { context } = steps;
  const { dataDirectory, runner, server, tablespaces, links, configurationFile } = place;
  const target = { target: dataDirectory, tablespaces, ...(links === undefined ? {} : { links }) };
  const { bytes } = await steps.time('restore', () => assemblePlan(repository, plan, target, context));
  const user = await settleOwner(dataDirectory, [...tablespaces.values()]);
  await putOutsideConfiguration(repository, plan, place, { user, signal: context.signal });
  const { superusers, amcheck } = request;
  const configuration = configurationFile === undefined ? {} : { configurationFile };
  const asked = { dataDirectory, runner, user, superusers, amcheck, pause: false, ...configuration };
  const replayed = await replay(repository, plan, asked, steps);
  const { outcome, check } = replayed;
  await steps.time('stop', () => replayed.server.stop());
  return {
    outcome,
    ...(check === undefined ? {} : { check }),
    dataDirectory,
    bytes,
    readOnly: false,
    start: server.startText,
    running: place.startAfter,
  };
}

/** Those that hold something. An empty folder is not worth keeping. */
async function dropEmpty(moves: readonly Move[]): Promise<Move[]> {
  const kept: Move[] = [];
  for (const move of moves) {
    const names = await readdir(move.aside).catch(() => []);
    if (names.length > 0) kept.push(move);
    else await rmdir(move.aside).catch(() => {});
  }
  return kept;
}

/** What is there is what the server works with: only what is missing is made. */
async function putOutsideConfiguration(
  repository: Repository,
  plan: MomentPlan,
  { configuration }: InPlacePlan,
  { user, signal }: { readonly user: ServerUser | undefined; readonly signal: AbortSignal },
): Promise<void> {
  if (configuration.length === 0) return;
  const files = new Map((await readConfiguration(repository, plan.base, signal)).map(({ stored, content }) => [stored, content]));
  for (const { path, stored } of configuration) {
    const made = await mkdir(dirname(path), { recursive: true });
    await writeFile(path, files.get(stored) ?? '', { flag: 'wx', mode: 0o640 });
    if (user !== undefined)
      for (const each of [path, ...(made === undefined ? [] : [dirname(path)])]) await chown(each, user.uid, user.gid);
  }
}
