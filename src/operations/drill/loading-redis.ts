/** A Redis server of a drill's own, on this machine or in a container. Both end with this process, however that ends. */
import { chown } from 'node:fs/promises';
import type { RedisConfiguration } from '../../config/configuration.ts';
import { guard, stopWord } from '../../sources/postgres/recovery/server-process.ts';
import { runSubprocess, startSubprocess } from '../../util/subprocess.ts';
import type { DrillRun, PlannedComponent } from './drill-run.ts';

export interface LoadingRedis {
  readonly hasEnded: () => boolean;
  /** May be asked twice. */
  readonly stop: () => Promise<void>;
}

const programs = 'redis-server valkey-server';

/** No network, nothing written, ended by SIGINT. */
function settingsOf(folder: string): string[] {
  return ['--port', '0', '--unixsocket', `${folder}/s`, '--dir', folder, '--dbfilename', 'dump.rdb', '--save', '', '--appendonly', 'no'];
}

/** It listens at `s` in the folder, and loads `dump.rdb`. Undefined where this machine has no such program. */
export async function startRedisHere({ context }: DrillRun, folder: string): Promise<LoadingRedis | undefined> {
  const env = { PATH: context.environment['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
  const found = await runSubprocess({ file: 'sh', args: ['-c', `for program in ${programs}; do command -v $program && exit; done`], env });
  const program = found.stdout.toString('utf8').trim();
  if (program === '') return undefined;
  const held = Promise.withResolvers<void>();
  async function* untilReleased(): AsyncGenerator<Uint8Array, void, undefined> {
    yield new Uint8Array();
    await held.promise;
  }
  const args = ['-c', guard, 'holdfast-server', program, ...settingsOf(folder)];
  const child = startSubprocess({ file: 'sh', args, env, folder, input: untilReleased() });
  let ended = false;
  // Its end is that of its output: its input is held open until it is told to stop.
  void (async () => {
    for await (const _ of child.output);
  })()
    .catch(() => {})
    .finally(() => (ended = true));
  return {
    hasEnded: () => ended,
    stop: async () => {
      held.resolve();
      await child.ended;
    },
  };
}

/** Of the image that the live one runs in. Undefined where that is not on this machine. Throws the Docker errors. */
export async function startRedisInContainer(
  { tools }: DrillRun,
  { source }: PlannedComponent,
  folder: string,
): Promise<LoadingRedis | undefined> {
  if (source?.kind !== 'redis' || 'url' in source.at) return undefined;
  const docker = await tools.docker();
  if (!docker.isLocal) return undefined;
  const { imageId } = await docker.find(addressOf(source.at));
  const find = `for program in ${programs}; do command -v $program >/dev/null && exec $program "$@"; done; exit 127`;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  await chown(folder, uid, gid);
  const container = await docker.startOwn({
    image: imageId,
    command: ['sh', '-c', guard, 'holdfast-server', 'sh', '-c', find, 'holdfast-server', ...settingsOf(folder)],
    user: `${uid}:${gid}`,
    environment: { LC_ALL: 'C' },
    purpose: 'drill',
    folders: [folder],
  });
  let ended = false;
  const end = container.ended.then(() => (ended = true));
  container.output.resume();
  return {
    hasEnded: () => ended,
    stop: async () => {
      container.endInput(stopWord);
      await end;
      await container.remove().catch(() => {});
    },
  };
}

function addressOf(
  at: Exclude<RedisConfiguration['at'], { readonly url: unknown }>,
): { service: string; project?: string } | { container: string } {
  if ('container' in at) return { container: at.container };
  return at.project === undefined ? { service: at.service } : { service: at.service, project: at.project };
}
