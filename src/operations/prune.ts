/** Forgets points and frees the space that only they needed: plan, then do, under one exclusive lock. */
import type { RepositoryLock } from '../engine/lock/lock-repository.ts';
import { findLocked } from '../engine/prune/around-locks.ts';
import { executePrune } from '../engine/prune/execute-prune.ts';
import { forgetSnapshots } from '../engine/prune/forget-snapshots.ts';
import { planPrune } from '../engine/prune/plan-prune.ts';
import type { PruneOptions, PrunePlan, PruneResult } from '../engine/prune/prune-plan.ts';
import { findRemovalRefusal } from '../engine/prune/removal.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { SnapshotFilter } from '../engine/snapshots/find-snapshot.ts';
import { HoldfastError, isError } from '../errors.ts';
import type { GroupBy } from '../policy/group-snapshots.ts';
import type { RetentionPolicy } from '../policy/retention.ts';
import { readProven } from './drill/proven-snapshots.ts';
import { filterPoints, findPoint } from './find-point.ts';
import { planForget, type ForgetPlan, type Safeguards } from './forget-plan.ts';
import { type LockChoice, withLock } from './open-session.ts';
import type { PointRequest } from './point-request.ts';
import { loadPoints, type Point } from './points.ts';
import type { ExtendedLocks } from './retention/extend-locks.ts';
import { planForgetThese } from './retention/forget-named.ts';
import { findHeld, readHolds } from './retention/holds.ts';
import type { ComponentRules } from './retention/point-units.ts';
import { expireLog, namesOfExpiry, planLogExpiry } from './retention/prune-log.ts';
import type { PlannedExpiry } from './wal/expire-wal.ts';

/** Rules, and what they are for. */
export interface ForgetByRules {
  readonly policy: RetentionPolicy;
  readonly by: GroupBy;
  readonly filter: SnapshotFilter;
  /** Rules of components that go for themselves. */
  readonly components?: ComponentRules | undefined;
  /** Ids of snapshots that were restored and proved. */
  readonly proven?: ReadonlySet<string>;
}

export interface PruneRequest {
  /** Which snapshots go: by a policy, or exactly these; none when absent. */
  readonly forget?: ForgetByRules | { readonly points: readonly PointRequest[]; readonly force: boolean };
  /** Frees space; absent when snapshots are only to be forgotten. */
  readonly free?: Omit<PruneOptions, 'keepSnapshots'>;
  readonly dryRun: boolean;
  readonly lock: LockChoice;
  /** Shown the plan before anything is done; false ends without doing anything. What is large is only done where that was looked at. */
  confirm(plan: WholePlan): Promise<boolean | 'even if large'>;
}

/** What will be forgotten, and what that frees. */
export interface WholePlan {
  readonly forget?: ForgetPlan;
  readonly prune?: PrunePlan;
  /** Write-ahead log that no base backup needs any more, by cluster. */
  readonly wal?: readonly PlannedExpiry[];
}

export interface PruneReport extends WholePlan {
  /** False after a dry run, and where it was not confirmed or the place refused. */
  readonly done: boolean;
  readonly result?: PruneResult;
  /** Why the place does not let go of some of it: that waits, and a later run tries again. */
  readonly refusal?: HoldfastError;
  /** Snapshots that are gone. */
  readonly forgotten?: readonly string[];
  readonly locks?: ExtendedLocks;
}

/** Throws `locked`, `snapshot-missing`, `point-held`, `point-needed`, `point-needed-by`, `usage`, `prune-large`, `prune-refused`, `interrupted`, … */
export function prune(repository: Repository, request: PruneRequest, context: RunContext): Promise<PruneReport> {
  return withLock({
    repository,
    mode: 'exclusive',
    lock: request.lock,
    context,
    work: async (locked, lock) => {
      const points = await loadPoints(repository);
      const forget = request.forget === undefined ? undefined : await chooseForgotten(repository, points, request.forget, locked);
      const plan: WholePlan = {
        ...(forget === undefined ? {} : { forget }),
        ...(request.free === undefined ? {} : await planRest(repository, request.free, forget?.keep, locked)),
      };
      const answer = await request.confirm(plan);
      if (answer === false || request.dryRun) return { ...plan, done: false };
      if (forget?.isLarge === true && answer !== 'even if large') throw tooLarge(repository, forget);
      return carryOut({ repository, request, points, lock, context: locked }, plan);
    },
  });
}

function tooLarge({ location }: Repository, { groups }: ForgetPlan): HoldfastError {
  const removed = groups.reduce((sum, { remove }) => sum + remove.length, 0);
  const all = groups.reduce((sum, { keep }) => sum + keep.length, removed);
  return new HoldfastError('prune-large', { location, removed, all });
}

