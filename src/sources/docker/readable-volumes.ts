/** Volumes whose files lie where this process can read them. */
import { access, constants, readFile } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { composeLabels } from './describe-container.ts';
import type { Container, DockerEngine, Volume } from './docker-engine.ts';

/** Finds volumes and checks that each can be read. Throws `docker-volume-missing`, `docker-volume-unreadable`, `docker-unreachable`. */
export async function findReadableVolumes(docker: DockerEngine, patterns: readonly string[], project?: string): Promise<Volume[]> {
  const volumes = await docker.volumes(patterns, project);
  for (const volume of volumes) await checkVolumeReadable(docker, volume);
  return volumes;
}

/** Throws `docker-volume-unreadable`, which says what is in the way. */
async function checkVolumeReadable(docker: DockerEngine, volume: Volume): Promise<void> {
  const reason = await whyUnreadable(docker, volume);
  if (reason !== undefined) throw new HoldfastError('docker-volume-unreadable', { volume: volume.name, reason });
}

/** The containers that mount one of some volumes; with `all`, also those that do not run. */
export async function containersUsing(docker: DockerEngine, volumes: readonly Volume[], all = false): Promise<Container[]> {
  const names = new Set(volumes.map(({ name }) => name));
  const containers = await docker.containers({ all });
  return containers.filter(({ mounts }) => mounts.some(({ name }) => name !== undefined && names.has(name)));
}

/**
 * The volume that Compose would use for a name of its file, and whether it had to be made. A new one gets the labels that Compose looks for, so that it takes it
 * for its own. Throws `docker-failed`, `docker-unreachable`.
 */
export async function ensureVolume(
  docker: DockerEngine,
  name: string,
  { project, labels = {} }: { readonly project?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly volume: Volume; readonly isNew: boolean }> {
  const found = await docker.volumes([name], project).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.code === 'docker-volume-missing') return [];
    throw error;
  });
  const [volume] = found;
  if (volume !== undefined) return { volume, isNew: false };
  if (project === undefined) return { volume: await docker.createVolume(name, labels), isNew: true };
  const short = name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name;
  const ours = { [composeLabels.project]: project, [composeLabels.volume]: short };
  return { volume: await docker.createVolume(`${project}_${short}`, { ...ours, ...labels }), isNew: true };
}

async function whyUnreadable(docker: DockerEngine, { driver, mountpoint, device }: Volume): Promise<string | undefined> {
  if (driver !== 'local') return `its driver "${driver}" keeps it where only the engine can read`;
  if (!docker.isLocal) return `the engine at ${docker.title} is on another machine`;
  try {
    await access(mountpoint, constants.R_OK | constants.X_OK);
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES') return `permission is denied at ${mountpoint}`;
    if (code === 'ENOENT') return `${mountpoint} is not on this machine (in a container, mount Docker's folder at its own path)`;
    return reasonOf(error);
  }
  /* The engine mounts such a volume for as long as a container uses it; before and after, there is an empty folder. */
  if (device !== undefined && !(await isMounted(mountpoint)))
    return `it is mounted from ${device} only while a container uses it, and none does`;
  return undefined;
}

async function isMounted(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const escaped = path.replaceAll(/[ \t\n\\]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return mounts.split('\n').some((line) => line.split(' ')[1] === escaped);
}
