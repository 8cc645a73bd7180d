/**
 * Runs the server of a recovery in a container of its own, made of the image that the data directory belongs to: this machine needs no PostgreSQL. The
 * container has no network; its socket lies in the data directory, which both sides see.
 */
import { chown, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DockerEngine } from '../../docker/docker-engine.ts';
import { spoolName } from './fetch-script.ts';
import { argumentsOf, guard, stopWord, watchServer } from './server-process.ts';
import type { ServerRunner } from './server-runner.ts';

export interface ContainerRunnerOptions {
  readonly docker: DockerEngine;
  /** Name or id of an image with PostgreSQL's programs. */
  readonly image: string;
  readonly major: number;
  /** Names the container's label, by which what a run that died left is found. */
  readonly purpose: string;
  /** The container sees what this one sees. */
  readonly volumesFrom?: string;
  /** Folders of this machine that it sees by the same names. */
  readonly folders?: readonly string[];
  /** A path of this machine as the container sees it. */
  readonly inside?: (path: string) => string;
}

/* The folders of the versions come first: what is on PATH may be a wrapper. */
const findAndRun = `
major=$1
shift
for file in "/usr/lib/postgresql/$major/bin/postgres" "/usr/pgsql-$major/bin/postgres" /usr/local/bin/postgres /usr/local/pgsql/bin/postgres \\
  /opt/*/postgresql/bin/postgres "$(command -v postgres)"; do
  [ -x "$file" ] || continue
  case $("$file" --version 2>/dev/null) in
    *") $major."* | *") $major"[!0-9]*) exec "$file" "$@" ;;
  esac
done
echo "FATAL:  there is no PostgreSQL $major in its image" >&2
exit 127
`;

export function runInOwnContainer(options: ContainerRunnerOptions): ServerRunner {
  const { docker, image, major, purpose, volumesFrom, folders, inside = (path) => path } = options;
  let socketInside = '';
  let running: string | undefined;
  return {
    inside,
    openSocketFolder: async (dataDirectory, user) => {
      const folder = join(dataDirectory, spoolName, 'socket');
      await mkdir(folder, { mode: 0o700 });
      if (user !== undefined) await chown(folder, user.uid, user.gid);
      // The way there may be longer than the name of a socket may be.
      const way = await mkdtemp(join(tmpdir(), 'holdfast-pg-'));
      await symlink(folder, join(way, 's'));
      socketInside = `${inside(dataDirectory)}/${spoolName}/socket`;
      return { inside: socketInside, here: join(way, 's'), remove: () => rm(way, { recursive: true, force: true }) };
    },
    start: async (start) => {
      const { uid, gid } = start.user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      const container = await docker.startOwn({
        image,
        command: ['sh', '-c', guard, 'holdfast-server', 'sh', '-c', findAndRun, 'holdfast-server', String(major), ...argumentsOf(start)],
        user: `${uid}:${gid}`,
        environment: { LC_ALL: 'C', TZ: 'UTC', PGHOST: socketInside, PGPORT: start.settings['port'] ?? '5432' },
        purpose,
        ...(volumesFrom === undefined ? {} : { volumesFrom }),
        ...(folders === undefined ? {} : { folders }),
      });
      running = container.id;
      const ended = container.ended.then(() => container.remove().catch(() => {}));
      return watchServer({ log: container.output, ended, finish: () => container.endInput(stopWord) }, start.onProgress);
    },
    sourceOf: ({ user }, database) => ({ docker, address: { container: running ?? '' }, database, user }),
  };
}