interface PruneRun {
  readonly repository: Repository;
  readonly request: PruneRequest;
  readonly points: readonly Point[];
  readonly lock: RepositoryLock;
  readonly context: RunContext;
}

async function carryOut(run: PruneRun, plan: WholePlan): Promise<PruneReport> {
  const { repository, request, points, lock, context } = run;
  const refusal = removesAnything(plan) ? await findRemovalRefusal(repository) : undefined;
  if (refusal !== undefined) return { ...plan, done: false, refusal };
  const { removed: forgotten, refusal: kept } = await forgetSnapshots(repository, newestFirst(points, plan.forget?.remove ?? []));
  // A place that lets nothing go: there is no use in preparing what it will not do.
  if (kept !== undefined && !isError(kept, 'storage-locked')) return { ...plan, done: forgotten.length > 0, forgotten, refusal: kept };
  // What could not be forgotten needs its data: what is freed is planned anew.
  const gone = new Set(forgotten);
  const left = points.flatMap(({ components }) => components.map(({ id }) => id)).filter((id) => !gone.has(id));
  const rest = kept === undefined || request.free === undefined ? plan : await planRest(repository, request.free, left, context);
  const logRefusal = await expireLog(repository, rest.wal ?? []);
  const result = rest.prune === undefined ? undefined : await executePrune(repository, rest.prune, lock, context);
  const waiting = new Set(plan.forget?.waiting.flatMap(({ components }) => components.map(({ id }) => id)));
  const due = new Set([...waiting, ...(plan.forget?.remove ?? [])]);
  const locks = await (
    await import('./retention/extend-locks.ts')
  ).extendLocks(
    repository,
    { snapshots: left.filter((id) => !due.has(id)), ...(rest.wal === undefined ? {} : { dueLog: namesOfExpiry(rest.wal) }) },
    context,
  );
  const refused = kept ?? logRefusal;
  return {
    ...plan,
    ...rest,
    done: true,
    forgotten,
    locks,
    ...(result === undefined ? {} : { result }),
    ...(refused === undefined ? {} : { refusal: refused }),
  };
}

function removesAnything({ forget, prune: plan, wal = [] }: WholePlan): boolean {
  const packs = plan === undefined ? 0 : plan.deletePacks.length + plan.repackPacks.length + plan.deleteUnindexedPacks.length;
  return (forget?.remove.length ?? 0) > 0 || packs > 0 || wal.length > 0;
}

/** What needs others goes before them: whenever this ends, what is left can be restored. */
function newestFirst(points: readonly Point[], ids: readonly string[]): string[] {
  const times = new Map(points.flatMap(({ components }) => components.map(({ id, snapshot }) => [id, Date.parse(snapshot.time)] as const)));
  return ids.toSorted((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
}

async function chooseForgotten(
  repository: Repository,
  points: readonly Point[],
  forget: NonNullable<PruneRequest['forget']>,
  { events }: RunContext,
): Promise<ForgetPlan> {
  const now = repository.clock.now();
  const held = findHeld(points, await readHolds(repository), now);
  const named = 'points' in forget ? forget.points.flatMap((request) => findPoint(points, { ...request, now, events }).components) : [];
  const proven = 'points' in forget ? undefined : (forget.proven ?? (await readProven(repository, events)));
  const choose = (locked: NonNullable<Safeguards['locked']>, suspect: ReadonlyMap<string, string>): ForgetPlan => {
    if ('points' in forget) return planForgetThese(points, named, forget.force, { held, locked });
    const counted = filterPoints(points, forget.filter);
    const others = points.filter((point) => !counted.includes(point));
    const { policy, by, components } = forget;
    return planForget(counted, { policy, by, now, others, held, locked, components, proven: proven ?? new Set(), suspect });
  };
  const first = choose(new Map(), new Map());
  // What goes when it is named goes; and where nothing goes nothing is displaced.
  if (first.remove.length === 0) return first;
  const suspect =
    'points' in forget
      ? new Map<string, string>()
      : await (await import('./retention/suspect-snapshots.ts')).findSuspects(repository, points, events);
  const plan = suspect.size === 0 ? first : choose(new Map(), suspect);
  if (plan.remove.length === 0 || repository.storage.retention === undefined) return plan;
  const locked = await findLocked(repository, 'snapshot', plan.remove);
  return locked.size === 0 ? plan : choose(locked, suspect);
}

async function planRest(
  repository: Repository,
  options: Omit<PruneOptions, 'keepSnapshots'>,
  keep: readonly string[] | undefined,
  context: RunContext,
): Promise<Pick<WholePlan, 'prune' | 'wal'>> {
  return {
    prune: await planPrune(repository, { ...options, ...(keep === undefined ? {} : { keepSnapshots: keep }) }, context),
    wal: await planLogExpiry(repository, keep, context),
  };
}
