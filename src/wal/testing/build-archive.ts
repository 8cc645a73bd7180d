/** Archives made up for tests of plans: segments of zeros, with headers that tell when what was committed. */
import { formatLsn } from '../../util/lsn.ts';
import { openWalArchive } from '../open-wal-archive.ts';
import type { CommitMark } from '../segment-header.ts';
import { formatSegmentName, segmentNumberAt, segmentStart } from '../segment-name.ts';
import type { WalArchive } from '../wal-archive.ts';
import { createMemoryObjects, type MemoryObjects } from './memory-objects.ts';

export const segmentSize = 2 ** 20;
const systemId = '7350000000000000001';

export interface MadeArchive {
  readonly objects: MemoryObjects;
  readonly archive: WalArchive;
}

/** A stretch of WAL on one timeline: one commit in each segment, at the time that `at` gives for its position. */
export interface MadeStretch {
  readonly timeline: number;
  readonly from: bigint;
  readonly to: bigint;
  /** When the byte at a position was written. */
  at(lsn: bigint): Date;
  /** Without commits. */
  readonly quiet?: boolean;
}

/** Position of a segment of the first timelines, and an offset in it. */
export function position(segment: number, offset = 0): bigint {
  return BigInt(segment) * BigInt(segmentSize) + BigInt(offset);
}

/** Minutes after noon. */
export function minute(count: number): Date {
  return new Date(Date.UTC(2026, 2, 10, 12, 0, 0) + Math.round(count * 60_000));
}

/** One segment a minute: segment 10 at ten past noon. */
export function atItsMinute(lsn: bigint): Date {
  return minute(Number(lsn) / segmentSize);
}

export async function makeArchive(
  stretches: readonly MadeStretch[],
  histories: Readonly<Record<number, readonly (readonly [number, bigint])[]>> = {},
): Promise<MadeArchive> {
  const objects = createMemoryObjects();
  const archive = openWalArchive(objects, systemId);
  for (const [timeline, switches] of Object.entries(histories)) {
    const lines = switches.map(([id, lsn]) => `${id}\t${formatLsn(lsn)}\tno recovery target specified\n`);
    await archive.putHistory(Number(timeline), Buffer.from(lines.join('')));
  }
  for (const stretch of stretches) await addStretch(archive, stretch);
  return { objects, archive };
}

async function addStretch(archive: WalArchive, { timeline, from, to, at, quiet = false }: MadeStretch): Promise<void> {
  for (let number = segmentNumberAt(from, segmentSize); segmentStart(number, segmentSize) < to; number += 1n) {
    const start = segmentStart(number, segmentSize);
    const begin = from > start ? from : start;
    const end = to < start + BigInt(segmentSize) ? to : start + BigInt(segmentSize);
    const mark: CommitMark = { lsn: begin + (end - begin) / 2n, at: at(begin + (end - begin) / 2n) };
    const segment = {
      name: formatSegmentName({ timeline, number }, segmentSize),
      segmentSize,
      bytes: Buffer.alloc(Number(end - begin), timeline),
      sentFrom: at(begin),
      sentAt: at(end),
      completeAt: at(end),
      ...(quiet ? {} : { firstCommit: mark, lastCommit: mark }),
    };
    if (end - begin === BigInt(segmentSize)) await archive.putSegment(segment);
    else await archive.putPart({ ...segment, offset: Number(begin - start) });
  }
}
