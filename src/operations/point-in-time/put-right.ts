/** What a recovery of a server in a container left when it was killed: undone by the next run, whatever that is for. */
import { existsSync } from 'node:fs';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { connectDocker } from '../../sources/docker/connect-docker.ts';
import type { Container, DockerEngine } from '../../sources/docker/docker-engine.ts';
import { startContainers } from '../../sources/docker/start-containers.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { claimInPlaceNote, listInPlaceNotes, noteOwnerLives, removeInPlaceNote, type InPlaceNote } from './in-place-note.ts';
import { moveBack, type Move } from './put-aside.ts';

/** Seconds. */
const grace = 60;

/**
 * The recovery's own container goes, what was there before is back, and the server is started if it ran; the note goes last. Throws the Docker errors, and what the
 * file system throws.
 */
export async function putRight(docker: DockerEngine, stateFolder: string, note: InPlaceNote): Promise<void> {
  const { purpose, ids } = note.container ?? { purpose: '', ids: [] };
  if (purpose !== '') await docker.removeOwn(purpose);
  const containers: Container[] = [];
  for (const id of ids) {
    const found = await docker.find({ container: id }).catch((error: unknown) => {
      if (isError(error, 'docker-container-missing')) return undefined;
      throw error;
    });
    if (found !== undefined) containers.push(found);
  }
  // Whoever started it meanwhile has found nothing to work with; where nothing is to be put back it works with what was recovered.
  if (note.moves.length > 0) for (const container of containers) await container.stop(grace);
  await moveBack(note.moves);
  await discardVolumes(docker, note.moves);
  if (note.running) await startContainers(containers);
  await removeInPlaceNote(stateFolder, note.dataDirectory);
}

/** Takes volumes away that were made to keep something, and keep nothing. */
export async function discardVolumes(docker: DockerEngine, moves: readonly Move[]): Promise<void> {
  for (const { aside, volume } of moves) if (volume !== undefined && !existsSync(aside)) await docker.removeVolume(volume);
}

/** All that runs of this host left; those that are at work are left alone. What cannot be put right is told, and tried again the next time. */
export async function putRightForgotten({ stateFolder, environment, events, signal }: ApplicationContext): Promise<void> {
  for (const note of await listInPlaceNotes(stateFolder)) {
    if (note.container === undefined || (await noteOwnerLives(note))) continue;
    const { dataDirectory } = note;
    try {
      const done = await putRightHere({ stateFolder, dataDirectory, environment, signal });
      if (done !== undefined) events({ type: 'notice', message: toldOf(done) });
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'interrupted') throw error;
      events({ type: 'problem', path: dataDirectory, reason: `an earlier recovery of it did not end (${reasonOf(error)})` });
    }
  }
}

interface LeftBehind extends Pick<ApplicationContext, 'stateFolder' | 'environment' | 'signal'> {
  readonly dataDirectory: string;
}

/** What one run left, of a server in a container. Undefined where it left nothing, or another is at work. */
export async function putRightHere({ stateFolder, dataDirectory, environment, signal }: LeftBehind): Promise<InPlaceNote | undefined> {
  const note = await claimInPlaceNote(stateFolder, dataDirectory);
  if (note?.container === undefined) return undefined;
  const docker = await connectDocker({ environment: { ...environment, ...note.container.engine }, signal });
  await putRight(docker, stateFolder, note);
  return note;
}

/** For people. */
export function toldOf({ dataDirectory, moves, running }: InPlaceNote): string {
  if (moves.length === 0)
    return `An earlier run recovered ${dataDirectory} and was ended before it could start the server, which has been started if it was to run.`;
  return `An earlier recovery of ${dataDirectory} did not end. What was there before it has been put back${running ? ', and the server runs again' : ''}.`;
}
