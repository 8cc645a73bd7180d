/** Where streaming goes on: what is stored, held against what the server says about itself. */
import { HoldfastError, reasonOf } from '../errors.ts';
import { joinRanges } from './part-arithmetic.ts';
import { stretchesOf } from './coverage.ts';
import { formatLsn } from '../util/lsn.ts';
import { segmentNumberAt, segmentStart } from './segment-name.ts';
import { firstTimeline, parseTimelineHistory, pathFrom, switchFrom, type TimelineHistory } from './timeline-history.ts';
import type { TimelineContents, WalArchive } from './wal-archive.ts';
import type { WalFeed } from './wal-feed.ts';

export interface ServerState {
  readonly systemId: string;
  readonly timeline: number;
  readonly position: bigint;
  readonly segmentSize: number;
  readonly history: TimelineHistory;
}

export interface StreamStart {
  readonly timeline: number;
  /** The position after what is stored, or the beginning of a segment. */
  readonly at: bigint;
  /** Worth telling. */
  readonly notices: readonly string[];
}

/** Asks the server who it is, and where it came from; the history file of its timeline is put into the archive. */
export async function readServerState(
  feed: WalFeed,
  openArchive: (systemId: string) => WalArchive,
): Promise<ServerState & { readonly archive: WalArchive }> {
  const identity = await feed.identify();
  const archive = openArchive(identity.systemId);
  const history = await keepHistory(feed, archive, identity.timeline);
  return { ...identity, segmentSize: feed.server.segmentSize, history, archive };
}

/** Reads the history of a timeline from the server, and stores it. Throws `wal-different` where another one of that number is stored. */
export async function keepHistory(feed: WalFeed, archive: WalArchive, timeline: number): Promise<TimelineHistory> {
  if (timeline === 1) return firstTimeline(1);
  const { content } = await feed.readHistory(timeline);
  const history = readHistory(content, timeline);
  await archive.putHistory(timeline, content);
  return history;
}

/** Throws `damaged`. */
export function readHistory(content: Uint8Array, timeline: number): TimelineHistory {
  try {
    return parseTimelineHistory(content, timeline);
  } catch (error) {
    throw new HoldfastError('damaged', { object: `the history of timeline ${timeline}`, reason: reasonOf(error) }, error);
  }
}

/** Throws `wal-diverged` where the server cannot be the one that the stored WAL came from. */
export async function chooseStart(archive: WalArchive, server: ServerState, reservedFrom: bigint | undefined): Promise<StreamStart> {
  const { segmentSize, history } = server;
  const storedSize = await archive.segmentSize();
  if (storedSize !== undefined && storedSize !== segmentSize)
    throw diverged(`its segments have ${segmentSize} bytes, the stored ones ${storedSize}`);
  const stored = (await archive.timelines()).flatMap((contents) => describeEnd(contents, segmentSize));
  const onPath = stored.filter(({ timeline }) => switchFrom(history, timeline) !== 'absent');
  const last = onPath.at(-1);
  if (last === undefined) {
    if (stored.length > 0)
      throw diverged(
        `it is on timeline ${server.timeline}, which did not come from any of those stored (${stored.map(({ timeline }) => timeline).join(', ')})`,
      );
    return beginning(server, reservedFrom);
  }
  const newer = stored.filter(({ timeline }) => timeline > last.timeline).map(({ timeline }) => timeline);
  const notices =
    newer.length === 0
      ? []
      : [`the server is on timeline ${server.timeline}; what is stored of timeline ${newer.join(', ')} is not its WAL`];
  const start = goOn(server, last);
  return { ...start, notices: [...notices, ...start.notices] };
}

function goOn(
  { history, timeline, position, segmentSize }: ServerState,
  stored: { readonly timeline: number; readonly end: bigint },
): StreamStart {
  const left = switchFrom(history, stored.timeline);
  if (left === undefined) {
    if (position < stored.end)
      throw diverged(`it has WAL up to ${formatLsn(position)} of timeline ${timeline}, and up to ${formatLsn(stored.end)} is stored`);
    return { timeline, at: stored.end, notices: [] };
  }
  if (left === 'absent' || stored.end < left) return { timeline: stored.timeline, at: stored.end, notices: [] };
  const next = nextAfter(history, stored.timeline);
  const beyond = `what is stored of timeline ${stored.timeline} goes on to ${formatLsn(stored.end)}, past ${formatLsn(left)}, where timeline ${next} left it`;
  return { timeline: next, at: startOfSegment(left, segmentSize), notices: stored.end > left ? [beyond] : [] };
}

/** Nothing is stored: from where the slot keeps WAL, on the timeline that the server was on then. */
export function beginning({ history, position, segmentSize, timeline }: ServerState, reservedFrom: bigint | undefined): StreamStart {
  const from = reservedFrom !== undefined && reservedFrom < position ? reservedFrom : position;
  const at = startOfSegment(from, segmentSize);
  const wasOn = history.ancestors.find(({ switchPoint }) => at < startOfSegment(switchPoint, segmentSize));
  return { timeline: wasOn?.timeline ?? timeline, at, notices: [] };
}

/** The timeline after this one on the way to the history's own. */
function nextAfter(history: TimelineHistory, timeline: number): number {
  return pathFrom(history, { timeline, lsn: 0n })?.at(1)?.timeline ?? history.timeline;
}

export function startOfSegment(lsn: bigint, segmentSize: number): bigint {
  return segmentStart(segmentNumberAt(lsn, segmentSize), segmentSize);
}

function describeEnd(contents: TimelineContents, segmentSize: number): { readonly timeline: number; readonly end: bigint }[] {
  const last = joinRanges(stretchesOf(contents, segmentSize)).at(-1);
  return last === undefined ? [] : [{ timeline: contents.timeline, end: last.end }];
}

function diverged(reason: string): HoldfastError {
  return new HoldfastError('wal-diverged', { reason });
}
