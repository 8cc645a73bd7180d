/** A repository: whether it opens, and with how many keys; whether it can be written, has room, and whether locks of dead runs lie in it. */
import { randomUUID } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isError } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Clock, systemClock } from '../../util/clock.ts';
import { shellWord } from '../../util/shell-word.ts';
import { withLock } from '../open-session.ts';
import { loadPoints, type Point } from '../points.ts';
import { failedWith, ok, warning, type Check } from './check.ts';
import { checkCertificate } from './check-certificate.ts';
import { askTime, type KnownTime } from './check-clock.ts';
import { checkKeys } from './check-keys.ts';
import { checkLocks } from './check-locks.ts';
import { checkPlace } from './check-place.ts';
import { checkOwner, checkRoom } from './check-room.ts';
import { checkRoomForDrills, type ScratchQuestion } from './check-scratch.ts';

export interface NamedRepository {
  /** `local`, or its address where it has no name. */
  readonly name: string;
  /** Without secrets, for the lines to paste. */
  readonly url: string;
  /** Reads its password, and asks nobody for it. */
  readonly open: () => Promise<Repository>;
  /** Only the place, where there is no repository yet. */
  readonly openPlace: () => Promise<Storage>;
}

export interface RepositoryQuestion {
  /** Of the configuration; absent where there is none. */
  readonly folder?: string;
  /** Drills restore what is in it. */
  readonly scratch?: ScratchQuestion;
  /** Takes what the place, and the newest point, tell of the time. */
  readonly onTime: (time: KnownTime) => void;
}

export async function* checkRepository(
  named: NamedRepository,
  { folder, scratch, onTime }: RepositoryQuestion,
  context: RunContext,
): AsyncGenerator<Check> {
  const about = `repository ${named.name}`;
  let repository: Repository;
  try {
    repository = await named.open();
  } catch (error) {
    if (isError(error, 'repository-missing')) yield* checkMissing(about, named);
    else yield failedWith(`${about}: open`, error);
    return;
  }
  try {
    const points = await loadPoints(repository);
    const { storage, clock, config, location } = repository;
    yield ok(
      `${about}: open`,
      `${location} opens with its password and holds ${points.length} ${points.length === 1 ? 'point' : 'points'}, in version ${config.version} of the format`,
    );
    yield* checkFuture(about, points, repository, onTime);
    yield await checkKeys(about, named.url, repository, folder);
    yield* checkServer(about, storage, clock, { onTime, signal: context.signal });
    yield* storage.local === undefined
      ? await checkPlace(about, storage, clock)
      : await checkOwner(about, storage.local, process.getuid?.());
    // Before a lock is written: whoever locks clears away what dead runs of this host have left.
    yield await checkLocks(about, named.url, repository);
    yield await checkWriting(about, repository, context);
    yield* await checkRoom(about, repository, points);
    if (scratch !== undefined) yield* await checkRoomForDrills(about, points, scratch);
  } catch (error) {
    yield failedWith(`${about}: read`, error);
  } finally {
    await repository.close();
  }
}

async function* checkMissing(about: string, named: NamedRepository): AsyncGenerator<Check> {
  yield* await tryPlace(about, named);
  const remedy = `The first backup creates it. Where there should be one, correct the address; to create it now:\nholdfast repo init -r ${shellWord(named.url)}`;
  yield warning(`${about}: open`, `there is none at ${named.url} yet`, remedy);
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

const soonMs = 60_000;

/** A point from the future stays the newest, and is what "latest" means, until that time has come. */
function* checkFuture(
  about: string,
  points: readonly Point[],
  { clock, location }: Repository,
  onTime: RepositoryQuestion['onTime'],
): Generator<Check> {
  const now = clock.now().getTime();
  const ahead = points.filter(({ time }) => Date.parse(time) > now + soonMs);
  const newest = Math.max(...points.map(({ time }) => Date.parse(time)));
  if (Number.isFinite(newest)) onTime({ of: `the newest point of ${about}`, at: new Date(newest) });
  const [first] = ahead;
  if (first === undefined) return;
  yield warning(
    `${about}: future`,
    `${ahead.length === 1 ? 'one point is' : `${ahead.length} points are`} from the future, such as ${first.id.slice(0, 8)} of ${first.time} from ${first.host || 'an unknown host'}: "latest" means it, and it displaces others`,
    `Set the clock of that host. Then, where newer ones hold the same:\nholdfast forget -r ${shellWord(location)} ${first.id.slice(0, 8)}`,
  );
}

/** What the other side says of the time, and how long its certificate holds. */
async function* checkServer(
  about: string,
  storage: Storage,
  clock: Clock,
  { onTime, signal }: { readonly onTime: RepositoryQuestion['onTime']; readonly signal: AbortSignal },
): AsyncGenerator<Check> {
  if (storage.local !== undefined) {
    const folder = await storage.local.stagingFolder().catch(() => undefined);
    if (folder === undefined) return;
    const { answer, between } = await askTime(
      () => clock.now(),
      () => readFileTime(folder),
    );
    // The time of a file is that of the last tick of its system's clock.
    if (answer !== undefined) onTime({ of: `the disk of ${about}`, at: answer, between });
    return;
  }
  if (storage.probe === undefined) return;
  const { answer, between } = await askTime(
    () => clock.now(),
    // Whoever does not answer this is looked at below, by what matters.
    async () => storage.probe?.(signal).catch(() => undefined),
  );
  if (answer?.time !== undefined) onTime({ of: `the server of ${about}`, at: answer.time, between });
  if (answer?.certificateUntil !== undefined) yield checkCertificate(about, answer.certificateUntil, clock.now());
}

/** Undefined where nothing can be written; that is told by another check. */
async function readFileTime(folder: string): Promise<Date | undefined> {
  const file = join(folder, `doctor-${randomUUID()}`);
  try {
    await writeFile(file, '');
    return (await stat(file)).mtime;
  } catch {
    return undefined;
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
}

/** A lock is what every backup writes first. */
async function checkWriting(about: string, repository: Repository, context: RunContext): Promise<Check> {
  const name = `${about}: write`;
  const began = repository.clock.now();
  try {
    await withLock({ repository, mode: 'shared', lock: {}, context, work: () => Promise.resolve() });
    const tookMs = repository.clock.now().getTime() - began.getTime();
    return ok(name, `a lock was written and removed, which took ${sayDuration(Math.max(0, tookMs))}`);
  } catch (error) {
    if (!isError(error, 'locked')) return failedWith(name, error);
    return warning(name, error.message.replace(/\.$/, ''), error.hint);
  }
}
