/** Volumes by name or pattern. They are the engine's own list, so those of stopped or removed containers are among them. */
import type { z } from 'zod';
import { HoldfastError, isError } from '../../errors.ts';
import type { Volume } from './docker-engine.ts';
import { volumeListSchema, volumeSchema } from './engine-answers.ts';
import { composeLabels } from './describe-container.ts';
import type { EngineClient } from './engine-client.ts';
import { nameWhatThereIs } from './nearest-name.ts';

/** By name, each once. Throws `docker-volume-missing` where a pattern matches none. */
export async function findVolumes(client: EngineClient, patterns: readonly string[], project: string | undefined): Promise<Volume[]> {
  const { Volumes } = await client.ask({ path: '/volumes', action: 'list the volumes' }, volumeListSchema);
  const all = (Volumes ?? []).map(describe);
  const found = new Map<string, Volume>();
  for (const pattern of patterns) {
    const matching = matchVolumes(all, pattern, project);
    if (matching.length === 0) {
      const there = nameWhatThereIs(
        pattern,
        all.map(({ name }) => name),
        'there is no volume at all',
      );
      throw new HoldfastError('docker-volume-missing', { volume: pattern, there });
    }
    for (const volume of matching) found.set(volume.name, volume);
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The volume of a name, made with the local driver where it is not there. */
export async function createVolume(client: EngineClient, name: string, labels: Readonly<Record<string, string>>): Promise<Volume> {
  const action = `create the volume "${name}"`;
  const created = await client.ask(
    { method: 'POST', path: '/volumes/create', body: { Name: name, Driver: 'local', Labels: labels }, action },
    volumeSchema,
  );
  return describe(created);
}

/** No error where it is not there. */
export async function removeVolume(client: EngineClient, name: string): Promise<void> {
  const action = `remove the volume "${name}"`;
  await client
    .tell({
      method: 'DELETE',
      path: `/volumes/${encodeURIComponent(name)}`,
      action,
      refused: (status) => (status === 404 ? new HoldfastError('docker-volume-missing', { volume: name, there: 'it is gone' }) : undefined),
    })
    .catch((error: unknown) => {
      if (!isError(error, 'docker-volume-missing')) throw error;
    });
}

/**
 * Which volumes a pattern means. A plain name is first the project's volume of that name, as in a compose file, then a volume of the engine; a
 * pattern with * or ? is compared with both names of each, of the project's volumes and those that are of no project.
 */
function matchVolumes(volumes: readonly Volume[], pattern: string, project: string | undefined): Volume[] {
  const isOurs = ({ labels }: Volume): boolean => project === undefined || (labels[composeLabels.project] ?? project) === project;
  const names = (volume: Volume): string[] => [volume.name, ...shortNames(volume, project)];
  if (!/[*?]/.test(pattern)) {
    const inProject = project === undefined ? undefined : volumes.find((volume) => shortNames(volume, project).includes(pattern));
    const found = inProject ?? volumes.find(({ name }) => name === pattern);
    return found === undefined ? [] : [found];
  }
  const expression = compilePattern(pattern);
  return volumes.filter((volume) => isOurs(volume) && names(volume).some((name) => expression.test(name)));
}

function shortNames({ name, labels }: Volume, project: string | undefined): string[] {
  if (project === undefined) return [];
  const labelled = labels[composeLabels.project] === project ? labels[composeLabels.volume] : undefined;
  if (labelled !== undefined) return [labelled];
  return name.startsWith(`${project}_`) ? [name.slice(project.length + 1)] : [];
}

function describe({ Name, Mountpoint, Driver, Labels, Options }: z.infer<typeof volumeSchema>): Volume {
  const { device } = Options;
  return { name: Name, mountpoint: Mountpoint, driver: Driver, labels: Labels, ...(device === undefined ? {} : { device }) };
}

function compilePattern(pattern: string): RegExp {
  const parts = pattern.split(/([*?])/).map((part) => (part === '*' ? '.*' : part === '?' ? '.' : RegExp.escape(part)));
  return new RegExp(`^${parts.join('')}$`, 'su');
}
