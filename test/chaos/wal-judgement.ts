/** Holds what an archive has against the server's own WAL, byte by byte. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSealedObjects } from '../../src/engine/objects/sealed-objects.ts';
import type { Repository } from '../../src/engine/repository.ts';
import { CommitScanner } from '../../src/wal/commit-scanner.ts';
import { formatLsn, parseLsn } from '../../src/util/lsn.ts';
import { listWalSystems, openWalArchive } from '../../src/wal/open-wal-archive.ts';
import { formatSegmentName, segmentNumberAt, segmentStart } from '../../src/wal/segment-name.ts';
import type { WalArchive } from '../../src/wal/wal-archive.ts';
import { openQuickRepository } from '../harness/repositories/quick-repository.ts';
import type { ThrowawayCluster } from '../harness/postgres/throwaway-cluster.ts';

export interface WalJudgement {
  /** The end of what is stored. */
  readonly end: bigint;
  readonly segments: number;
  readonly parts: number;
  /** Transactions that ended in what is stored. */
  readonly commits: number;
}

/** Opens the only cluster of a repository. */
async function openOnlyArchive(repository: Repository): Promise<WalArchive> {
  const objects = openSealedObjects(repository);
  const [systemId, ...others] = await listWalSystems(objects);
  if (systemId === undefined || others.length > 0)
    throw new Error(`there is the WAL of ${others.length + (systemId === undefined ? 0 : 1)} clusters`);
  return openWalArchive(objects, systemId);
}

/**
 * Throws where what is stored of a timeline has a gap, or differs from the server's pg_wal (which must still have all of it), or reaches less
 * far than the server was told: then it would free WAL that nobody has. Only segments that end after `from` are read.
 */
export async function judgeWal(
  path: string,
  cluster: ThrowawayCluster,
  { timeline = 1, from = 0n }: { readonly timeline?: number; readonly from?: bigint } = {},
): Promise<WalJudgement> {
  const repository = await openQuickRepository(path);
  try {
    const archive = await openOnlyArchive(repository);
    const covered = (await archive.coverage()).find((candidate) => candidate.timeline === timeline);
    if (covered === undefined) throw new Error(`nothing is stored of timeline ${timeline}`);
    const [range, ...more] = covered.ranges;
    if (range === undefined || more.length > 0)
      throw new Error(
        `what is stored has gaps: ${JSON.stringify(covered.ranges.map(({ start, end }) => [formatLsn(start), formatLsn(end)]))}`,
      );
    let commits = 0;
    const scanner = new CommitScanner(() => (commits += 1));
    for (
      let number = segmentNumberAt(range.start > from ? range.start : from, covered.segmentSize);
      segmentStart(number, covered.segmentSize) < range.end;
      number += 1n
    ) {
      const name = formatSegmentName({ timeline, number }, covered.segmentSize);
      const { content, filled } = await archive.readSegment(name);
      const own = await readFile(join(cluster.dataFolder, 'pg_wal', name));
      if (!own.subarray(0, filled).equals(content.subarray(0, filled))) throw new Error(`${name} is not what the server wrote`);
      scanner.feed(segmentStart(number, covered.segmentSize), content.subarray(0, filled));
    }
    return { end: range.end, segments: covered.segments, parts: covered.parts, commits };
  } finally {
    await repository.close();
  }
}

/** Whether a repository has any WAL. */
export async function hasStored(path: string): Promise<boolean> {
  const repository = await openQuickRepository(path);
  try {
    return (await listWalSystems(openSealedObjects(repository))).length > 0;
  } finally {
    await repository.close();
  }
}

/** Up to where the server was told that everything is stored; undefined where there is no slot. */
export async function confirmedTo(cluster: ThrowawayCluster, slot: string): Promise<bigint | undefined> {
  const [row] = await cluster.query<{ lsn: string | null }>(
    'SELECT restart_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
    'postgres',
    [slot],
  );
  return row?.lsn === undefined || row.lsn === null ? undefined : parseLsn(row.lsn);
}

/** Waits until somebody streams from the slot. Throws where the receiver ends before. */
export async function untilStreaming(cluster: ThrowawayCluster, slot: string, ended: Promise<{ readonly stderr: string }>): Promise<void> {
  let said: string | undefined;
  void ended.then(({ stderr }) => (said = stderr));
  while (!(await isActive(cluster, slot))) {
    if (said !== undefined) throw new Error(`the receiver ended: ${said}`);
    await sleep(50);
  }
}

/** Waits until nobody streams from the slot any more: the server notices a moment after a receiver died. */
export async function untilIdle(cluster: ThrowawayCluster, slot: string): Promise<void> {
  while (await isActive(cluster, slot)) await sleep(20);
}

async function isActive(cluster: ThrowawayCluster, slot: string): Promise<boolean> {
  const rows = await cluster.query<{ active: boolean }>('SELECT active FROM pg_replication_slots WHERE slot_name = $1', 'postgres', [slot]);
  return rows[0]?.active === true;
}

/** Writes rows, one transaction each, until it is stopped; what the server does not answer is tried again. */
export function writeRows(cluster: ThrowawayCluster, pauseMs: number): { readonly acknowledged: () => number; stop(): Promise<void> } {
  let acknowledged = 0;
  let isOver = false;
  const work = (async () => {
    const { Client } = (await import('pg')).default;
    while (!isOver) {
      const client = new Client({
        host: cluster.host,
        port: cluster.port,
        user: cluster.superuser,
        password: cluster.password,
        database: 'postgres',
      });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!isOver) {
          await client.query(
            'INSERT INTO load (text) SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 1 + (random() * 200)::int)',
          );
          acknowledged += 1;
          if (pauseMs > 0) await sleep(pauseMs);
        }
      } catch {
        await sleep(50);
      } finally {
        await client.end().catch(() => {});
      }
    }
  })();
  return {
    acknowledged: () => acknowledged,
    stop: async () => {
      isOver = true;
      await work;
    },
  };
}
