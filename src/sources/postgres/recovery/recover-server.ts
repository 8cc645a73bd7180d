/**
 * Runs PostgreSQL on a restored data directory until it has replayed its log up to a target. The server is nobody's but holdfast's meanwhile: it has a
 * socket in a folder of its own, no network, and is gone with this process.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import type { EventSink } from '../../../events.ts';
import type { PostgresConnection } from '../connection.ts';
import { openSession } from '../session.ts';
import { adjustSettings } from './adjust-settings.ts';
import { spoolName } from './fetch-script.ts';
import { findSuperuser } from './find-superuser.ts';
import { explainFailure } from './recovery-errors.ts';
import { capacitiesOf, settingsOfAim, settingsOfPrivateServer, withoutJobs, type RecoveryAim } from './recovery-settings.ts';
import type { Settings } from './recovery-target.ts';
import type { RecoveryProgress } from './server-log.ts';
import type { ServerProcess } from './server-process.ts';
import type { ServerRunner, SocketFolder } from './server-runner.ts';
import { writeAs, type ServerUser } from './server-user.ts';
import { openWalSpool, type WalSpool } from './wal-spool.ts';
import type { WalSupply } from './wal-supply.ts';
import { readEndState, type RecoveryOutcome } from './end-state.ts';

export interface RecoveryRequest {
  /** A restored base backup, which belongs to `user` (see settleOwner). */
  readonly dataDirectory: string;
  readonly major: number;
  /** Where its server runs. */
  readonly runner: ServerRunner;
  readonly user: ServerUser | undefined;
  readonly aim: RecoveryAim;
  readonly supply: WalSupply;
  /** As the base backup noted them. */
  readonly settings: Settings;
  /** postgresql.conf, where it does not lie in the data directory. As the server sees it. */
  readonly configurationFile?: string;
  /** Names the server's socket, in a folder of its own. */
  readonly port: number;
  /** Who may be a superuser there, likeliest first. */
  readonly superusers: readonly string[];
  /** The directory is thrown away afterwards: nothing is made durable, and little memory is taken. */
  readonly temporary?: boolean;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** A server after its recovery: it still runs, for looking at. */
export interface RecoveredServer {
  readonly outcome: RecoveryOutcome;
  /** To it, as a superuser, to the database template1. */
  readonly connection: PostgresConnection;
  /** What was changed of its settings so that it runs on this machine. */
  readonly adjusted: Settings;
  /** Stops it, and takes away what the recovery needed. With `keepSpool` its restore_command goes on answering, for a server that is started again in recovery. */
  stop(options?: { readonly keepSpool?: boolean }): Promise<void>;
}

const mostAttempts = 8;

/**
 * Recovers. Throws `recovery-unreached`, `recovery-failed`, `recovery-mismatch`, `interrupted`, and what reading the log throws; the server is stopped then, and the
 * directory can be recovered again.
 */
export async function recoverServer(request: RecoveryRequest): Promise<RecoveredServer> {
  const { dataDirectory, user, supply, signal, runner } = request;
  const spool = await openWalSpool(dataDirectory, supply, user, signal);
  let sockets: SocketFolder | undefined;
  const tidy = async (): Promise<void> => {
    await spool.close();
    await sockets?.remove();
  };
  try {
    const made = await runner.openSocketFolder(dataDirectory, user);
    sockets = made;
    await writeAs(join(dataDirectory, spoolName, 'pg_hba.conf'), 'local all all trust\n', user);
    await writeAs(join(dataDirectory, spoolName, 'pg_ident.conf'), '', user);
    if (!existsSync(join(dataDirectory, 'recovery.signal'))) await writeAs(join(dataDirectory, 'recovery.signal'), '', user);
    const { server, settings, given } = await runUntilReached(request, spool, made.inside);
    try {
      const { connection, outcome } = await inspect(request, server.progress(), { socketFolder: made.here, spool });
      return {
        outcome,
        connection,
        adjusted: Object.fromEntries(Object.entries(settings).filter(([name, value]) => given[name] !== value)),
        stop: async ({ keepSpool = false } = {}) => {
          await (keepSpool ? spool.finish() : spool.close());
          await server.stop();
          await made.remove();
          if (!keepSpool) await rm(join(dataDirectory, spoolName), { recursive: true, force: true });
        },
      };
    } catch (error) {
      await spool.close();
      await server.stop();
      throw error;
    }
  } catch (error) {
    await tidy();
    throw error;
  }
}

