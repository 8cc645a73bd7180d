/** To which moment a base backup can be brought by the log that is stored. Pure. */
import type { TimelineCoverage } from '../../wal/wal-archive.ts';

/**
 * The newest moment that the log holds without a gap from the end of a base backup on; over the switches of timelines. Undefined where the log does
 * not reach that end, or tells no moment.
 */
export function newestMomentAfter(baseEnd: bigint, timelines: readonly TimelineCoverage[]): Date | undefined {
  const moments = timelines.flatMap((covered) =>
    covered.newest?.at !== undefined && isReached(covered, baseEnd, timelines, timelines.length) ? [covered.newest.at.getTime()] : [],
  );
  return moments.length === 0 ? undefined : new Date(Math.max(...moments));
}

/** Whether the last stretch of a timeline goes back to a position without a gap. @param depth switches that may be walked over */
function isReached(covered: TimelineCoverage, position: bigint, all: readonly TimelineCoverage[], depth: number): boolean {
  const last = covered.ranges.at(-1);
  if (last === undefined || last.end < position) return false;
  const { parent } = covered;
  if (last.start <= position && (parent === undefined || parent.switchPoint <= position)) return true;
  if (parent === undefined || last.start > parent.switchPoint || position > parent.switchPoint || depth === 0) return false;
  const before = all.find(({ timeline }) => timeline === parent.timeline);
  return before !== undefined && holds(before, position, parent.switchPoint, all, depth - 1);
}

function holds(covered: TimelineCoverage, from: bigint, to: bigint, all: readonly TimelineCoverage[], depth: number): boolean {
  const range = covered.ranges.find(({ start, end }) => start <= to && end >= to);
  if (range === undefined) return false;
  const { parent } = covered;
  if (parent === undefined || parent.switchPoint <= from) return range.start <= from;
  const before = all.find(({ timeline }) => timeline === parent.timeline);
  return range.start <= parent.switchPoint && before !== undefined && depth > 0 && holds(before, from, parent.switchPoint, all, depth - 1);
}
