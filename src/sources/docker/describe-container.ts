/** A container's description out of the engine's answer. */
import type { Container, ContainerMount, PublishedPort } from './docker-engine.ts';
import type { Inspection } from './engine-answers.ts';

/** The labels Compose puts on what it makes, in version 1 and 2 alike. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  volume: 'com.docker.compose.volume',
} as const;

/** What is known of a container without asking again. */
export type ContainerDescription = Omit<Container, 'exec' | 'stop' | 'start' | 'waitUntilUp' | 'logs' | 'readArchive' | 'writeArchive'>;

const healthStates = ['healthy', 'unhealthy', 'starting'] as const;

export function describeContainer(inspection: Inspection): ContainerDescription {
  const { Config, HostConfig, State, NetworkSettings } = inspection;
  const health = healthStates.find((state) => state === State.Health?.Status);
  const service = Config.Labels[composeLabels.service];
  const project = Config.Labels[composeLabels.project];
  const networks = Object.values(NetworkSettings.Networks ?? {});
  const addresses = networks
    .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
    .filter((address) => typeof address === 'string');
  return {
    id: inspection.Id,
    name: inspection.Name.replace(/^\//, ''),
    image: Config.Image,
    imageId: inspection.Image,
    state: State.Status,
    restarts: inspection.RestartCount,
    labels: Config.Labels,
    environment: Object.fromEntries((Config.Env ?? []).map(splitVariable)),
    mounts: (inspection.Mounts ?? []).map(describeMount),
    addresses: HostConfig.NetworkMode === 'host' ? ['127.0.0.1'] : addresses.filter((address) => address !== ''),
    published: Object.entries(NetworkSettings.Ports ?? {}).flatMap(([name, bindings]) => describePorts(name, bindings ?? [])),
    ...(typeof State.Pid === 'number' && State.Pid > 0 ? { pid: State.Pid } : {}),
    ...readExit(State),
    ...(service === undefined ? {} : { service }),
    ...(project === undefined ? {} : { project }),
    ...(health === undefined ? {} : { health }),
  };
}

function readExit({ Status, ExitCode, FinishedAt }: Inspection['State']): Pick<ContainerDescription, 'exit'> {
  const at = new Date(FinishedAt ?? '');
  if (!['exited', 'dead', 'restarting'].includes(Status) || typeof ExitCode !== 'number' || Number.isNaN(at.getTime())) return {};
  return { exit: { status: ExitCode, at } };
}

function describePorts(name: string, bindings: readonly { HostIp?: string | null | undefined; HostPort: string }[]): PublishedPort[] {
  const inside = /^(\d+)\/tcp$/.exec(name)?.[1];
  if (inside === undefined) return [];
  return bindings.map(({ HostIp, HostPort }) => ({
    inside: Number(inside),
    address: ['0.0.0.0', '::'].includes(HostIp ?? '') ? '' : (HostIp ?? ''),
    port: Number(HostPort),
  }));
}

function describeMount(mount: NonNullable<Inspection['Mounts']>[number]): ContainerMount {
  const { Type: type, Source: source, Destination: destination } = mount;
  return { type, source, destination, ...(mount.Name === undefined ? {} : { name: mount.Name }) };
}

function splitVariable(line: string): [string, string] {
  const at = line.indexOf('=');
  return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}
