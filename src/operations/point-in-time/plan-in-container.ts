/** What going back to a moment in place means for a server in a container: which folders are filled, and where what is there is kept. */
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { DockerEngine } from '../../sources/docker/docker-engine.ts';
import { runInOwnContainer } from '../../sources/postgres/recovery/container-runner.ts';
import type { FoundFolder, ServerInContainer } from './find-container.ts';
import { readInPlaceNote } from './in-place-note.ts';
import type { MomentPlan } from './moment-plan.ts';
import { discardVolumes, putRight, toldOf } from './put-right.ts';
import {
  checkForgotten,
  type InPlacePlan,
  type InPlaceRequest,
  type PlannedMove,
  refuseOtherCluster,
  takeOver,
} from './recover-in-place.ts';
import type { MomentContext } from './run-plan.ts';

/**
 * Looks at what is there. What a recovery that died left is put right first: its container is taken away, what was there before is back, the server is
 * started if it ran. Throws `recovery-directory` and the Docker errors.
 */
export async function planInContainer(
  plan: MomentPlan,
  request: InPlaceRequest & { readonly inside: ServerInContainer },
  context: MomentContext,
): Promise<InPlacePlan> {
  const { manifest } = plan.base;
  const { inside } = request;
  const data = await inside.find(manifest.dataDirectory);
  const ranBefore = await bringBackForgotten(inside, data.path, request, context);
  if (request.anyCluster !== true) await refuseOtherCluster(plan, data.path);
  const links = new Map(manifest.tablespaces.map(({ oid, location }) => [oid, request.tablespaces.get(oid) ?? location]));
  const tablespaces = new Map<string, FoundFolder>();
  for (const [oid, path] of links) tablespaces.set(oid, await inside.find(path));
  const suffix = `before-${context.clock.now().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}`;
  const moves = [data, ...tablespaces.values()].filter(({ path }) => existsSync(path)).map((place) => moveOf(place, suffix));
  const control = inside.control(data.path);
  const server = { ...control, running: control.running || ranBefore };
  const main = manifest.configuration.find(({ stored }) => stored === 'postgresql.conf');
  return {
    dataDirectory: data.path,
    title: `${data.volume === undefined ? data.path : `the volume ${data.volume.name}`}, ${manifest.dataDirectory} in ${inside.title}`,
    runner: runInOwnContainer({
      docker: inside.docker,
      image: inside.container.imageId,
      major: manifest.major,
      purpose: purposeOf(data.path),
      volumesFrom: inside.container.id,
      inside: (path) => (path === data.path ? manifest.dataDirectory : path),
    }),
    server,
    startAfter: server.running,
    moves,
    aside: createVolumesAside(inside.docker, moves),
    noted: { engine: { ...inside.docker.environment }, purpose: purposeOf(data.path), ids: [...inside.ids] },
    tablespaces: new Map([...tablespaces].map(([oid, { path }]) => [oid, path])),
    links,
    // What configures it beside its data belongs to its image and its Compose file.
    configuration: [],
    ...(main === undefined ? {} : { configurationFile: main.path }),
  };
}

function purposeOf(dataDirectory: string): string {
  return `recovery of ${dataDirectory}`;
}

/** The whole content of a volume is kept in a volume of its own, everything else in a folder beside. */
function moveOf({ path, volume }: FoundFolder, suffix: string): PlannedMove {
  if (volume === undefined) return { from: path, aside: `${path}.${suffix}` };
  const kept = `${volume.name}-${suffix}`;
  return { from: path, aside: join(dirname(dirname(path)), kept, '_data'), volume: kept };
}

function createVolumesAside(docker: DockerEngine, moves: readonly PlannedMove[]): NonNullable<InPlacePlan['aside']> {
  return {
    make: async () => {
      for (const { from, aside, volume } of moves) {
        if (volume === undefined) continue;
        const { mountpoint } = await docker.createVolume(volume, { 'holdfast.kept-from': from });
        if (mountpoint !== aside)
          throw new HoldfastError('recovery-directory', {
            path: from,
            reason: `the engine made the volume that it is to be kept in at ${mountpoint}`,
            remedy: 'Recover into a new folder with --target DIR',
          });
        // As long as nothing is kept there it must not look as if.
        await rmdir(mountpoint);
      }
    },
    discard: () => discardVolumes(docker, moves),
  };
}

async function bringBackForgotten(
  inside: ServerInContainer,
  dataDirectory: string,
  { dryRun = false }: InPlaceRequest,
  { stateFolder, events }: MomentContext,
): Promise<boolean> {
  const note = await readInPlaceNote(stateFolder, dataDirectory);
  if (note === undefined) return false;
  await checkForgotten(note, dryRun);
  await takeOver(stateFolder, dataDirectory);
  await putRight(inside.docker, stateFolder, note);
  if (note.running) await inside.control(dataDirectory).start();
  events({ type: 'notice', message: toldOf(note) });
  return note.running;
}
