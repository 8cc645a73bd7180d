/** Finds containers by what Compose calls them. */
import { HoldfastError } from '../../errors.ts';
import { composeLabels } from './describe-container.ts';
import type { Container, ContainerAddress, ContainerFilter } from './docker-engine.ts';
import { containerListSchema, type ListedContainer } from './engine-answers.ts';
import type { EngineClient } from './engine-client.ts';
import { nameWhatThereIs } from './nearest-name.ts';
import { openContainer } from './open-container.ts';

/** The containers of the engine, by name. A container that is removed between the list and the look at it is left out. */
export async function listContainers(client: EngineClient, { project, all = false }: ContainerFilter): Promise<Container[]> {
  const listed = await list(client, all, project === undefined ? [] : [`${composeLabels.project}=${project}`]);
  const opened = await Promise.all(listed.map(({ Id }) => openContainer(client, Id).catch(ignoreRemoved)));
  return opened.filter((container) => container !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One container. Throws `docker-service-missing`, `docker-service-ambiguous`, `docker-container-missing`, which name what there is. */
export async function findContainer(client: EngineClient, at: ContainerAddress, defaultProject: string | undefined): Promise<Container> {
  if ('container' in at) return findByName(client, at.container);
  const containers = await findService(client, at.service, at.project ?? defaultProject);
  const [first] = containers;
  if (first === undefined) throw new TypeError('a service has a container');
  return openContainer(client, first.Id);
}

/** All containers of a service, those that run first. Throws as `findContainer`. */
export async function findServiceContainers(client: EngineClient, service: string, project: string | undefined): Promise<Container[]> {
  const found = await findService(client, service, project);
  return Promise.all(found.map(({ Id }) => openContainer(client, Id)));
}

async function findService(client: EngineClient, service: string, project: string | undefined): Promise<ListedContainer[]> {
  const listed = await list(client, true, project === undefined ? [composeLabels.service] : [`${composeLabels.project}=${project}`]);
  /* What `docker compose run` started is no part of the service. */
  const candidates = listed.filter(({ Labels }) => Labels[composeLabels.oneOff]?.toLowerCase() !== 'true');
  const found = candidates.filter(({ Labels }) => Labels[composeLabels.service] === service);
  if (found.length === 0) throw await serviceMissing(client, service, project, candidates);
  const projects = new Set(found.map(({ Labels }) => Labels[composeLabels.project] ?? ''));
  if (projects.size > 1) throw new HoldfastError('docker-service-ambiguous', { service, projects: [...projects].toSorted().join(', ') });
  return found.toSorted((a, b) => rank(a) - rank(b));
}

async function findByName(client: EngineClient, name: string): Promise<Container> {
  try {
    return await openContainer(client, name);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'docker-container-missing') throw error;
    const names = (await list(client, true, [])).flatMap(({ Names }) => (Names ?? []).map((one) => one.replace(/^\//, '')));
    throw new HoldfastError('docker-container-missing', { container: name, there: nameWhatThereIs(name, names, 'there is none at all') });
  }
}

async function serviceMissing(
  client: EngineClient,
  service: string,
  project: string | undefined,
  candidates: readonly ListedContainer[],
): Promise<HoldfastError> {
  const services = candidates.flatMap(({ Labels }) => Labels[composeLabels.service] ?? []);
  if (project === undefined) {
    const there = nameWhatThereIs(service, services, 'no container was made by Compose');
    return new HoldfastError('docker-service-missing', { service, where: 'any Compose project', there });
  }
  const where = `the Compose project "${project}"`;
  if (services.length > 0)
    return new HoldfastError('docker-service-missing', { service, where, there: nameWhatThereIs(service, services, '') });
  const others = await list(client, true, [composeLabels.project]);
  const projects = others.flatMap(({ Labels }) => Labels[composeLabels.project] ?? []);
  const there = `that project has no containers; of projects, ${nameWhatThereIs(project, projects, 'there is none')}`;
  return new HoldfastError('docker-service-missing', { service, where, there });
}

async function list(client: EngineClient, all: boolean, label: readonly string[]): Promise<ListedContainer[]> {
  const query = { all, ...(label.length === 0 ? {} : { filters: { label } }) };
  return client.ask({ path: '/containers/json', query, action: 'list the containers' }, containerListSchema);
}

/** Running ones first, then by Compose's own number. */
function rank({ State, Labels }: ListedContainer): number {
  const number = Number(Labels[composeLabels.number] ?? '1');
  return (State === 'running' ? 0 : 1e9) + (Number.isSafeInteger(number) ? number : 1e8);
}

function ignoreRemoved(error: unknown): undefined {
  if (error instanceof HoldfastError && error.code === 'docker-container-missing') return undefined;
  throw error;
}
