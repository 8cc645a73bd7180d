/** Which WAL a recovery needs, and whether all of it is there. */
import { HoldfastError } from '../errors.ts';
import { chooseTimeline, type WalkedBranch } from './choose-timeline.ts';
import { whileItChanges } from './coverage.ts';
import { cutAtTarget } from './cut-at-target.ts';
import { formatLsn } from '../util/lsn.ts';
import { readPromotionTime } from './promotion-time.ts';
import { findBranches, type TimelineBranch } from './timeline-branches.ts';
import type { NewestMoment, WalArchive } from './wal-archive.ts';
import { walkPath } from './walk-path.ts';

export type WalTarget =
  | { readonly kind: 'time'; readonly at: Date }
  | { readonly kind: 'lsn'; readonly lsn: bigint }
  | { readonly kind: 'xid'; readonly xid: string }
  | { readonly kind: 'name'; readonly name: string }
  /** As far as the WAL goes. */
  | { readonly kind: 'latest' }
  /** As soon as the base is consistent. */
  | { readonly kind: 'immediate' };

export interface WalPlanRequest {
  readonly archive: WalArchive;
  /** Where the base backup begins: its WAL is needed from there. */
  readonly from: { readonly lsn: bigint; readonly timeline: number };
  /** Where it ends: no earlier target is possible. `at` by the server's clock. */
  readonly baseEnd: { readonly lsn: bigint; readonly timeline: number; readonly at: Date };
  readonly target: WalTarget;
  /** The branch to follow; found from the target where it is not given. */
  readonly timeline?: number;
}

export interface WalPlan {
  /** What recovery_target_timeline must be. Never `latest`. */
  readonly timeline: number;
  /** The timelines to go through, in order. The last has no end. */
  readonly path: readonly { readonly timeline: number; readonly from: bigint; readonly to?: bigint }[];
  /** Every segment in order. The last may be part-filled. */
  readonly segments: readonly PlannedSegment[];
  /** Timelines whose history file is needed: all on the path above 1. */
  readonly histories: readonly number[];
  /** How far recovery along this path could go. */
  readonly newest: NewestMoment;
  /**
   * For a target in time: whether a later commit is stored. Without one PostgreSQL would end with "recovery ended before configured recovery
   * target was reached": then recover to the end of the WAL, which is the same state.
   */
  readonly commitAfterTarget: boolean;
  /** Gaps on the path beyond what this plan needs. */
  readonly gaps: readonly { readonly timeline: number; readonly from: bigint; readonly to: bigint }[];
  /** Bytes of WAL, as segments. */
  readonly bytes: number;
}

export interface PlannedSegment {
  readonly name: string;
  readonly timeline: number;
  readonly start: bigint;
  /** Bytes of it that are stored from its beginning. */
  readonly filled: number;
  readonly whole: boolean;
}

/**
 * Throws `wal-target-early` (the target is before the base's end, where PostgreSQL would come up newer than asked, silently),
 * `wal-gap` (a segment in the middle is missing, after which PostgreSQL would promote without the rest, silently), `wal-target-ahead`
 * with the newest that can be reached, `wal-timeline-unknown`, `wal-timeline-ambiguous`.
 */
export async function planWal(request: WalPlanRequest): Promise<WalPlan> {
  return whileItChanges(() => planOnce(request));
}

async function planOnce(request: WalPlanRequest): Promise<WalPlan> {
  const { archive, target } = request;
  refuseEarly(request);
  const segmentSize = (await archive.segmentSize()) ?? defaultSegmentSize;
  const branches = await findBranches(archive, request, await archive.coverage());
  const walked = await Promise.all(branches.map((branch) => walkBranch(request, branch, segmentSize)));
  const chosen = choose(walked, request);
  const { branch, walked: walk } = chosen;
  if (target.kind === 'time' || target.kind === 'lsn' || target.kind === 'latest') refuseBeyond(request, chosen, walked);
  const { segments, commitAfterTarget } = await cutAtTarget(archive, walk, target, segmentSize);
  const { gap } = walk;
  return {
    timeline: branch.timeline,
    path: branch.path,
    segments,
    histories: branch.path.map(({ timeline }) => timeline).filter((timeline) => timeline > 1),
    newest: walk.newest,
    commitAfterTarget,
    gaps: gap === undefined ? [] : [gap],
    bytes: segments.reduce((sum, { filled }) => sum + filled, 0),
  };
}

