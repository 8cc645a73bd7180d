/** Which WAL no kept base backup needs any more: arithmetic on positions and timelines. */
import { joinRanges } from './part-arithmetic.ts';
import { readHistory, startOfSegment } from './choose-start.ts';
import { stretchesOf } from './coverage.ts';
import { parseSegmentName, segmentStart } from './segment-name.ts';
import { firstTimeline, pathFrom, type TimelineHistory } from './timeline-history.ts';
import type { PartName, TimelineContents, WalArchive } from './wal-archive.ts';

/** A base backup that is kept: its WAL is needed from its beginning on, along every timeline that came from it. */
export interface KeptBase {
  readonly startLsn: bigint;
  readonly timeline: number;
}

export interface WalExpiry {
  /** Whole segments that go. */
  readonly segments: readonly string[];
  /** Parts that go. */
  readonly parts: readonly { readonly segment: string; readonly part: PartName }[];
  /** `….backup` and `….partial` files that go. */
  readonly files: readonly string[];
  /** Bytes in the repository, of whole segments. */
  readonly bytes: number;
  /** From where on each timeline is kept; undefined where nothing of it goes. */
  readonly keptFrom: ReadonlyMap<number, bigint | undefined>;
}

const nothing: WalExpiry = { segments: [], parts: [], files: [], bytes: 0, keptFrom: new Map() };

/**
 * Plans what goes: on each timeline what is before the beginning of the oldest kept base that it continues. A timeline that no kept base
 * leads to goes only where it was left before all of them; histories are always kept, and without a kept base nothing goes.
 */
export async function planWalExpiry(archive: WalArchive, bases: readonly KeptBase[]): Promise<WalExpiry> {
  const segmentSize = await archive.segmentSize();
  if (bases.length === 0 || segmentSize === undefined) return nothing;
  const timelines = await archive.timelines();
  const histories = await readHistories(archive, timelines, bases);
  const keptFrom = new Map<number, bigint | undefined>();
  const plans = timelines.map((contents) => {
    const from = neededFrom(contents, { bases, histories, segmentSize });
    keptFrom.set(contents.timeline, from);
    return from === undefined ? nothing : expire(contents, from, segmentSize);
  });
  return {
    segments: plans.flatMap(({ segments }) => segments),
    parts: plans.flatMap(({ parts }) => parts),
    files: plans.flatMap(({ files }) => files),
    bytes: plans.reduce((sum, { bytes }) => sum + bytes, 0),
    keptFrom,
  };
}

async function readHistories(
  archive: WalArchive,
  timelines: readonly TimelineContents[],
  bases: readonly KeptBase[],
): Promise<readonly TimelineHistory[]> {
  const all = new Set([...timelines.map(({ timeline }) => timeline), ...bases.map(({ timeline }) => timeline)]);
  return Promise.all(
    [...all].map(async (timeline) => {
      const content = timeline === 1 ? undefined : await archive.readHistory(timeline);
      return content === undefined ? firstTimeline(timeline) : readHistory(content, timeline);
    }),
  );
}

interface Knowledge {
  readonly bases: readonly KeptBase[];
  readonly histories: readonly TimelineHistory[];
  readonly segmentSize: number;
}

/** The beginning of the first segment of a timeline that is needed; undefined where all of it is kept. */
function neededFrom(contents: TimelineContents, { bases, histories, segmentSize }: Knowledge): bigint | undefined {
  const { timeline } = contents;
  let oldest: bigint | undefined;
  for (const base of bases)
    for (const history of histories) {
      // Every way from the base onwards, to whatever timeline: what it needs of this one.
      const from = pathFrom(history, { timeline: base.timeline, lsn: base.startLsn })?.find(
        (stretch) => stretch.timeline === timeline,
      )?.from;
      if (from !== undefined && (oldest === undefined || from < oldest)) oldest = from;
    }
  if (oldest !== undefined) return startOfSegment(oldest, segmentSize);
  // No kept base leads here. Where all of them are on timelines that left this one before they began, it goes but for its last segment, which a receiver may be filling.
  const end = joinRanges(stretchesOf(contents, segmentSize)).at(-1)?.end;
  const isLeftBehind = bases.every((base) => leftBehind(timeline, base, histories));
  return isLeftBehind && end !== undefined ? startOfSegment(end, segmentSize) : undefined;
}

/** Whether the base's timeline came from this one, before the base began. */
function leftBehind(timeline: number, base: KeptBase, histories: readonly TimelineHistory[]): boolean {
  const history = histories.find((candidate) => candidate.timeline === base.timeline);
  const left = history?.ancestors.find((ancestor) => ancestor.timeline === timeline)?.switchPoint;
  return left !== undefined && left <= base.startLsn;
}

function expire(contents: TimelineContents, from: bigint, segmentSize: number): WalExpiry {
  const isBefore = (name: string): boolean => segmentStart(parseSegmentName(name.slice(0, 24), segmentSize).number, segmentSize) < from;
  const whole = contents.whole.filter(({ name }) => isBefore(name));
  return {
    segments: whole.map(({ name }) => name),
    parts: [...contents.parts].filter(([name]) => isBefore(name)).flatMap(([segment, list]) => list.map((part) => ({ segment, part }))),
    files: contents.files.filter(isBefore),
    bytes: whole.reduce((sum, { size }) => sum + size, 0),
    keptFrom: new Map(),
  };
}

/** Removes what was planned. What is gone already is fine. */
export async function executeWalExpiry(archive: WalArchive, plan: WalExpiry): Promise<void> {
  for (const name of plan.segments) await archive.removeSegment(name);
  for (const { segment, part } of plan.parts) await archive.removeParts(segment, [part]);
  for (const name of plan.files) await archive.removeFile(name);
}
