/** The care of a repository: check, copy, keys, locks, index. */
import type { CheckFinding, CheckOptions, CheckReport } from '../engine/check/check-report.ts';
import type { CopyReport } from '../engine/copy/copy-snapshots.ts';
import type { ListedKeys } from '../engine/keys/list-keys.ts';
import type { RemovedLock } from '../engine/lock/unlock-repository.ts';
import type { IndexInspection, RebuildReport } from '../engine/repair/rebuild-index.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { CopiedWal } from '../wal/copy-wal.ts';
import { loadSnapshots } from '../engine/snapshots/load-snapshots.ts';
import { findPoint } from './find-point.ts';
import { type LockChoice, withLock, withReadLock } from './open-session.ts';
import { describeLacking, lastingName, withNeeded } from './point-needs.ts';
import type { PointRequest } from './point-request.ts';
import { groupPoints, loadPoints } from './points.ts';

/** Looks whether everything is there and sound, also what snapshots need of each other. What is wrong is in the report, not thrown. */
export function check(repository: Repository, options: CheckOptions, lock: LockChoice, context: RunContext): Promise<CheckReport> {
  return withReadLock({
    repository,
    lock,
    context,
    work: async (locked) => {
      const { checkRepository } = await import('../engine/check/check-repository.ts');
      const report = await checkRepository(repository, options, locked);
      return { ...report, errors: [...report.errors, ...(await findMissingNeeds(repository))] };
    },
  });
}

/** Snapshots that need others which are gone, or cannot be read. */
async function findMissingNeeds(repository: Repository): Promise<CheckFinding[]> {
  const { snapshots } = await loadSnapshots(repository, { tolerant: true });
  return groupPoints(snapshots).flatMap(({ lacking = new Map<string, readonly string[]>() }) =>
    [...lacking].map(([id, names]) => ({ object: `snapshot ${id}`, reason: `it cannot be restored: ${describeLacking(names)}` })),
  );
}

export interface CopyRequest {
  readonly from: Repository;
  readonly to: Repository;
  /** All when empty. */
  readonly points: readonly PointRequest[];
  readonly lock: LockChoice;
  /** Also the holds on other points that both have: for what is copied point by point. */
  readonly allHolds?: boolean;
}

export interface CopyPointsReport extends CopyReport {
  /** Write-ahead log that the base backups there need, and did not have. */
  readonly wal: CopiedWal;
  /** Holds on these points that the other repository did not have. */
  readonly holds: number;
}

/** Copies points with everything they need, other snapshots and the log of base backups among it, and the holds on them; what is there already is not copied again. */
export function copyPoints(
  { from, to, points, lock, allHolds = points.length === 0 }: CopyRequest,
  context: RunContext,
): Promise<CopyPointsReport> {
  return withReadLock({
    repository: from,
    lock,
    context,
    work: (reading) =>
      withLock({
        repository: to,
        mode: 'shared',
        lock: { ...lock, noLock: false },
        context: reading,
        work: async (locked) => {
          const all = await loadPoints(from);
          const now = from.clock.now();
          const chosen =
            points.length === 0
              ? all.flatMap(({ components }) => components)
              : points.flatMap((point) => findPoint(all, { ...point, now, events: locked.events }).components);
          const { copySnapshots } = await import('../engine/copy/copy-snapshots.ts');
          // Oldest first: what others need is there before them.
          const { snapshots } = withNeeded(
            chosen,
            all.flatMap(({ components }) => components),
          );
          const report = await copySnapshots(
            from,
            to,
            snapshots.map(({ id }) => id),
            locked,
          );
          const { copyHolds } = await import('./retention/copy-holds.ts');
          // Before what may take long: what is held must not be without its hold there.
          const holds = await copyHolds(from, to, locked, allHolds ? undefined : new Set(snapshots.map(lastingName)));
          const { copyAccepted } = await import('./status/accepted-records.ts');
          await copyAccepted(from, to, locked.signal);
          const { copyWalAlong } = await import('./wal/copy-wal-along.ts');
          return { ...report, holds, wal: await copyWalAlong(from, to, locked) };
        },
      }),
  });
}

