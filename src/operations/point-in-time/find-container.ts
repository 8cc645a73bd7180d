/** A server in a container: where its folders lie on this machine, and how it is stopped and started. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError } from '../../errors.ts';
import type { Container, ContainerAddress, ContainerMount, DockerEngine, Volume } from '../../sources/docker/docker-engine.ts';
import { createContainerServer } from '../../sources/postgres/container-server.ts';
import type { LiveServer } from '../../sources/postgres/recovery/live-server.ts';
import { withSession } from '../../sources/postgres/server.ts';

export interface ServerInContainer {
  readonly docker: DockerEngine;
  readonly container: Container;
  /** For people: `the service db`. */
  readonly title: string;
  /** Of the Compose file. */
  readonly service?: string;
  /** As this machine sees a folder of the container. Throws `recovery-directory` where it lies in no volume or folder of this machine, or the engine is on another. */
  find(path: string): Promise<FoundFolder>;
  /** Those that are started again. */
  readonly ids: readonly string[];
  control(dataDirectory: string): LiveServer;
}

export interface FoundFolder {
  readonly path: string;
  /** The volume whose whole content it is. */
  readonly volume?: Volume;
}

export interface ContainerLogin {
  readonly address: ContainerAddress;
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
}

/** Seconds after which it is killed: what it was doing is in its log. */
const graceSeconds = 60;
const startLimitMs = 300_000;
const pauseMs = 250;

/** Throws the Docker errors. */
export async function findServerInContainer(docker: DockerEngine, login: ContainerLogin, signal: AbortSignal): Promise<ServerInContainer> {
  const { address } = login;
  const container = await docker.find(address);
  const all = 'service' in address ? await docker.service(address.service, address.project) : [container];
  const running = all.filter(({ state }) => ['running', 'restarting', 'paused'].includes(state));
  const started = running.length > 0 ? running : [container];
  const names = started.map(({ name }) => name).join(' ');
  const title = 'service' in address ? `the service ${address.service}` : `the container ${container.name}`;
  return {
    docker,
    container,
    title,
    ids: started.map(({ id }) => id),
    ...('service' in address ? { service: address.service } : {}),
    find: (path) => findFolder(docker, container, path),
    control: (dataDirectory) => ({
      dataDirectory,
      running: running.length > 0,
      stopText: `docker stop ${names}`,
      startText: `docker start ${names}`,
      stop: async () => {
        for (const each of all) await each.stop(graceSeconds);
      },
      start: async () => {
        for (const each of started) await each.start();
        // What was running runs again also after an interruption; only nobody waits for it then.
        if (signal.aborted) return;
        for (const each of started) await each.waitUntilUp(startLimitMs, signal);
        await waitUntilAnswering(docker, login, signal);
      },
    }),
  };
}

/** A container without a health check runs long before its server does. Throws `postgres-unreachable`, `interrupted`. */
async function waitUntilAnswering(docker: DockerEngine, login: ContainerLogin, signal: AbortSignal): Promise<void> {
  const server = createContainerServer({ docker, ...login });
  for (let waited = 0; ; waited += pauseMs) {
    try {
      await withSession(server, (session) => session.query('SELECT 1'));
      return;
    } catch (error) {
      if (signal.aborted) throw new HoldfastError('interrupted', {}, error);
      if (waiting.every((code) => !isError(error, code))) return;
      if (waited > startLimitMs) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

/** Whoever is refused for another reason has been answered. */
const waiting = ['postgres-unreachable', 'docker-container-stopped', 'docker-exec-failed'] as const;

async function findFolder(docker: DockerEngine, container: Container, path: string): Promise<FoundFolder> {
  const refuse = (reason: string): HoldfastError =>
    new HoldfastError('recovery-directory', {
      path: `${container.name}:${path}`,
      reason,
      remedy: 'Run the command on the machine of the Docker engine, or recover into a new folder with --target DIR',
    });
  if (!docker.isLocal) throw refuse(`its Docker engine (${docker.title}) runs on another machine`);
  const mount = mountOf(container, path);
  if (mount === undefined || mount.source === '')
    throw refuse(`it lies in no volume and no folder of this machine, and would go away with its container`);
  const rest = path.slice(mount.destination.replace(/\/$/, '').length);
  const volume = mount.type === 'volume' ? await findVolume(docker, mount.name ?? '') : undefined;
  if (volume !== undefined && volume.driver !== 'local')
    throw refuse(`the driver "${volume.driver}" of its volume keeps it where only the engine can read`);
  const device = volume?.device;
  // Such a volume is there only while a container uses it; what it shows is a folder of this machine.
  const isFolder = device !== undefined && (await stat(device).catch(() => undefined))?.isDirectory() === true;
  if (device !== undefined && !isFolder) throw refuse(`its volume is mounted from ${device} only while a container uses it`);
  const source = device ?? mount.source;
  if (!existsSync(source)) throw refuse(`${source} is not there for this process (in a container, mount that folder at its own path)`);
  const found = join(source, rest);
  if (!(await isSame(container, path, found))) throw refuse(`${found} is not what the container sees there`);
  return { path: found, ...(volume !== undefined && device === undefined && rest === '' ? { volume } : {}) };
}

/** The innermost. */
function mountOf({ mounts }: Container, path: string): ContainerMount | undefined {
  const [first] = mounts
    .filter(({ destination }) => path === destination || path.startsWith(`${destination.replace(/\/$/, '')}/`))
    .toSorted((a, b) => b.destination.length - a.destination.length);
  return first;
}

async function findVolume(docker: DockerEngine, name: string): Promise<Volume | undefined> {
  return (await docker.volumes([name])).find((volume) => volume.name === name);
}

/** While it runs, a container's root can be looked into. */
async function isSame({ pid }: Container, inside: string, outside: string): Promise<boolean> {
  if (pid === undefined) return true;
  const [there, here] = [await stat(`/proc/${pid}/root${inside}`).catch(() => undefined), await stat(outside).catch(() => undefined)];
  return there === undefined || here === undefined || (there.dev === here.dev && there.ino === here.ino);
}
