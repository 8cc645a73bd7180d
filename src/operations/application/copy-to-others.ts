/** The copies of a new point in the other repositories of its application, and of what they missed. */
import type { PlaceLimits, RepositoryConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { type HoldfastError, isError, reasonAndHint, reasonOf, toHoldfastError } from '../../errors.ts';
import { copyPoints } from '../maintain.ts';
import type { LockChoice } from '../open-session.ts';
import type { Point } from '../points.ts';
import { extendKeptLocks } from '../retention/extend-kept.ts';
import type { ComponentRules } from '../retention/point-units.ts';
import { findMissedPoints } from './missed-points.ts';

/** What became of one repository beside the one that was backed up to. */
export interface CopiedPoint {
  readonly name: string;
  /** Bytes of content that it did not have. */
  readonly bytes?: number;
  /** How many earlier points it got that it had missed. */
  readonly caughtUp?: number;
  /** It is left alone at this time of the day: from when it may be written to, as `22:00`. */
  readonly waitsUntil?: string;
  readonly error?: HoldfastError;
}

export interface CopyTargets {
  readonly application: string;
  readonly others: readonly RepositoryConfiguration[];
  readonly lock: LockChoice;
  /** Opens a repository, or creates it, so that it shares how files are cut with the one given. */
  readonly open: (repository: RepositoryConfiguration, like?: Repository) => Promise<Repository>;
  /** Rules of components that go for themselves. */
  readonly rules?: ComponentRules | undefined;
}

/**
 * Copies a point, and before it what either side missed while it was down. One repository that is down is a problem, and does not keep the others
 * from getting theirs. Throws `interrupted`.
 */
export async function copyToOthers(from: Repository, pointId: string, targets: CopyTargets, context: RunContext): Promise<CopiedPoint[]> {
  const copies: CopiedPoint[] = [];
  for (const other of targets.others) {
    const waitsUntil = closedUntil(other.limits?.hours, from.clock.now());
    if (waitsUntil !== undefined) {
      context.events({ type: 'notice', message: `repository ${other.name} gets its copy after ${waitsUntil}, as its hours say` });
      copies.push({ name: other.name, waitsUntil });
      continue;
    }
    context.events({ type: 'phase', phase: `copy to ${other.name}` });
    try {
      const to = await targets.open(other, from);
      try {
        copies.push({ name: other.name, ...(await exchange({ from, to, pointId, name: other.name }, targets, context)) });
        await extendKeptLocks(to, { policy: other.keep, components: targets.rules }, context);
      } finally {
        await to.close();
      }
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.events({ type: 'problem', path: `repository ${other.name}`, reason: reasonAndHint(error) });
      copies.push({ name: other.name, error: toHoldfastError(error) });
    }
  }
  return copies;
}

interface Exchange {
  readonly from: Repository;
  readonly to: Repository;
  readonly pointId: string;
  readonly name: string;
}

/** Points made while the first repository was down lie in another one, and come back to it. */
async function exchange(
  { from, to, pointId, name }: Exchange,
  { application, lock }: CopyTargets,
  context: RunContext,
): Promise<{ readonly bytes: number; readonly caughtUp: number }> {
  const between = { application, newPoint: pointId };
  // Both before anything is copied: what one side missed is told by what the two share.
  const missedHere = await findMissedPoints({ ...between, from: to, to: from });
  const missedThere = await findMissedPoints({ ...between, from, to });
  await copyEach({ from: to, to: from, lock }, missedHere, name, context);
  const caughtUp = await copyEach({ from, to, lock }, missedThere, name, context);
  const { bytes } = await copyPoints({ from, to, points: [{ name: pointId }], lock, allHolds: true }, context);
  return { bytes: bytes + caughtUp.bytes, caughtUp: caughtUp.points };
}

/** One that is damaged where it lies cannot be copied, and must not stand in the way of those behind it. */
async function copyEach(
  between: { readonly from: Repository; readonly to: Repository; readonly lock: LockChoice },
  points: readonly Point[],
  name: string,
  context: RunContext,
): Promise<{ readonly points: number; readonly bytes: number }> {
  const done = { points: 0, bytes: 0 };
  for (const { id } of points) {
    try {
      done.bytes += (await copyPoints({ ...between, points: [{ name: id }] }, context)).bytes;
      done.points += 1;
    } catch (error) {
      if (!isError(error, 'damaged') && !isError(error, 'blob-missing')) throw error;
      context.events({
        type: 'problem',
        path: `repository ${name}`,
        reason: `point ${id.slice(0, 8)} cannot be copied: ${reasonOf(error)}`,
      });
    }
  }
  return done;
}

/** When its hours begin, where it is outside of them. */
function closedUntil(hours: PlaceLimits['hours'], now: Date): string | undefined {
  if (hours === undefined) return undefined;
  const minute = now.getHours() * 60 + now.getMinutes();
  const { from, to } = hours;
  const isOpen = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  return isOpen ? undefined : `${String(Math.floor(from / 60)).padStart(2, '0')}:${String(from % 60).padStart(2, '0')}`;
}
