/** For tests: a real server whose base backups and write-ahead log go into a repository of its own, as holdfast does it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, type ClusterOptions, type ThrowawayCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { openSealedObjects } from '../../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../../engine/repository.ts';
import { type EventSink, ignoreEvents } from '../../../events.ts';
import { systemClock } from '../../../util/clock.ts';
import { openWalArchive } from '../../../wal/open-wal-archive.ts';
import type { WalReceiver } from '../../../wal/receive-wal.ts';
import { backUp } from '../../back-up.ts';
import { createSession } from '../../open-session.ts';
import { createBaseComponent } from '../../physical/base-component.ts';
import { streamWal } from '../../wal/stream-wal.ts';
import { replicatedServerAt } from '../../physical/replicated-server.ts';
import type { MomentContext } from '../run-plan.ts';

export interface SavedServer {
  readonly cluster: ThrowawayCluster;
  readonly repository: Repository;
  /** A folder that PostgreSQL's user can enter; gone with the server. */
  readonly room: string;
  readonly context: MomentContext;
  /** Makes a base backup: a full one first, then increments. The point's id. */
  takeBase(events?: EventSink): Promise<string>;
  /** Until the repository has all that is committed now. The server's clock then. */
  settle(): Promise<Date>;
  /** The server's clock. */
  now(): Promise<Date>;
  /** Ends what receives its log. */
  stopReceiving(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSavedServer(options: ClusterOptions = {}, increments = 5): Promise<SavedServer> {
  const room = await mkdtemp(join(tmpdir(), 'holdfast-moment-'));
  await chmod(room, 0o755);
  const settings = { max_wal_senders: '6', max_replication_slots: '4', ...options.settings };
  const cluster = await startCluster({ ...options, settings });
  const repository = await createSession({ url: join(room, 'repository'), password: () => Promise.resolve('secret') });
  const url = cluster.url('postgres');
  const server = await replicatedServerAt(url, {});
  const ending = new AbortController();
  const receiver: WalReceiver = streamWal(
    repository,
    { server, slot: 'test', flushMs: 200, synchronous: false, clock: systemClock },
    { events: ignoreEvents, signal: ending.signal },
  );
  const received = receiver.done.catch((error: unknown) => error);
  const context: MomentContext = {
    events: ignoreEvents,
    signal: new AbortController().signal,
    clock: systemClock,
    environment: { PATH: process.env['PATH'], HOME: room, HOLDFAST_SCRATCH: join(room, 'scratch') },
    stateFolder: join(room, 'state'),
  };
  const now = async (): Promise<Date> => {
    const [row] = await cluster.query<{ at: Date }>('SELECT clock_timestamp() AS at');
    if (row === undefined) throw new Error('no time');
    return row.at;
  };
  const stopReceiving = async (): Promise<void> => {
    ending.abort();
    await received;
  };
  const [identity] = await cluster.query<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()');
  return {
    cluster,
    repository,
    room,
    context,
    now,
    takeBase: async (events = ignoreEvents) => {
      const policy = { fullEveryMs: 86_400_000, increments };
      const base = { component: 'database', server: server.server, checkpoint: 'fast' as const, policy, clock: systemClock };
      const source = await createBaseComponent({
        ...base,
        connect: (capture) => server.connect(capture),
        readFile: (path) => server.readFile(path),
      });
      const report = await backUp(repository, { components: [{ source }] }, { ...context, events });
      return report.pointId ?? '';
    },
    settle: async () => {
      const at = await now();
      const archive = openWalArchive(openSealedObjects(repository), identity?.id ?? '');
      for (let turn = 0; turn < 300; turn += 1) {
        // Something that comes after it, so that its moment is known to be past.
        await cluster.query('SELECT pg_current_xact_id()');
        const newest = (await archive.coverage()).map((timeline) => timeline.newest?.at ?? new Date(0));
        if (newest.some((moment) => moment > at)) return at;
        await sleep(100);
      }
      throw new Error(`the repository did not get what was committed before ${at.toISOString()}`, {
        cause: await Promise.race([received, Promise.resolve()]),
      });
    },
    stopReceiving,
    stop: async () => {
      await stopReceiving();
      await repository.close();
      await cluster.stop();
      await rm(room, { recursive: true, force: true });
    },
  };
}
