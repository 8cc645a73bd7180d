/**
 * Services that stand still for a while. They run again whatever happens to this process: what is stopped is noted on disk before it is
 * stopped, a watchdog in a process of its own starts it when this one dies, and the next command does where the watchdog died too.
 */
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../errors.ts';
import type { Container, DockerEngine } from './docker-engine.ts';
import { startContainers } from './start-containers.ts';
import { startWatchdog } from './start-watchdog.ts';
import { removeNote, writeNote } from './stop-note.ts';

export interface StoppedServices {
  /** The names of the containers that were running and are stopped, in that order. */
  readonly containers: readonly string[];
  /** Starts them again, the last stopped first. Throws `docker-start-again` after it has tried all; the note then stays. May be called twice. */
  startAgain(): Promise<void>;
}

/**
 * Stops all running containers of some services. `project` undefined means the engine's own. Where one cannot be stopped, or the signal comes, those stopped
 * before are started again. Throws `docker-service-missing` before anything is stopped, `docker-stop-refused`, `docker-failed`, `interrupted`.
 */
export async function stopServices(
  engine: DockerEngine,
  services: readonly string[],
  project: string | undefined,
  stateFolder: string,
  signal: AbortSignal,
): Promise<StoppedServices> {
  const found: Container[] = [];
  for (const service of services) found.push(...(await engine.service(service, project)));
  return stopContainers(engine, found, stateFolder, signal);
}

/** The same for containers, of whatever service. Those that do not run are left as they are. */
export async function stopContainers(
  engine: DockerEngine,
  containers: readonly Container[],
  stateFolder: string,
  signal: AbortSignal,
): Promise<StoppedServices> {
  const unique = new Map(containers.map((container) => [container.id, container]));
  const running = [...unique.values()].filter(({ state }) => ['running', 'restarting', 'paused'].includes(state));
  if (running.length === 0) return { containers: [], startAgain: () => Promise.resolve() };
  const noted = running.map(({ id, name }) => ({ id, name }));
  const file = await writeNote(stateFolder, { engine: engine.environment, containers: noted });
  const dismiss = startWatchdog(fileURLToPath(new URL('./watchdog.ts', import.meta.url)), [file]);
  const stopped: Container[] = [];
  const startAgain = async (): Promise<void> => {
    await startContainers(stopped.toReversed());
    await removeNote(file);
    dismiss();
  };
  try {
    for (const container of running) {
      if (signal.aborted) throw new HoldfastError('interrupted');
      /* Before it is asked: it may stop and the answer be lost. */
      stopped.push(container);
      await container.stop();
    }
    if (signal.aborted) throw new HoldfastError('interrupted');
  } catch (error) {
    await startAgain().catch(() => {});
    throw error;
  }
  let starting: Promise<void> | undefined;
  return { containers: running.map(({ name }) => name), startAgain: () => (starting ??= startAgain()) };
}
