/** How far what is stored goes: contiguous ranges and the newest moment of each timeline. */
import { HoldfastError, isError, reasonOf } from '../errors.ts';
import { contiguousParts, joinRanges } from './part-arithmetic.ts';
import type { CommitMark, SegmentHeader } from './segment-header.ts';
import { parseSegmentName, segmentStart } from './segment-name.ts';
import { parentOf, parseTimelineHistory, type TimelineSwitch } from './timeline-history.ts';
import type { NewestMoment, PartName, TimelineContents, TimelineCoverage, WalArchive, WalRange } from './wal-archive.ts';

/** One stored object that holds WAL: a whole segment, or a part that continues what is before it. */
export interface StoredStretch extends WalRange {
  readonly name: string;
  readonly part?: PartName;
}

/** Segments looked back at for a moment, when the newest tell none: a catch-up without any commit. */
const lookBack = 64;

export async function readCoverage(archive: WalArchive): Promise<readonly TimelineCoverage[]> {
  return whileItChanges(async () => {
    const segmentSize = await archive.segmentSize();
    const timelines = await archive.timelines();
    return Promise.all(timelines.map((contents) => coverTimeline(archive, contents, segmentSize ?? 2 ** 24)));
  });
}

const attempts = 5;

/** Repeats what found an object gone that was listed before: a receiver completes segments and joins parts meanwhile. */
export async function whileItChanges<Result>(read: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt === attempts || !isError(error, 'storage-missing')) throw error;
    }
  }
}

async function coverTimeline(archive: WalArchive, contents: TimelineContents, segmentSize: number): Promise<TimelineCoverage> {
  const { timeline, whole, parts, storedBytes } = contents;
  const stretches = stretchesOf(contents, segmentSize);
  const ranges = joinRanges(stretches);
  const parent = contents.hasHistory ? await readParent(archive, timeline) : undefined;
  const first = stretches.at(0);
  const beganAt = first === undefined ? undefined : (await archive.header(first.name, first.part)).sentFrom;
  const newest = await findNewest(archive, contents, stretches, ranges.at(-1));
  return {
    timeline,
    segmentSize,
    ranges,
    segments: whole.length,
    parts: [...parts.values()].reduce((sum, list) => sum + list.length, 0),
    storedBytes,
    ...(parent === undefined ? {} : { parent }),
    ...(beganAt === undefined ? {} : { beganAt }),
    ...(newest === undefined ? {} : { newest }),
  };
}

/** Every object that counts, in order; parts of whole segments, and parts after a hole, do not. */
export function stretchesOf({ whole, parts }: TimelineContents, segmentSize: number): StoredStretch[] {
  const startOf = (name: string): bigint => segmentStart(parseSegmentName(name, segmentSize).number, segmentSize);
  const complete = new Set(whole.map(({ name }) => name));
  const stretches: StoredStretch[] = whole.map(({ name }) => ({ name, start: startOf(name), end: startOf(name) + BigInt(segmentSize) }));
  for (const [name, list] of parts) {
    if (complete.has(name)) continue;
    const start = startOf(name);
    for (const part of contiguousParts(list).used)
      stretches.push({ name, part, start: start + BigInt(part.start), end: start + BigInt(part.end) });
  }
  return stretches.toSorted((a, b) => (a.start < b.start ? -1 : 1));
}

async function readParent(archive: WalArchive, timeline: number): Promise<TimelineSwitch | undefined> {
  const content = await archive.readHistory(timeline);
  if (content === undefined) return undefined;
  try {
    return parentOf(parseTimelineHistory(content, timeline));
  } catch (error) {
    throw new HoldfastError('damaged', { object: `the history of timeline ${timeline}`, reason: reasonOf(error) }, error);
  }
}

/** The newest moment known in a range, from the headers of what is stored at its end. */
export async function findNewest(
  archive: WalArchive,
  contents: TimelineContents,
  stretches: readonly StoredStretch[],
  last: WalRange | undefined,
): Promise<NewestMoment | undefined> {
  if (last === undefined) return undefined;
  const idle = contents.hasPosition ? await archive.readPosition(contents.timeline) : undefined;
  const idleAt = idle !== undefined && idle.end <= last.end && idle.end >= last.start ? idle.at : undefined;
  let lastCommit: CommitMark | undefined;
  let completeAt: Date | undefined;
  const candidates = stretches.filter(({ start, end }) => start >= last.start && end <= last.end).slice(-lookBack);
  for (const { name, part } of candidates.toReversed()) {
    const header: SegmentHeader = await archive.header(name, part);
    lastCommit ??= header.lastCommit;
    completeAt ??= header.completeAt;
    if (lastCommit !== undefined || completeAt !== undefined) break;
  }
  const at = latestOf([idleAt, completeAt, lastCommit?.at]);
  return { lsn: last.end, ...(at === undefined ? {} : { at }), ...(lastCommit === undefined ? {} : { lastCommit }) };
}

/** The latest of those that are known. */
export function latestOf(moments: readonly (Date | undefined)[]): Date | undefined {
  let latest: Date | undefined;
  for (const at of moments) if (at !== undefined && (latest === undefined || at > latest)) latest = at;
  return latest;
}
