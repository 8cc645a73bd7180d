/** The way to a Docker engine. */
import type { DockerEngine } from './docker-engine.ts';
import { readEngineAddress } from './engine-address.ts';
import { infoSchema, versionSchema } from './engine-answers.ts';
import { createEngineClient } from './engine-client.ts';
import { findContainer, findServiceContainers, listContainers } from './find-container.ts';
import { createVolume, findVolumes, removeVolume } from './find-volumes.ts';
import { removeOwn, startOwn } from './own-container.ts';
import { listProjects, removeProject } from './remove-project.ts';

export interface DockerOptions {
  /** Read for DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The Compose project that services and volumes are looked up in where none is given with them. */
  readonly project?: string;
  readonly signal?: AbortSignal;
}

/** Connects and asks the engine for its version. Throws `docker-address`, `docker-unreachable`, `docker-permission`, `interrupted`. */
export async function connectDocker({ environment, project, signal }: DockerOptions): Promise<DockerEngine> {
  const client = await createEngineClient(readEngineAddress(environment));
  const ping = { path: '/version', action: 'ask for the version', ...(signal === undefined ? {} : { signal }) };
  const { Version: engine, ApiVersion: api } = await client.ask(ping, versionSchema);
  return {
    title: client.address.title,
    isLocal: client.address.isLocal,
    environment: client.address.environment,
    ...(project === undefined ? {} : { project }),
    time: async () => new Date((await client.ask({ path: '/info', action: 'ask for the time' }, infoSchema)).SystemTime),
    version: () => Promise.resolve({ engine, api }),
    find: (at) => findContainer(client, at, project),
    service: (name, its = project) => findServiceContainers(client, name, its),
    containers: (filter = {}) => listContainers(client, filter),
    volumes: (patterns, its = project) => findVolumes(client, patterns, its),
    createVolume: (name, labels = {}) => createVolume(client, name, labels),
    removeVolume: (name) => removeVolume(client, name),
    projects: () => listProjects(client),
    removeProject: (name) => removeProject(client, name),
    startOwn: (request) => startOwn(client, request),
    removeOwn: (purpose) => removeOwn(client, purpose),
  };
}
