/** A place that is not a folder of this machine: whether everything that a repository does there is allowed, and does what it should. */
import { randomBytes } from 'node:crypto';
import { configKey } from '../../engine/layout.ts';
import { isError, reasonOf } from '../../errors.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Clock } from '../../util/clock.ts';
import { failed, failedWith, ok, warning, type Check } from './check.ts';

const folder = 'holdfast/doctor/';
const size = 100_000;

/** Writes an object, and reads, lists and removes it. Nothing stays, but where removing is refused. */
export async function checkPlace(about: string, storage: Storage, clock: Clock): Promise<Check[]> {
  const key = `${folder}${randomBytes(8).toString('hex')}`;
  const content = new Uint8Array(randomBytes(size));
  const checks: Check[] = [];
  const attempt = async (what: string, work: () => Promise<Check | undefined>, well: string): Promise<boolean> => {
    try {
      checks.push((await work()) ?? ok(`${about}: ${what}`, well));
      return true;
    } catch (error) {
      checks.push(failedWith(`${about}: ${what}`, error));
      return false;
    }
  };
  const isWritten = await attempt('put', () => putTrial(about, storage, { key, content, clock }), '');
  if (!isWritten) return checks;
  await attempt('get', async () => compare(about, 'get', await storage.get(key), content), 'they came back as they were');
  const range = { offset: 12_345, length: 54_321 };
  await attempt(
    'range',
    async () => compare(about, 'range', await storage.get(key, range), content.subarray(range.offset, range.offset + range.length)),
    'a part of them came exactly',
  );
  await attempt('list', () => findInListing(about, storage, key), 'a listing shows them');
  checks.push(await removeAgain(about, storage, key));
  if (storage.retention !== undefined) checks.push(await checkLock(about, storage, clock));
  return checks;
}

interface Trial {
  readonly key: string;
  readonly content: Uint8Array;
  readonly clock: Clock;
}

async function putTrial(about: string, storage: Storage, { key, content, clock }: Trial): Promise<Check> {
  const began = clock.now();
  await storage.put(key, content);
  const tookMs = Math.max(0, clock.now().getTime() - began.getTime());
  return ok(`${about}: put`, `${content.length} bytes were stored at ${storage.location}, which took ${sayDuration(tookMs)}`);
}

function compare(about: string, what: string, got: Uint8Array, wanted: Uint8Array): Check | undefined {
  if (Buffer.compare(got, wanted) === 0) return undefined;
  return failed(`${about}: ${what}`, 'other bytes came than were stored', 'Do not keep backups there: something on the way changes them.');
}

async function findInListing(about: string, storage: Storage, key: string): Promise<Check | undefined> {
  for await (const info of storage.list(folder)) if (info.key === key && info.size === size) return undefined;
  return failed(`${about}: list`, 'a listing does not show what was stored', 'Do not keep backups there: points would not be found.');
}

/** Credentials that may not delete are a good choice for a host: then somebody else must prune. */
async function removeAgain(about: string, storage: Storage, key: string): Promise<Check> {
  const name = `${about}: delete`;
  try {
    await storage.remove(key);
    if ((await storage.stat(key)) === undefined) return ok(name, 'they were deleted');
    return failed(name, 'what was deleted is still there', 'Check the rights of the key used; holdfast prune would free nothing.');
  } catch (error) {
    if (!isError(error, 'storage-denied') && !isError(error, 'storage-refused')) return failedWith(name, error);
    return warning(
      name,
      `these credentials may not delete (${reasonOf(error)})`,
      'That protects the backups; run holdfast prune with credentials that may.',
    );
  }
}

async function checkLock(about: string, storage: Storage, clock: Clock): Promise<Check> {
  const name = `${about}: lock`;
  try {
    const until = await storage.retention?.lockedUntil(configKey);
    if (until !== undefined && until > clock.now())
      return ok(name, `what is stored cannot be deleted before its time; the repository's config: ${until.toISOString()}`);
    return warning(
      name,
      'the repository was made before its place had a lock, and its config is not locked',
      'The next backup or prune locks what is needed.',
    );
  } catch (error) {
    return isError(error, 'storage-missing') ? ok(name, 'the place can lock objects') : failedWith(name, error);
  }
}
