/**
 * Which timeline a target lies on. PostgreSQL's own `latest` means the highest number that exists, which after a promotion elsewhere is the
 * wrong one: here it is the one that was alive at that moment, and where several were, nobody guesses.
 */
import { HoldfastError } from '../errors.ts';
import type { WalTarget } from './plan-wal.ts';
import type { BaseBounds, TimelineBranch } from './timeline-branches.ts';
import type { WalkedPath } from './walk-path.ts';

/** A branch, and how far what is stored of it goes. */
export interface WalkedBranch {
  readonly branch: TimelineBranch;
  readonly walked: WalkedPath;
  /** When the server was promoted onto it, where that is known. */
  readonly promotedAt?: Date;
}

/** Throws `wal-timeline-ambiguous`. */
export function chooseTimeline(
  branches: readonly WalkedBranch[],
  bounds: BaseBounds,
  target: WalTarget,
  shown: string,
): WalkedBranch | undefined {
  switch (target.kind) {
    case 'immediate':
      return branches.find(({ branch }) => branch.timeline === bounds.baseEnd.timeline);
    case 'time':
      return chooseByTime(branches, bounds, target.at, shown);
    case 'lsn':
      return chooseByPosition(branches, bounds, target.lsn, shown);
    case 'latest':
    case 'xid':
    case 'name':
      return chooseCurrent(branches, bounds, shown);
  }
}

/** When a timeline was written: from the promotion, or its first bytes, to the newest moment known of it. */
function lifeOf({ branch, walked, promotedAt }: WalkedBranch, { baseEnd }: BaseBounds): { readonly from: number; readonly to: number } {
  const isOwn = branch.timeline === baseEnd.timeline;
  const from = isOwn ? baseEnd.at : (promotedAt ?? branch.coverage?.beganAt ?? baseEnd.at);
  const to = branch.coverage?.newest?.at ?? (isOwn ? walked.newest.at : undefined) ?? from;
  return { from: from.getTime(), to: Math.max(from.getTime(), to.getTime()) };
}

function chooseByTime(branches: readonly WalkedBranch[], bounds: BaseBounds, at: Date, shown: string): WalkedBranch | undefined {
  const moment = at.getTime();
  const lives = branches.map((walked) => ({ walked, ...lifeOf(walked, bounds) }));
  const alive = lives.filter(({ from, to }) => from <= moment && moment <= to);
  if (alive.length > 1)
    throw ambiguous(
      alive.map(({ walked }) => walked),
      shown,
    );
  if (alive[0] !== undefined) return alive[0].walked;
  const before = lives.filter(({ to }) => to < moment).toSorted((a, b) => b.to - a.to)[0];
  const after = lives.filter(({ from }) => from > moment).toSorted((a, b) => a.from - b.from)[0];
  if (before === undefined || after === undefined) return before?.walked ?? after?.walked;
  // Between two: the later one has all of the earlier one if it left that at its end.
  return leftAtEnd(before.walked, after.walked) ? after.walked : before.walked;
}

function leftAtEnd({ branch: parent }: WalkedBranch, { branch: child }: WalkedBranch): boolean {
  const left = child.path.find(({ timeline }) => timeline === parent.timeline)?.to;
  const end = parent.coverage?.ranges.at(-1)?.end;
  return left !== undefined && (end === undefined || end <= left);
}

/** The timelines on which a position lies beyond what they share. */
function chooseByPosition(branches: readonly WalkedBranch[], bounds: BaseBounds, lsn: bigint, shown: string): WalkedBranch | undefined {
  const reaching = branches.filter(({ walked }) => walked.newest.lsn >= lsn);
  if (reaching.length === 0) return chooseCurrent(branches, bounds, shown);
  const owners = new Set(
    reaching.map(({ branch }) => branch.path.find(({ from, to }) => from <= lsn && (to === undefined || lsn <= to))?.timeline),
  );
  const [owner] = owners;
  if (owners.size > 1) throw ambiguous(reaching, shown);
  return reaching.find(({ branch }) => branch.timeline === owner) ?? reaching[0];
}

/** The one that was written last, unless another was written at the same time. */
function chooseCurrent(branches: readonly WalkedBranch[], bounds: BaseBounds, shown: string): WalkedBranch | undefined {
  const lives = branches.map((walked) => ({ walked, ...lifeOf(walked, bounds) }));
  const current = lives.toSorted((a, b) => b.to - a.to || b.walked.branch.timeline - a.walked.branch.timeline)[0];
  if (current === undefined) return undefined;
  const rivals = lives.filter((other) => other !== current && other.to > current.from && !leftAtEnd(other.walked, current.walked));
  if (rivals.length > 0) throw ambiguous([...rivals.map(({ walked }) => walked), current.walked], shown);
  return current.walked;
}

function ambiguous(branches: readonly WalkedBranch[], target: string): HoldfastError {
  const timelines = branches
    .map(({ branch }) => branch.timeline)
    .toSorted((a, b) => a - b)
    .join(', ');
  return new HoldfastError('wal-timeline-ambiguous', { target, timelines });
}
