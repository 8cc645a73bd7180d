/** What of a server's WAL the repository has, and how far that is behind the server. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import type { ClusterFacts } from '../../sources/postgres/replication/cluster-facts.ts';
import { listWalSystems, openWalArchive } from '../../wal/open-wal-archive.ts';
import type { RecordedGap, TimelineCoverage } from '../../wal/wal-archive.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { openWalFeed, type WalServer } from './wal-server.ts';

export interface WalStatus {
  /** Of each cluster whose WAL is stored. */
  readonly clusters: readonly ClusterStatus[];
  /** Absent where no server was named. */
  readonly server?: ServerStatus;
}

export interface ClusterStatus {
  readonly systemId: string;
  readonly timelines: readonly TimelineStatus[];
}

export interface TimelineStatus extends TimelineCoverage {
  /** Between what is stored. */
  readonly gaps: readonly { readonly from: bigint; readonly to: bigint; readonly recorded?: RecordedGap }[];
}

export type ServerStatus =
  | { readonly reachable: false; readonly reason: string }
  | {
      readonly reachable: true;
      readonly systemId: string;
      readonly timeline: number;
      readonly position: bigint;
      /** The server's WAL that is not stored; undefined where nothing of it is. */
      readonly lagBytes?: number;
      readonly slot?: ClusterFacts['slots'][number];
      /** Physical slots that nobody streams from: they fill the server's disk. */
      readonly idleSlots: readonly ClusterFacts['slots'][number][];
      /** Bytes in pg_wal; absent where the user may not see it. */
      readonly walSize?: number;
    };

export interface WalStatusRequest {
  readonly server?: WalServer;
  readonly slot?: string;
}

export async function readWalStatus(repository: Repository, { server, slot }: WalStatusRequest, context: RunContext): Promise<WalStatus> {
  const objects = openSealedObjects(repository);
  const clusters = await Promise.all(
    (await listWalSystems(objects)).map(async (systemId): Promise<ClusterStatus> => {
      const archive = openWalArchive(objects, systemId);
      const coverage = await archive.coverage();
      const timelines = await Promise.all(
        coverage.map(async (covered) => ({ ...covered, gaps: gapsOf(covered, await archive.readGaps(covered.timeline)) })),
      );
      return { systemId, timelines };
    }),
  );
  return server === undefined ? { clusters } : { clusters, server: await askServer(server, slot, clusters, context) };
}

function gapsOf({ ranges }: TimelineCoverage, recorded: readonly RecordedGap[]): TimelineStatus['gaps'] {
  return ranges.slice(1).map(({ start }, index) => {
    const gap = { from: ranges[index]?.end ?? start, to: start };
    const known = recorded.find(({ from, to }) => from <= gap.from && to >= gap.to);
    return known === undefined ? gap : { ...gap, recorded: known };
  });
}

async function askServer(
  walServer: WalServer,
  slot: string | undefined,
  clusters: readonly ClusterStatus[],
  context: RunContext,
): Promise<ServerStatus> {
  try {
    const feed = await openWalFeed(walServer, { applicationName: 'holdfast_status', ...context });
    try {
      const { systemId, timeline, position } = await feed.identify();
      const { readClusterFacts } = await import('../../sources/postgres/replication/cluster-facts.ts');
      const { slots, walSize } = await readClusterFacts(walServer.server);
      const stored = clusters
        .find((cluster) => cluster.systemId === systemId)
        ?.timelines.find((covered) => covered.timeline === timeline)?.newest;
      const own = slots.find(({ name }) => name === slot);
      return {
        reachable: true,
        systemId,
        timeline,
        position,
        ...(stored === undefined ? {} : { lagBytes: Math.max(0, Number(position - stored.lsn)) }),
        ...(own === undefined ? {} : { slot: own }),
        idleSlots: slots.filter(({ name, active, type }) => !active && type === 'physical' && name !== slot),
        ...(walSize === undefined ? {} : { walSize }),
      };
    } finally {
      await feed.close();
    }
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { reachable: false, reason: reasonOf(error) };
  }
}
