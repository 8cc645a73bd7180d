/** Forgets points and frees the space that only they needed: plan, then do, under one exclusive lock. */
import type { RepositoryLock } from '../engine/lock/lock-repository.ts';
import { executePrune } from '../engine/prune/execute-prune.ts';
import { forgetSnapshots } from '../engine/prune/forget-snapshots.ts';
import { planPrune } from '../engine/prune/plan-prune.ts';
import type { PruneOptions, PrunePlan, PruneResult } from '../engine/prune/prune-plan.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { SnapshotFilter } from '../engine/snapshots/find-snapshot.ts';
import type { EventSink } from '../events.ts';
import type { GroupBy } from '../policy/group-snapshots.ts';
import type { RetentionPolicy } from '../policy/retention.ts';
import { filterPoints, findPoint } from './find-point.ts';
import { planForget, planForgetThese, type ForgetPlan } from './forget-plan.ts';
import { type LockChoice, withLock } from './open-session.ts';
import type { PointRequest } from './point-request.ts';
import { loadPoints, type Point } from './points.ts';
import type { PlannedExpiry } from './wal/expire-wal.ts';

export interface PruneRequest {
  /** Which snapshots go: by a policy, or exactly these; none when absent. */
  readonly forget?:
    | { readonly policy: RetentionPolicy; readonly by: GroupBy; readonly filter: SnapshotFilter }
    | { readonly points: readonly PointRequest[]; readonly force: boolean };
  /** Frees space; absent when snapshots are only to be forgotten. */
  readonly free?: Omit<PruneOptions, 'keepSnapshots'>;
  readonly dryRun: boolean;
  readonly lock: LockChoice;
  /** Shown the plan before anything is done; false ends without doing anything. */
  confirm(plan: WholePlan): Promise<boolean>;
}

/** What will be forgotten, and what that frees. */
export interface WholePlan {
  readonly forget?: ForgetPlan;
  readonly prune?: PrunePlan;
  /** Write-ahead log that no base backup needs any more, by cluster. */
  readonly wal?: readonly PlannedExpiry[];
}

export interface PruneReport extends WholePlan {
  /** False after a dry run, and where it was not confirmed. */
  readonly done: boolean;
  readonly result?: PruneResult;
}

/** Throws `locked`, `snapshot-missing`, `point-needed`, `point-needed-by`, `usage`, `prune-refused`, `interrupted`, … */
export function prune(repository: Repository, request: PruneRequest, context: RunContext): Promise<PruneReport> {
  return withLock({
    repository,
    mode: 'exclusive',
    lock: request.lock,
    context,
    work: async (locked, lock) => {
      const forget =
        request.forget === undefined
          ? undefined
          : chooseForgotten(await loadPoints(repository), request.forget, repository.clock.now(), locked.events);
      const plan = {
        ...(forget === undefined ? {} : { forget }),
        ...(request.free === undefined
          ? {}
          : {
              prune: await planFreeing(repository, request.free, forget, locked),
              wal: await planWal(repository, forget, locked),
            }),
      };
      if (!(await request.confirm(plan)) || request.dryRun) return { ...plan, done: false };
      return carryOut(repository, plan, lock, locked);
    },
  });
}

async function carryOut(repository: Repository, plan: WholePlan, lock: RepositoryLock, context: RunContext): Promise<PruneReport> {
  if (plan.forget !== undefined) await forgetSnapshots(repository, plan.forget.remove);
  if (plan.wal !== undefined && plan.wal.length > 0) await (await import('./wal/expire-wal.ts')).executeExpiry(repository, plan.wal);
  if (plan.prune === undefined) return { ...plan, done: true };
  return { ...plan, done: true, result: await executePrune(repository, plan.prune, lock, context) };
}

function chooseForgotten(points: readonly Point[], forget: NonNullable<PruneRequest['forget']>, now: Date, events: EventSink): ForgetPlan {
  if ('points' in forget) {
    const chosen = forget.points.flatMap((request) => findPoint(points, { ...request, now, events }).components);
    return planForgetThese(points, chosen, forget.force);
  }
  const counted = filterPoints(points, forget.filter);
  const others = points.filter((point) => !counted.includes(point));
  return planForget(counted, { policy: forget.policy, by: forget.by, now, others });
}

function planFreeing(
  repository: Repository,
  options: Omit<PruneOptions, 'keepSnapshots'>,
  forget: ForgetPlan | undefined,
  context: RunContext,
): Promise<PrunePlan> {
  return planPrune(repository, { ...options, ...(forget === undefined ? {} : { keepSnapshots: forget.keep }) }, context);
}

/** Throws `damaged` where a base backup that stays does not say from where on it needs the log: then none of it may go. */
async function planWal(repository: Repository, forget: ForgetPlan | undefined, { signal }: RunContext): Promise<readonly PlannedExpiry[]> {
  const going = new Set(forget?.remove);
  const kept = (await loadPoints(repository)).flatMap(({ id: pointId, components }) =>
    components.filter(({ id, tags }) => tags.kind === 'postgres-base' && !going.has(id)).map((snapshot) => ({ pointId, snapshot })),
  );
  if (kept.length === 0) return [];
  const { openSealedObjects } = await import('../engine/objects/sealed-objects.ts');
  const { listWalSystems } = await import('../wal/open-wal-archive.ts');
  // Without a log there is nothing that could go.
  if ((await listWalSystems(openSealedObjects(repository))).length === 0) return [];
  const { openBase } = await import('./point-in-time/find-bases.ts');
  const { planExpiry } = await import('./wal/expire-wal.ts');
  const bases = await Promise.all(kept.map(async (base) => (await openBase(repository, base, signal)).manifest));
  return planExpiry(repository, bases);
}