const defaultSegmentSize = 2 ** 24;

/** When exactly a timeline began is looked for where it matters: for a moment before its first bytes were received. */
async function walkBranch(request: WalPlanRequest, branch: TimelineBranch, segmentSize: number): Promise<WalkedBranch> {
  const { archive, target, baseEnd } = request;
  const walked = await walkPath(archive, branch, request, segmentSize);
  const { beganAt } = branch.coverage ?? {};
  const mayHaveBegun = target.kind === 'time' && branch.timeline !== baseEnd.timeline && beganAt !== undefined && target.at < beganAt;
  const promotedAt = mayHaveBegun ? await readPromotionTime(archive, branch, segmentSize) : undefined;
  return { branch, walked, ...(promotedAt === undefined ? {} : { promotedAt }) };
}

/** For messages. */
function showTarget(target: WalTarget): string {
  switch (target.kind) {
    case 'time':
      return target.at.toISOString();
    case 'lsn':
      return formatLsn(target.lsn);
    case 'xid':
      return `transaction ${target.xid}`;
    case 'name':
      return `"${target.name}"`;
    case 'latest':
      return 'the latest state';
    case 'immediate':
      return 'the end of the base';
  }
}

/** For messages: `2026-11-20T14:30:00.000Z (0/3000028)`. */
function showNewest({ at, lsn }: NewestMoment): string {
  return at === undefined ? formatLsn(lsn) : `${at.toISOString()} (${formatLsn(lsn)})`;
}

function refuseEarly({ target, baseEnd }: WalPlanRequest): void {
  const isEarly = (target.kind === 'time' && target.at < baseEnd.at) || (target.kind === 'lsn' && target.lsn < baseEnd.lsn);
  if (isEarly) throw new HoldfastError('wal-target-early', { target: showTarget(target), end: showNewest(baseEnd) });
}

function choose(walked: readonly WalkedBranch[], request: WalPlanRequest): WalkedBranch {
  const { timeline, target } = request;
  const chosen =
    timeline === undefined
      ? chooseTimeline(walked, request, target, showTarget(target))
      : walked.find(({ branch }) => branch.timeline === timeline);
  if (chosen !== undefined) return chosen;
  const there = walked.map(({ branch }) => branch.timeline).join(', ');
  const reason = `this base can be recovered along ${there === '' ? 'none' : there}`;
  throw new HoldfastError('wal-timeline-unknown', { timeline: timeline ?? request.baseEnd.timeline, reason });
}

function refuseBeyond({ target }: WalPlanRequest, chosen: WalkedBranch, all: readonly WalkedBranch[]): void {
  const { newest, gap } = chosen.walked;
  const isBeyond =
    (target.kind === 'time' && (newest.at === undefined || target.at > newest.at)) || (target.kind === 'lsn' && target.lsn > newest.lsn);
  const others = target.kind === 'time' ? all.filter(({ walked }) => walked.newest.at !== undefined && walked.newest.at >= target.at) : [];
  const shown = { target: showTarget(target), newest: `${showNewest(newest)}${showOthers(chosen, others)}` };
  if (gap !== undefined && (isBeyond || target.kind === 'latest'))
    throw new HoldfastError('wal-gap', { ...shown, timeline: gap.timeline, from: formatLsn(gap.from), to: formatLsn(gap.to) });
  if (isBeyond) throw new HoldfastError('wal-target-ahead', shown);
}

/** For messages. A timeline that was left behind may still be what is meant, and so may one that began later. */
function showOthers({ branch }: WalkedBranch, others: readonly WalkedBranch[]): string {
  if (others.length === 0) return '';
  const names = others.map((other) => other.branch.timeline).join(' or ');
  return ` on timeline ${branch.timeline}; what timeline ${names} had at that moment is reached with --timeline ${names}`;
}
