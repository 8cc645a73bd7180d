/** Starts what an earlier run stopped and could not start again. */
import { isError } from '../../errors.ts';
import { connectDocker } from './connect-docker.ts';
import type { Container } from './docker-engine.ts';
import { startContainers } from './start-containers.ts';
import { listForgotten, readNote, removeNote, type StopNote } from './stop-note.ts';

export interface ForgottenOptions {
  readonly stateFolder: string;
  /** For what the engine's address needs besides what was noted, such as HOME. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Whether a run that has ended left containers stopped. Cheap: every command may ask. */
export async function hasForgotten(stateFolder: string): Promise<boolean> {
  return (await listForgotten(stateFolder)).length > 0;
}

/**
 * Starts them, and gives their names. Runs that are still at work are left alone. Throws `docker-start-again` and `docker-unreachable`; what could not be
 * started stays noted.
 */
export async function startForgotten({ stateFolder, environment, signal }: ForgottenOptions): Promise<string[]> {
  const started: string[] = [];
  for (const { file, note } of await listForgotten(stateFolder)) started.push(...(await startNoted(file, note, environment, signal)));
  return started;
}

/** Starts what one note says, if it is still there. */
export async function startNoteFile(file: string, environment: ForgottenOptions['environment']): Promise<string[]> {
  const note = await readNote(file);
  return note === undefined ? [] : startNoted(file, note, environment);
}

async function startNoted(
  file: string,
  { engine, containers }: StopNote,
  environment: ForgottenOptions['environment'],
  signal?: AbortSignal,
): Promise<string[]> {
  const docker = await connectDocker({ environment: { ...environment, ...engine }, ...(signal === undefined ? {} : { signal }) });
  const stopped: Container[] = [];
  for (const { id } of containers.toReversed()) {
    const container = await docker.find({ container: id }).catch((error: unknown) => {
      if (isError(error, 'docker-container-missing')) return undefined;
      throw error;
    });
    if (container !== undefined && container.state !== 'running') stopped.push(container);
  }
  await startContainers(stopped);
  await removeNote(file);
  return stopped.map(({ name }) => name);
}
