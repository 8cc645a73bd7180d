/** Docker: whether the engine answers, and whether the services that the configuration names have containers that run. */
import { isError } from '../../errors.ts';
import type { ComponentConfiguration, Configuration } from '../../config/configuration.ts';
import type { Container, DockerEngine } from '../../sources/docker/docker-engine.ts';
import type { ApplicationTools } from '../application/application-tools.ts';
import { failed, failedWith, ok, warning, type Check } from './check.ts';
import { askTime, type KnownTime } from './check-clock.ts';

interface NamedService {
  readonly address: { readonly service: string; readonly project?: string } | { readonly container: string };
  /** What reads it; absent where it is only stopped for a while, and may stand still. */
  readonly readBy?: string;
}

/** Nothing where the application does not use Docker. */
export async function* checkDocker(tools: ApplicationTools, onTime: (time: KnownTime) => void): AsyncGenerator<Check> {
  const { configuration } = tools;
  const services = namedServices(configuration);
  const volumes = configuration.components.flatMap(volumesOf);
  const asksForLogs = configuration.components.some(({ source }) => source.kind === 'logs');
  if (services.length === 0 && volumes.length === 0 && !asksForLogs && configuration.compose === undefined) return;
  const name = 'docker: engine';
  let docker: DockerEngine;
  try {
    docker = await tools.docker();
    const { engine, api } = await docker.version();
    const { answer: at, between } = await askTime(
      () => tools.context.clock.now(),
      () => docker.time(),
    );
    onTime({ of: 'the Docker engine', at, between });
    yield ok(name, `the engine at ${docker.title} answers: version ${engine}, API ${api}`);
  } catch (error) {
    yield failedWith(name, error);
    return;
  }
  for (const service of services) yield await checkService(docker, service);
  for (const volume of volumes) yield await checkVolume(docker, volume);
}

function namedServices({ components, quiesce, recovery }: Configuration): NamedService[] {
  const read = components.flatMap(({ name, source }): NamedService[] => {
    if (!('at' in source) || 'url' in source.at) return [];
    const { at } = source;
    return [
      {
        address:
          'service' in at
            ? { service: at.service, ...(at.project === undefined ? {} : { project: at.project }) }
            : { container: at.container },
        readBy: name,
      },
    ];
  });
  const stopped = [...new Set([...quiesce, ...recovery.quiesce])].map((service): NamedService => ({ address: { service } }));
  const known = new Set(read.map(({ address }) => JSON.stringify(address)));
  return [...read, ...stopped.filter(({ address }) => !known.has(JSON.stringify(address)))];
}

function volumesOf({ source }: ComponentConfiguration): readonly string[] {
  if (source.kind === 'volumes') return source.volumes;
  return source.kind === 'files' && source.volume !== undefined ? [source.volume] : [];
}

async function checkService(docker: DockerEngine, { address, readBy }: NamedService): Promise<Check> {
  const title = 'service' in address ? address.service : address.container;
  const name = `docker: ${'service' in address ? 'service' : 'container'} ${title}`;
  try {
    return judge(name, await docker.find(address), readBy);
  } catch (error) {
    if (readBy !== undefined || !isError(error, 'docker-service-missing')) return failedWith(name, error);
    return warning(
      name,
      'it has no container, so there is nothing to stop',
      'Start the application, or take the service out of "quiesce".',
    );
  }
}

function judge(name: string, { name: container, state, health }: Container, readBy: string | undefined): Check {
  const what = `its container ${container} is ${health === undefined ? state : `${state} and ${health}`}`;
  if (state !== 'running') {
    const remedy = `Start it: docker start ${container}`;
    return readBy === undefined ? warning(name, what, remedy) : failed(name, `${what}, and ${readBy} reads it`, remedy);
  }
  return health === 'unhealthy' ? warning(name, what, `See why: docker logs --tail 50 ${container}`) : ok(name, what);
}

async function checkVolume(docker: DockerEngine, volume: string): Promise<Check> {
  const name = `docker: volume ${volume}`;
  try {
    const found = await docker.volumes([volume]);
    return ok(name, found.length === 1 && found[0] !== undefined ? `it is ${found[0].name}` : `there are ${found.length} of that name`);
  } catch (error) {
    return failedWith(name, error);
  }
}
