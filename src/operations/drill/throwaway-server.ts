/** A server of the drill's own: made new in its folder, reached by a socket there and by nothing else, and gone with it. */
import { chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError } from '../../errors.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { PostgresManifest } from '../../sources/postgres/manifest.ts';
import { quietSettings } from '../../sources/postgres/recovery/recovery-settings.ts';
import { findServerPrograms } from '../../sources/postgres/recovery/server-programs.ts';
import { startServer, type ServerProcess } from '../../sources/postgres/recovery/server-process.ts';
import { findPostgresUser, type ServerUser } from '../../sources/postgres/recovery/server-user.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import { privateSocket, removeSocket } from './private-socket.ts';
import type { DrillRun } from './drill-run.ts';

export interface ThrowawayServer {
  /** As a superuser, to the database postgres. */
  readonly connection: PostgresConnection;
  readonly sourceOf: (database: string) => string;
}

const port = 5432;
const superuser = 'postgres';

/** Throws `server-programs-missing`, `recovery-failed`. */
export async function startThrowawayServer(
  { room, context }: Pick<DrillRun, 'room' | 'context'>,
  { manifest }: { readonly component: string; readonly manifest: PostgresManifest },
): Promise<ThrowawayServer> {
  const { folder: programs } = await findServerPrograms(manifest.server.major, context.environment);
  const user = process.getuid?.() === 0 ? findPostgresUser() : undefined;
  const place = join(room.folder, `server-${room.next()}`);
  await mkdir(place, { mode: 0o700 });
  if (user !== undefined) await chown(place, user.uid, user.gid);
  room.onEnd(`the folder ${place}`, () => rm(place, { recursive: true, force: true }));
  const data = join(place, 'data');
  await initialize(programs, data, user, context.signal);
  const socket = await privateSocket(room.folder, user);
  room.onEnd(`the folder ${socket}`, () => removeSocket(socket));
  const server = startServer(join(programs, 'postgres'), {
    dataDirectory: data,
    user,
    settings: settingsOf(socket),
    onProgress: () => {},
  });
  room.onEnd('a server', () => server.stop());
  const connection: PostgresConnection = {
    host: socket,
    port,
    user: superuser,
    database: 'postgres',
    password: undefined,
    ssl: { mode: 'disable' },
    connectTimeout: 60,
  };
  await waitUntilThere(server, connection, data, context.signal);
  return {
    connection,
    sourceOf: (database) => `postgresql://${superuser}@/${database}?host=${encodeURIComponent(socket)}&port=${port}&sslmode=disable`,
  };
}

/** Nothing on it is worth being made durable. */
function settingsOf(socket: string): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_directories: socket,
    port: String(port),
    ...quietSettings,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    shared_buffers: '128MB',
    maintenance_work_mem: '128MB',
    max_wal_size: '1GB',
    cluster_name: 'holdfast_drill',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
  };
}

async function initialize(programs: string, data: string, user: ServerUser | undefined, signal: AbortSignal): Promise<void> {
  const words = [join(programs, 'initdb'), '-D', data, '-U', superuser, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  // Given away as postgres: it refuses to be made by root.
  const command = user === undefined ? words : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...words];
  const [file = '', ...args] = command;
  const end = await runSubprocess({ file, args, env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' }, folder: '/', signal });
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (end.status === 0) return;
  const said = end.startFailure?.message ?? end.stderr.trim().split('\n').slice(-3).join(' / ');
  throw new HoldfastError('recovery-failed', {
    path: data,
    reason: `a new server could not be made there (${said.slice(0, 1000)})`,
    remedy: 'Put right what it reports, or let the drill use the live server (into: temporary)',
  });
}

/** Its socket is there before it takes anybody. */
async function waitUntilThere(server: ServerProcess, connection: PostgresConnection, path: string, signal: AbortSignal): Promise<void> {
  let ended = false;
  void server.until(() => false).then(() => (ended = true));
  for (;;) {
    try {
      await (await openSession(connection)).close();
      return;
    } catch (error) {
      if (!isError(error, 'postgres-unreachable')) throw error;
    }
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (ended)
      throw new HoldfastError('recovery-failed', {
        path,
        reason: `a new server did not start there (${server.log().slice(-3).join(' / ').slice(0, 1000)})`,
        remedy: 'Put right what it reports, or let the drill use the live server (into: temporary)',
      });
    await sleep(100);
  }
}
