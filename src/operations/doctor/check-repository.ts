/** A repository: whether it opens, can be written, has room, and whether locks of dead runs lie in it. */
import { statfs } from 'node:fs/promises';
import { isError } from '../../errors.ts';
import { describeAge } from '../../engine/lock/stale-lock.ts';
import { findRemovableLocks } from '../../engine/lock/unlock-repository.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import type { Storage } from '../../storage/storage.ts';
import { systemClock } from '../../util/clock.ts';
import { withLock } from '../open-session.ts';
import { loadPoints, type Point } from '../points.ts';
import { failed, failedWith, ok, sizeText, warning, type Check } from './check.ts';
import type { KnownTime } from './check-host.ts';
import { checkPlace } from './check-place.ts';

export interface NamedRepository {
  /** `local`, or its address where it has no name. */
  readonly name: string;
  readonly url: string;
  /** Asks for its password where that is needed. */
  readonly open: () => Promise<Repository>;
  /** Only the place, where there is no repository yet. */
  readonly openPlace: () => Promise<Storage>;
}

export interface RepositoryFindings {
  readonly checks: readonly Check[];
  readonly times: readonly KnownTime[];
}

const leastRoom = 100 * 1024 * 1024;
const leastFiles = 1000;
/** How many of the last points say what the next one may need. */
const lately = 5;

export async function checkRepository(named: NamedRepository, context: RunContext): Promise<RepositoryFindings> {
  const about = `repository ${named.name}`;
  let repository: Repository;
  try {
    repository = await named.open();
  } catch (error) {
    if (!isError(error, 'repository-missing')) return { checks: [failedWith(`${about}: open`, error)], times: [] };
    const place = await tryPlace(about, named);
    const remedy = `The first backup creates it. Where there should be one, correct the address; to create it now: holdfast repo init -r ${named.url}`;
    return { checks: [...place, warning(`${about}: open`, `there is none at ${named.url} yet`, remedy)], times: [] };
  }
  try {
    const points = await loadPoints(repository);
    const newest = Math.max(...points.map(({ time }) => Date.parse(time)));
    return {
      checks: [
        ok(
          `${about}: open`,
          `${repository.location} opens with its password and holds ${points.length} ${points.length === 1 ? 'point' : 'points'}`,
        ),
        ...(repository.storage.local === undefined ? await checkPlace(about, repository.storage, repository.clock) : []),
        await checkWriting(about, repository, context),
        await checkLocks(about, named.url, repository),
        ...(await checkSpace(about, repository, points)),
      ],
      times: Number.isFinite(newest) ? [{ of: `the newest point of ${about}`, at: new Date(newest), isNow: false }] : [],
    };
  } catch (error) {
    return { checks: [failedWith(`${about}: read`, error)], times: [] };
  } finally {
    await repository.close();
  }
}

async function tryPlace(about: string, named: NamedRepository): Promise<Check[]> {
  try {
    const storage = await named.openPlace();
    try {
      if (storage.local !== undefined) return [];
      // On servers with folders it is the repository's that everything goes into; an empty one stays.
      await storage.create();
      return await checkPlace(about, storage, systemClock);
    } finally {
      await storage.close();
    }
  } catch (error) {
    return [failedWith(`${about}: place`, error)];
  }
}

/** A lock is what every backup writes first. */
async function checkWriting(about: string, repository: Repository, context: RunContext): Promise<Check> {
  const name = `${about}: write`;
  try {
    await withLock({ repository, mode: 'shared', lock: {}, context, work: () => Promise.resolve() });
    return ok(name, 'a lock was written and removed');
  } catch (error) {
    if (!isError(error, 'locked')) return failedWith(name, error);
    return warning(name, error.message.replace(/\.$/, ''), error.hint);
  }
}

async function checkLocks(about: string, url: string, repository: Repository): Promise<Check> {
  const name = `${about}: locks`;
  const stale = await findRemovableLocks(repository);
  if (stale.length === 0) return ok(name, 'no lock of a dead run lies there');
  const told = stale.map(({ holder, ageMs }) => (ageMs === undefined ? holder : `${holder}, ${describeAge(ageMs)} old`)).join('; ');
  return warning(
    name,
    `${stale.length === 1 ? 'a lock of a dead run lies' : `${stale.length} locks of dead runs lie`} there: ${told}`,
    `Remove them with: holdfast unlock -r ${url}`,
  );
}

/** Only a folder can be asked. What the largest of the last points has added should be free twice. */
async function checkSpace(about: string, repository: Repository, points: readonly Point[]): Promise<Check[]> {
  if (repository.storage.local === undefined) return [];
  const name = `${about}: space`;
  const { bavail, bsize, ffree, files } = await statfs(repository.storage.local.path('config'));
  const free = bavail * bsize;
  const remedy = 'Free space on that disk, keep fewer points (holdfast prune --keep-daily 7), or move the repository.';
  if (free < leastRoom) return [failed(name, `${sizeText(free)} are free`, remedy)];
  if (files > 0 && ffree < leastFiles) return [failed(name, `the file system has room for ${ffree} more files`, remedy)];
  const largest = Math.max(0, ...points.slice(-lately).map(addedBy));
  if (free < 2 * largest)
    return [warning(name, `${sizeText(free)} are free, and one of the last points took ${sizeText(largest)}`, remedy)];
  return [ok(name, `${sizeText(free)} are free`)];
}

function addedBy({ components }: Point): number {
  return components.reduce((sum, { snapshot }) => sum + (snapshot.summary?.data_added_packed ?? 0), 0);
}
