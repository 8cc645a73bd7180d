/** Compose projects as a whole: what the labels of their containers, networks and volumes say belongs to them. */
import { z } from 'zod';
import { HoldfastError, isError } from '../../errors.ts';
import { composeLabels } from './describe-container.ts';
import { containerListSchema, volumeListSchema } from './engine-answers.ts';
import type { EngineClient } from './engine-client.ts';

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const networkListSchema = z.array(z.object({ Id: z.string().min(1), Labels: labels }));

interface Part {
  readonly path: string;
  readonly query: Readonly<Record<string, boolean>>;
  readonly project: string;
}

/** The names of all projects that have anything. Throws `docker-unreachable`. */
export async function listProjects(client: EngineClient): Promise<string[]> {
  return [...new Set((await listParts(client)).map(({ project }) => project))].sort();
}

/** Takes away a project's containers, running or not, then its networks and volumes. No error where there is nothing. Throws `docker-failed`. */
export async function removeProject(client: EngineClient, wanted: string): Promise<void> {
  for (const { path, query, project } of await listParts(client)) {
    if (project !== wanted) continue;
    const gone = (status: number): HoldfastError | undefined =>
      status === 404 ? new HoldfastError('docker-volume-missing', { volume: path, there: 'it is gone' }) : undefined;
    await client
      .tell({ method: 'DELETE', path, query, action: `remove the project "${wanted}"`, refused: gone })
      .catch((error: unknown) => {
        if (!isError(error, 'docker-volume-missing')) throw error;
      });
  }
}

/** Containers first: what they use can only go after them. */
async function listParts(client: EngineClient): Promise<Part[]> {
  const filters = { label: [composeLabels.project] };
  const action = 'list the projects';
  const containers = await client.ask({ path: '/containers/json', query: { all: true, filters }, action }, containerListSchema);
  const networks = await client.ask({ path: '/networks', query: { filters }, action }, networkListSchema);
  const { Volumes } = await client.ask({ path: '/volumes', query: { filters }, action }, volumeListSchema);
  return [
    ...containers.map(({ Id, Labels }) => ({ path: `/containers/${Id}`, query: { force: true, v: true }, labels: Labels })),
    ...networks.map(({ Id, Labels }) => ({ path: `/networks/${Id}`, query: {}, labels: Labels })),
    ...(Volumes ?? []).map(({ Name, Labels }) => ({ path: `/volumes/${encodeURIComponent(Name)}`, query: {}, labels: Labels })),
  ].flatMap(({ labels: own, ...part }) => {
    const project = own[composeLabels.project];
    return project === undefined ? [] : [{ ...part, project }];
  });
}
