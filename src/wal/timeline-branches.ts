/** The timelines that a base backup can be recovered along. */
import { HoldfastError, isError } from '../errors.ts';
import { readHistory } from './choose-start.ts';
import { firstTimeline, pathFrom, type TimelineHistory, type TimelineStretch } from './timeline-history.ts';
import type { TimelineCoverage, WalArchive } from './wal-archive.ts';
import type { WalPlanRequest } from './plan-wal.ts';

export interface TimelineBranch {
  readonly timeline: number;
  /** From the base's beginning to this timeline. */
  readonly path: readonly TimelineStretch[];
  /** What is stored of the timeline itself; undefined where that is nothing. */
  readonly coverage: TimelineCoverage | undefined;
}

export interface BaseBounds {
  readonly from: WalPlanRequest['from'];
  readonly baseEnd: WalPlanRequest['baseEnd'];
}

/** Every stored timeline that goes through the whole base, ascending; the base's own even where nothing of it is stored. */
export async function findBranches(
  archive: WalArchive,
  bounds: BaseBounds,
  coverage: readonly TimelineCoverage[],
): Promise<TimelineBranch[]> {
  const branches: TimelineBranch[] = [];
  const own = bounds.baseEnd.timeline;
  for (const timeline of new Set([own, ...coverage.map((covered) => covered.timeline)])) {
    const covered = coverage.find((candidate) => candidate.timeline === timeline);
    if (timeline !== own && (covered === undefined || covered.ranges.length === 0)) continue;
    const path = pathThrough(bounds, await historyOf(archive, timeline, own));
    if (path !== undefined) branches.push({ timeline, path, coverage: covered });
    else if (timeline === own) branches.push({ timeline, path: [{ timeline, from: bounds.from.lsn }], coverage: covered });
  }
  return branches.toSorted((a, b) => a.timeline - b.timeline);
}

/** The way from the base's beginning; undefined where the timeline was left, or began, before the base's end. */
function pathThrough({ from, baseEnd }: BaseBounds, history: TimelineHistory): TimelineStretch[] | undefined {
  return pathFrom(history, baseEnd) === undefined ? undefined : pathFrom(history, from);
}

/** Without a history a timeline is taken for the first of its cluster: it can be recovered along only by a base of its own. */
async function historyOf(archive: WalArchive, timeline: number, own: number): Promise<TimelineHistory> {
  if (timeline === 1) return firstTimeline(1);
  try {
    const content = await archive.readHistory(timeline);
    return content === undefined ? firstTimeline(timeline) : readHistory(content, timeline);
  } catch (error) {
    if (timeline !== own && isError(error, 'damaged'))
      throw new HoldfastError('wal-timeline-unknown', { timeline, reason: 'its history is damaged' }, error);
    throw error;
  }
}
