/** Docker volumes as a component: the files of all that a name or a pattern means, whether a container uses them or not. */
import type { DockerEngine, Volume } from '../docker/docker-engine.ts';
import { findReadableVolumes } from '../docker/readable-volumes.ts';
import type { Source, TreeSelection } from '../source.ts';

export interface VolumesSourceOptions {
  readonly component: string;
  readonly docker: DockerEngine;
  /** Names, names within the project, or patterns with `*` and `?`. */
  readonly volumes: readonly string[];
  readonly project?: string;
  readonly select?: TreeSelection;
}

/**
 * Throws, when described or captured, `docker-volume-missing` where a name or pattern matches nothing, and `docker-volume-unreadable` where a volume's files
 * cannot be read here: a backup never holds less than was asked for.
 */
export function createVolumesSource({ component, docker, volumes: patterns, project, select = {} }: VolumesSourceOptions): Source {
  const find = (): Promise<Volume[]> => findReadableVolumes(docker, patterns, project);
  return {
    kind: 'volumes',
    component,
    describe: async () => {
      const found = await find();
      const names = found.map(({ name }) => name);
      const title = `${names.length === 1 ? 'volume' : 'volumes'} ${names.join(', ')}`;
      return { kind: 'volumes', component, title, facts: { volumes: found.length, ...Object.fromEntries(found.flatMap(describeVolume)) } };
    },
    capture: async () => ({ shape: 'tree', roots: (await find()).map(({ mountpoint }) => mountpoint), select }),
  };
}

/** What it takes to make the volume again: its driver and labels. */
function describeVolume({ name, driver, labels }: Volume): [string, string][] {
  const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [[`volume ${name}`, [`driver=${driver}`, ...label].join(' ')]];
}
