/** Services that are stopped while their data is read or put back, and started again whatever happens. */
import { isError, reasonOf } from '../../errors.ts';
import type { StoppedServices } from '../../sources/docker/stop-services.ts';
import type { ApplicationTools } from './application-tools.ts';
import { composeServices } from './compose-file.ts';

export interface StoppedWork<Result> {
  readonly result: Result;
  /** 1 where a service could not be started again after the work was done; it was told. */
  readonly problems: number;
}

/** Works while the services are stopped; one that has no container stands still already, which a notice tells. Throws Docker's errors, and what the work throws. */
export async function withStoppedServices<Result>(
  tools: ApplicationTools,
  services: readonly string[],
  work: () => Promise<Result>,
): Promise<StoppedWork<Result>> {
  if (services.length === 0) return { result: await work(), problems: 0 };
  const { stopServices } = await import('../../sources/docker/stop-services.ts');
  const { stateFolder, signal } = tools.context;
  const there = await withContainers(tools, services);
  return whileStopped(tools, await stopServices(await tools.docker(), there, undefined, stateFolder, signal), work);
}

/** Those that have a container. Throws `docker-service-missing` for one that the Compose file does not have either. */
async function withContainers(tools: ApplicationTools, services: readonly string[]): Promise<string[]> {
  const { configuration, context } = tools;
  const docker = await tools.docker();
  const there: string[] = [];
  for (const service of services) {
    try {
      await docker.service(service);
      there.push(service);
    } catch (error) {
      if (!isError(error, 'docker-service-missing')) throw error;
      const known = await composeServices(configuration, context.environment);
      if (known !== undefined && !known.includes(service)) throw error;
      context.events({ type: 'notice', message: `The service "${service}" has no container, so there is nothing to stop.` });
    }
  }
  return there;
}

/** Works while the containers that use these volumes are stopped. */
export async function withStoppedUsers<Result>(
  tools: ApplicationTools,
  volumes: readonly string[],
  work: () => Promise<Result>,
): Promise<StoppedWork<Result>> {
  const { containersUsing } = await import('../../sources/docker/readable-volumes.ts');
  const { stopContainers } = await import('../../sources/docker/stop-services.ts');
  const docker = await tools.docker();
  const users = await containersUsing(docker, await docker.volumes(volumes));
  return whileStopped(tools, await stopContainers(docker, users, tools.context.stateFolder, tools.context.signal), work);
}

/** Works, and starts again what was stopped. */
export async function whileStopped<Result>(
  { context: { events } }: ApplicationTools,
  stopped: StoppedServices,
  work: () => Promise<Result>,
): Promise<StoppedWork<Result>> {
  let problems = 0;
  let result: Result;
  try {
    result = await work();
  } finally {
    await stopped.startAgain().catch((error: unknown) => {
      problems = 1;
      events({ type: 'problem', path: stopped.containers.join(', '), reason: reasonOf(error) });
    });
  }
  return { result, problems };
}

/** Starts what an earlier run stopped and was killed before it could start it again. Where that fails it is told, and tried again the next time. */
export async function startForgottenServices({ context }: ApplicationTools): Promise<void> {
  const { stateFolder, environment, events, signal } = context;
  // Before others are started that need it.
  const { listInPlaceNotes } = await import('../point-in-time/in-place-note.ts');
  if ((await listInPlaceNotes(stateFolder)).length > 0) await (await import('../point-in-time/put-right.ts')).putRightForgotten(context);
  const { hasForgotten, startForgotten } = await import('../../sources/docker/start-forgotten.ts');
  if (!(await hasForgotten(stateFolder))) return;
  try {
    for (const container of await startForgotten({ stateFolder, environment, signal }))
      events({ type: 'notice', message: `${container} was still stopped by an earlier run, and has been started.` });
  } catch (error) {
    events({ type: 'problem', path: 'services that an earlier run stopped', reason: reasonOf(error) });
  }
}
