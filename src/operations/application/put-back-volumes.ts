/** Docker volumes come back into the volumes they were, or another one; a volume that is not there is made. */
import { HoldfastError, isError } from '../../errors.ts';
import type { DockerEngine, Volume } from '../../sources/docker/docker-engine.ts';
import { planPlacements, type Placement } from './put-back-files.ts';
import type { PutBack, PutBackRequest } from './put-back.ts';

interface SavedVolume {
  readonly name: string;
  /** Its folder when it was saved. */
  readonly mountpoint: string;
}

interface PlannedVolume extends SavedVolume {
  /** What it is to be called now. */
  readonly wanted: string;
  readonly found: Volume | undefined;
}

export async function planVolumes(request: PutBackRequest): Promise<PutBack> {
  const { tools, snapshot, volume, into, path, target } = request;
  const saved = snapshot.snapshot.paths.flatMap(readMountpoint);
  const project = target === undefined || volume !== undefined ? await tools.project() : undefined;
  const chosen = saved.filter(({ name }) => volume === undefined || name === volume || name === `${project ?? ''}_${volume}`);
  checkChoice(request, saved, chosen);
  if (target !== undefined)
    return planPlacements(
      request,
      chosen.map(({ mountpoint }) => ({ from: mountpoint, to: target + mountpoint })),
    );
  const docker = await tools.docker();
  const planned: PlannedVolume[] = [];
  for (const each of chosen) planned.push({ ...each, wanted: into ?? each.name, found: await findVolume(docker, into ?? each.name) });
  const there = planned.flatMap(({ found, mountpoint }) => (found === undefined ? [] : [placeIn(found, mountpoint, path)]));
  const plan = planPlacements(request, there);
  const missing = planned.filter(({ found }) => found === undefined);
  return {
    effects: [...plan.effects, ...missing.map(({ wanted, name }) => `volume ${wanted}: made, and filled as ${name} was in the point`)],
    stops: [],
    writesLive: into === undefined || (await isUsed(docker, planned)),
    present: plan.present,
    carryOut: async (context) => {
      const placements: Placement[] = [];
      for (const { wanted, mountpoint, found } of planned)
        placements.push(placeIn(found ?? (await makeVolume(request, docker, wanted, project)), mountpoint, path));
      return planPlacements(request, placements).carryOut(context);
    },
  };
}

/** Docker lays a volume of its own into `volumes/NAME/_data`, wherever its root is. */
function readMountpoint(path: string): SavedVolume[] {
  const [, name] = /\/volumes\/([^/]+)\/_data$/.exec(path) ?? [];
  return name === undefined ? [] : [{ name, mountpoint: path }];
}

function checkChoice(
  { configuration, volume, into, path }: PutBackRequest,
  saved: readonly SavedVolume[],
  chosen: readonly SavedVolume[],
): void {
  const names = (volumes: readonly SavedVolume[]): string => volumes.map(({ name }) => name).join(', ');
  if (chosen.length === 0)
    throw new HoldfastError('restore-not-possible', {
      component: configuration.name,
      reason: volume === undefined ? 'the point holds no volumes' : `the point holds no volume "${volume}", but ${names(saved)}`,
      remedy: 'See what there is with holdfast show',
    });
  if ((into !== undefined || path !== undefined) && chosen.length > 1)
    throw new HoldfastError('usage', {
      reason: `"${configuration.name}" holds ${names(chosen)}, and --volume says which is meant`,
      help: 'holdfast restore --help',
    });
}

/** Throws `docker-volume-unreadable` where its files do not lie here: what is written to that folder would never be seen in it. */
async function findVolume(docker: DockerEngine, name: string): Promise<Volume | undefined> {
  const { findReadableVolumes } = await import('../../sources/docker/readable-volumes.ts');
  try {
    return (await findReadableVolumes(docker, [name]))[0];
  } catch (error) {
    if (isError(error, 'docker-volume-missing')) return undefined;
    throw error;
  }
}

async function isUsed(docker: DockerEngine, planned: readonly PlannedVolume[]): Promise<boolean> {
  const { containersUsing } = await import('../../sources/docker/readable-volumes.ts');
  const found = planned.flatMap((volume) => (volume.found === undefined ? [] : [volume.found]));
  return found.length > 0 && (await containersUsing(docker, found)).length > 0;
}

/** It gets the labels it had, and one of the project those that Compose looks for. Throws `docker-volume-unreadable`. */
async function makeVolume(
  { into, facts }: PutBackRequest,
  docker: DockerEngine,
  name: string,
  project: string | undefined,
): Promise<Volume> {
  const { ensureVolume, findReadableVolumes } = await import('../../sources/docker/readable-volumes.ts');
  const isOfProject = project !== undefined && name.startsWith(`${project}_`);
  const labels = into === undefined ? readLabels(facts?.[`volume ${name}`]) : {};
  const { volume } = await ensureVolume(docker, name, { labels, ...(isOfProject ? { project } : {}) });
  const [made = volume] = await findReadableVolumes(docker, [volume.name]);
  return made;
}

/** Of `driver=local team=blue ocean`, which is what the manifest says about a volume, all but the driver. */
function readLabels(fact: string | number | undefined): Record<string, string> {
  const words = String(fact ?? '').split(/ (?=[\w./-]+=)/);
  const pairs = words.flatMap((word): [string, string][] => {
    const at = word.indexOf('=');
    return at <= 0 ? [] : [[word.slice(0, at), word.slice(at + 1)]];
  });
  return Object.fromEntries(pairs.filter(([key]) => key !== 'driver'));
}

function placeIn({ mountpoint }: Volume, from: string, path: string | undefined): Placement {
  if (path === undefined) return { from, to: mountpoint };
  return { from: path, to: mountpoint + path.slice(from.length) };
}
