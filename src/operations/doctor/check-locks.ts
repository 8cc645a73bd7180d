/** Every lock in a repository: whose, how old, and whether somebody still holds it. */
import { describeHolder, loadLocks, type LockFile } from '../../engine/lock/lock-file.ts';
import { ageOf, describeAge, isOfThisHost, isStale } from '../../engine/lock/stale-lock.ts';
import type { Repository } from '../../engine/repository.ts';
import { shellWord } from '../../util/shell-word.ts';
import { ok, warning, type Check } from './check.ts';

const mostShown = 5;

export async function checkLocks(about: string, url: string, repository: Repository): Promise<Check> {
  const name = `${about}: locks`;
  const now = repository.clock.now();
  const loaded = await loadLocks(repository);
  const unreadable = loaded.flatMap((each) => ('problem' in each ? [each.id.slice(0, 8)] : []));
  const locks = loaded.flatMap((each) => ('lock' in each ? [each.lock] : []));
  const [stale, held] = [locks.filter((lock) => isStale(lock, now)), locks.filter((lock) => !isStale(lock, now))];
  const inUse = held.length === 0 ? '' : `${held.length === 1 ? 'one lock is' : `${held.length} locks are`} held: ${listed(held, now)}`;
  if (stale.length > 0)
    return warning(
      name,
      `${stale.length === 1 ? 'a lock of a dead run lies' : `${stale.length} locks of dead runs lie`} there: ${listed(stale, now)}${inUse === '' ? '' : `; ${inUse}`}`,
      `Remove ${stale.length === 1 ? 'it' : 'them'}:\nholdfast unlock -r ${shellWord(url)}`,
    );
  if (unreadable.length > 0)
    return warning(
      name,
      `${unreadable.length} of the locks there cannot be read: ${unreadable.slice(0, mostShown).join(', ')}${inUse === '' ? '' : `; ${inUse}`}`,
      `When nobody uses the repository, remove all of them:\nholdfast unlock --remove-all -r ${shellWord(url)}`,
    );
  return ok(name, inUse === '' ? 'nobody holds a lock there' : inUse);
}

function listed(locks: readonly LockFile[], now: Date): string {
  const told = locks.slice(0, mostShown).map((lock) => {
    const age = `${describeAge(ageOf(lock, now))} old`;
    // A process of another host cannot be looked at.
    return `${describeHolder(lock)}, ${age}${isOfThisHost(lock) ? (isStale(lock, now) ? ', its process is gone' : ', its process lives') : ''}`;
  });
  return `${told.join('; ')}${locks.length > mostShown ? `; and ${locks.length - mostShown} more` : ''}`;
}
