/** How far the stored WAL goes along a way through timelines, and which segments it consists of. */
import { findNewest, latestOf, stretchesOf } from './coverage.ts';
import { contiguousParts, firstHole, joinRanges } from './part-arithmetic.ts';
import type { PlannedSegment } from './plan-wal.ts';
import { startOfSegment } from './choose-start.ts';
import { formatSegmentName, segmentNumberAt, segmentStart } from './segment-name.ts';
import type { BaseBounds, TimelineBranch } from './timeline-branches.ts';
import type { TimelineStretch } from './timeline-history.ts';
import type { NewestMoment, TimelineContents, WalArchive, WalRange } from './wal-archive.ts';

export interface WalkedPath {
  /** In order, from the base's beginning; those that the base itself brings may be absent. */
  readonly segments: readonly PlannedSegment[];
  readonly newest: NewestMoment;
  /** What is missing between the end of that and what is stored further on. */
  readonly gap: { readonly timeline: number; readonly from: bigint; readonly to: bigint } | undefined;
}

interface Leg {
  readonly timeline: number;
  readonly contents: TimelineContents;
  readonly ranges: readonly WalRange[];
  /** What is needed of this timeline. */
  readonly from: bigint;
  readonly to: bigint | undefined;
}

export async function walkPath(archive: WalArchive, branch: TimelineBranch, bounds: BaseBounds, segmentSize: number): Promise<WalkedPath> {
  const legs = await planLegs(archive, branch.path, segmentSize);
  const segments: PlannedSegment[] = [];
  // Up to its end the base has WAL of its own.
  const needed = startOfSegment(bounds.baseEnd.lsn, segmentSize);
  let newest: NewestMoment = { lsn: bounds.baseEnd.lsn, at: bounds.baseEnd.at };
  for (const leg of legs) {
    const from = leg.from > needed ? leg.from : needed;
    const to = leg.to ?? endOf(leg.ranges) ?? from;
    const hole = to > from ? firstHole(leg.ranges, { start: from, end: to }) : undefined;
    const end = hole?.start ?? to;
    segments.push(...segmentsOf(leg, end, segmentSize));
    newest = await laterOf(newest, archive, leg, end, segmentSize);
    if (hole !== undefined) return { segments, newest, gap: { timeline: leg.timeline, from: end, to: hole.end } };
  }
  return { segments, newest, gap: undefined };
}

/** The segment in which a timeline was left is taken from the next one, which begins with a copy of it. */
async function planLegs(archive: WalArchive, path: readonly TimelineStretch[], segmentSize: number): Promise<Leg[]> {
  const stored = await Promise.all(path.map(({ timeline }) => archive.contents(timeline)));
  const ranges = stored.map((contents) => joinRanges(stretchesOf(contents, segmentSize)));
  return path.flatMap(({ timeline, from, to }, index) => {
    const contents = stored[index];
    if (contents === undefined) return [];
    const begin = startOfSegment(from, segmentSize);
    const nextHasFork =
      to !== undefined && firstHole(ranges[index + 1] ?? [], { start: startOfSegment(to, segmentSize), end: to + 1n }) === undefined;
    const end = to !== undefined && nextHasFork ? startOfSegment(to, segmentSize) : to;
    const isAtFork = index > 0 && firstHole(ranges[index] ?? [], { start: begin, end: from + 1n }) !== undefined;
    return [{ timeline, contents, ranges: ranges[index] ?? [], from: isAtFork ? from : begin, to: end }];
  });
}

/** The stored segments of a leg from its beginning up to a position, in order. */
function segmentsOf({ timeline, contents, from, to }: Leg, end: bigint, segmentSize: number): PlannedSegment[] {
  const planned: PlannedSegment[] = [];
  const whole = new Set(contents.whole.map(({ name }) => name));
  const last = to !== undefined && to < end ? to : end;
  for (let number = segmentNumberAt(from, segmentSize); segmentStart(number, segmentSize) < last; number += 1n) {
    const name = formatSegmentName({ timeline, number }, segmentSize);
    const isWhole = whole.has(name);
    const filled = isWhole ? segmentSize : contiguousParts(contents.parts.get(name) ?? []).filled;
    if (filled > 0) planned.push({ name, timeline, start: segmentStart(number, segmentSize), filled, whole: isWhole });
  }
  return planned;
}

async function laterOf(newest: NewestMoment, archive: WalArchive, leg: Leg, end: bigint, segmentSize: number): Promise<NewestMoment> {
  if (end <= newest.lsn) return newest;
  const range = leg.ranges.find((candidate) => candidate.start < end && candidate.end >= end);
  const found =
    range === undefined
      ? undefined
      : await findNewest(archive, leg.contents, stretchesOf(leg.contents, segmentSize), { start: range.start, end });
  const at = latestOf([newest.at, found?.at]);
  const lastCommit = found?.lastCommit ?? newest.lastCommit;
  return { lsn: end, ...(at === undefined ? {} : { at }), ...(lastCommit === undefined ? {} : { lastCommit }) };
}

function endOf(ranges: readonly WalRange[]): bigint | undefined {
  return ranges.at(-1)?.end;
}