/** Makes the index anew from the packs. */
export function repairIndex(repository: Repository, readAllPacks: boolean, lock: LockChoice, context: RunContext): Promise<RebuildReport> {
  return withLock({
    repository,
    mode: 'exclusive',
    lock,
    context,
    work: async (locked, held) => {
      const { rebuildIndex } = await import('../engine/repair/rebuild-index.ts');
      return rebuildIndex(repository, { readAllPacks }, held, locked);
    },
  });
}

/** What `repairIndex` would find. Nothing is written, not even a lock. */
export async function inspectIndex(repository: Repository, readAllPacks: boolean, context: RunContext): Promise<IndexInspection> {
  return (await import('../engine/repair/rebuild-index.ts')).inspectIndex(repository, { readAllPacks }, context);
}

/** The locks that `unlock` would remove now. Nothing is written. */
export async function findRemovableLocks(repository: Repository, all: boolean): Promise<RemovedLock[]> {
  return (await import('../engine/lock/unlock-repository.ts')).findRemovableLocks(repository, { all });
}

/** Removes locks whose holder is gone; with `all` every lock. */
export async function unlock(repository: Repository, all: boolean): Promise<RemovedLock[]> {
  const { unlockRepository } = await import('../engine/lock/unlock-repository.ts');
  return unlockRepository(repository, { all });
}

/** Every key of the repository. */
export async function describeKeys(repository: Repository): Promise<ListedKeys> {
  const { listKeys } = await import('../engine/keys/list-keys.ts');
  return listKeys(repository);
}

/** Who a new key is for. */
export interface KeyOwner {
  readonly username?: string;
  readonly hostname?: string;
}

/** Adds a password. Returns the new key's id. */
export function addPassword(
  repository: Repository,
  password: string,
  owner: KeyOwner,
  lock: LockChoice,
  context: RunContext,
): Promise<string> {
  return withLock({
    repository,
    mode: 'shared',
    lock,
    context,
    work: async () => (await import('../engine/keys/change-keys.ts')).addKey(repository, password, owner),
  });
}

/** Removes a key by the beginning of its id. Returns the id. Throws `object-missing`, `key-needed`. */
export function removePassword(repository: Repository, name: string, lock: LockChoice, context: RunContext): Promise<string> {
  return withLock({
    repository,
    mode: 'exclusive',
    lock,
    context,
    work: async () => (await import('../engine/keys/change-keys.ts')).removeKey(repository, name),
  });
}

/** Replaces the password in use. Returns the new key's id. */
export function replacePassword(repository: Repository, password: string, lock: LockChoice, context: RunContext): Promise<string> {
  return withLock({
    repository,
    mode: 'exclusive',
    lock,
    context,
    work: async () => (await import('../engine/keys/change-keys.ts')).changePassword(repository, password),
  });
}

export interface RepositoryFacts {
  readonly location: string;
  readonly id: string;
  readonly version: number;
  readonly snapshots: number;
  readonly keys: number;
  readonly indexFiles: number;
  readonly locks: number;
  readonly packs: number;
  /** Bytes of all packs, as stored. */
  readonly packBytes: number;
}

/** What a repository consists of. */
export async function describeRepository(repository: Repository): Promise<RepositoryFacts> {
  const [snapshots, keys, indexFiles, locks, packs] = await Promise.all([
    repository.listFiles('snapshot'),
    repository.listFiles('key'),
    repository.listFiles('index'),
    repository.listFiles('lock'),
    repository.listFiles('pack'),
  ]);
  return {
    location: repository.location,
    id: repository.config.id,
    version: repository.config.version,
    snapshots: snapshots.length,
    keys: keys.length,
    indexFiles: indexFiles.length,
    locks: locks.length,
    packs: packs.length,
    packBytes: packs.reduce((sum, { size }) => sum + size, 0),
  };
}
