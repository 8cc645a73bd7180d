/** Leaves out the segments that recovery does not reach before it stops. */
import type { PlannedSegment, WalTarget } from './plan-wal.ts';
import type { CommitMark } from './segment-header.ts';
import { parseSegmentName } from './segment-name.ts';
import type { WalArchive } from './wal-archive.ts';
import { contiguousParts } from './part-arithmetic.ts';
import type { WalkedPath } from './walk-path.ts';

export interface CutSegments {
  readonly segments: readonly PlannedSegment[];
  readonly commitAfterTarget: boolean;
}

/** For a target in time recovery stops at the first later commit: a segment that has one is the last one needed. */
export async function cutAtTarget(archive: WalArchive, walked: WalkedPath, target: WalTarget, segmentSize: number): Promise<CutSegments> {
  const { segments, newest } = walked;
  if (target.kind === 'lsn') {
    const last = segments.findIndex(({ start }) => start > target.lsn);
    // A record that begins in one segment may end in the next.
    const kept = last === -1 ? segments : segments.slice(0, last + 1);
    return { segments: kept, commitAfterTarget: target.lsn < newest.lsn };
  }
  if (target.kind !== 'time') return { segments, commitAfterTarget: false };
  const found = await findCommitAfter(archive, segments, target.at, segmentSize);
  if (found !== undefined) return { segments: segments.slice(0, found + 1), commitAfterTarget: true };
  // Times are without their microseconds: what was committed in the same millisecond may be later.
  const last = newest.lastCommit?.at;
  return { segments, commitAfterTarget: last !== undefined && last >= target.at };
}

/**
 * The number of a segment with a later commit: the earliest, where commits are in the order of their times. Servers write them nearly so, and
 * a later one than the earliest is enough too. Undefined where there is none.
 */
async function findCommitAfter(
  archive: WalArchive,
  segments: readonly PlannedSegment[],
  at: Date,
  segmentSize: number,
): Promise<number | undefined> {
  let found: number | undefined;
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = await nextWithCommits(archive, segments, middle, segmentSize);
    if (next === undefined) high = middle;
    else if (next.marks.some((mark) => mark.at > at)) {
      found = next.index;
      high = middle;
    } else low = next.index + 1;
  }
  return found;
}

/** The first segment from here on that has any commits. */
async function nextWithCommits(
  archive: WalArchive,
  segments: readonly PlannedSegment[],
  from: number,
  segmentSize: number,
): Promise<{ readonly index: number; readonly marks: readonly CommitMark[] } | undefined> {
  for (const [offset, segment] of segments.slice(from).entries()) {
    const marks = await commitsOf(archive, segment, segmentSize);
    if (marks.length > 0) return { index: from + offset, marks };
  }
  return undefined;
}

/** The first and last commits that the headers of a stored segment tell of. */
async function commitsOf(archive: WalArchive, { name, whole }: PlannedSegment, segmentSize: number): Promise<CommitMark[]> {
  const parts = whole ? [undefined] : await partsOf(archive, name, segmentSize);
  const headers = await Promise.all(parts.map((part) => archive.header(name, part)));
  return headers.flatMap(({ firstCommit, lastCommit }) => [firstCommit, lastCommit].filter((mark) => mark !== undefined));
}

async function partsOf(archive: WalArchive, name: string, segmentSize: number) {
  const { parts } = await archive.contents(parseSegmentName(name, segmentSize).timeline);
  return contiguousParts(parts.get(name) ?? []).used;
}