interface ReachedServer {
  readonly server: ServerProcess;
  readonly settings: Settings;
  /** Before anything had to be adjusted. */
  readonly given: Settings;
}

/** A server that does not start with its settings is started again with others, where that is no harm. */
async function runUntilReached(request: RecoveryRequest, spool: WalSpool, socketFolder: string): Promise<ReachedServer> {
  const { dataDirectory, events } = request;
  const given = startSettings(request, socketFolder);
  let settings = given;
  for (let attempt = 1; ; attempt += 1) {
    const server = await request.runner.start({
      dataDirectory: request.runner.inside(dataDirectory),
      settings,
      user: request.user,
      onProgress: ({ position }) =>
        events({
          type: 'progress',
          phase: 'replaying',
          itemsDone: spool.taken(),
          itemsTotal: request.supply.segments.length,
          bytesDone: spool.taken() * request.supply.segmentSize,
          ...(position === undefined ? {} : { current: position }),
        }),
    });
    if ((await waitForEnd(request, server, spool)) === 'reached') return { server, settings, given };
    await server.stop();
    const adjustment = attempt < mostAttempts ? adjustSettings(server.progress(), settings) : undefined;
    if (adjustment === undefined)
      throw explainFailure({ dataDirectory, target: request.aim.target, progress: server.progress(), log: server.log() });
    events({ type: 'notice', message: adjustment.notice });
    settings = { ...settings, ...adjustment.settings };
  }
}

/** `stuck` where the server ended, or waits for settings it does not have. Throws what broke the supply of its log, and `interrupted`; the server is stopped then. */
async function waitForEnd({ aim, signal }: RecoveryRequest, server: ServerProcess, spool: WalSpool): Promise<'reached' | 'stuck'> {
  const isStuck = ({ tooLow }: RecoveryProgress): boolean => Object.keys(tooLow).length > 0;
  const isThere = ({ accepting, paused }: RecoveryProgress): boolean =>
    accepting === 'all' || (aim.action === 'pause' && paused && accepting !== undefined);
  const interruption = Promise.withResolvers<never>();
  const interrupt = (): void =>
    interruption.reject(signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError('interrupted', {}, signal.reason));
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    const end = await Promise.race([
      server.until((progress) => isStuck(progress) || isThere(progress)),
      spool.failed,
      interruption.promise,
    ]);
    // A server that ended because its log could not be read has only its own words for that.
    if (end === 'ended') await Promise.race([spool.failed, Promise.resolve()]);
    return end === 'reached' && !isStuck(server.progress()) ? 'reached' : 'stuck';
  } catch (error) {
    await spool.close();
    await server.stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

function startSettings(
  { dataDirectory, runner, major, aim, settings, configurationFile, port, temporary }: RecoveryRequest,
  socketFolder: string,
): Settings {
  const libraries = settings['shared_preload_libraries'];
  return {
    ...capacitiesOf(settings),
    ...(libraries === undefined ? {} : { shared_preload_libraries: withoutJobs(libraries) }),
    ...settingsOfAim(aim),
    ...settingsOfPrivateServer({
      dataDirectory: runner.inside(dataDirectory),
      socketFolder,
      port,
      major,
      ...(configurationFile === undefined ? {} : { configurationFile }),
    }),
    ...(temporary === true ? { fsync: 'off', full_page_writes: 'off', shared_buffers: '128MB' } : {}),
    autovacuum: 'off',
  };
}

async function inspect(
  { dataDirectory, aim, port, superusers }: RecoveryRequest,
  progress: RecoveryProgress,
  { socketFolder, spool }: { readonly socketFolder: string; readonly spool: WalSpool },
): Promise<{ readonly connection: PostgresConnection; readonly outcome: RecoveryOutcome }> {
  const connection = await findSuperuser({ socketFolder, port, candidates: superusers });
  const outcome = await readEndState({ open: () => openSession(connection), aim, progress, dataDirectory });
  return { connection, outcome: { ...outcome, segments: spool.taken() } };
}
