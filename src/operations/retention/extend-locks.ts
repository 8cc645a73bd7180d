/**
 * Keeps the locks of what is to stay from running out: everything that kept points need, and nothing else, or what is due could never go. An object is
 * locked anew for the whole time once less than half of it is left.
 */
import { mapConcurrently } from '../../engine/concurrency.ts';
import { configKey, folderOf, keyOf } from '../../engine/layout.ts';
import { isLockable } from '../../engine/lockable.ts';
import { findNeededFiles } from '../../engine/prune/find-needed.ts';
import type { Repository } from '../../engine/repository.ts';
import { throwIfAborted, type RunContext } from '../../engine/run-context.ts';
import { isError, reasonOf } from '../../errors.ts';
import { readLockLedger, writeLockLedger, type LockLedger } from './lock-ledger.ts';

export interface ExtendedLocks {
  readonly extended: number;
  /** Objects whose lock could not be made longer; the first of them was a problem event. */
  readonly failed: number;
  /** The earliest time at which one of the locks is over. */
  readonly until?: Date;
}

const requestsAtOnce = 8;
const objectsFolder = 'holdfast/';
const walFolder = `${objectsFolder}wal/`;

export interface KeptObjects {
  /** Ids of the snapshots that are to stay: not those that only wait to go. */
  readonly snapshots: readonly string[];
  /** Of the write-ahead log: sealed objects (`wal/…`) that are due, and so are left alone. Absent: the log is not looked at. */
  readonly dueLog?: ReadonlySet<string>;
}

/**
 * Does nothing where the place does not lock. One object that fails does not keep the others from getting their time.
 *
 * @throws HoldfastError `prune-refused` where what is needed cannot be found out, `interrupted`, what listing throws
 */
export async function extendLocks(repository: Repository, kept: KeptObjects, context: RunContext): Promise<ExtendedLocks> {
  const { retention } = repository.storage;
  if (retention === undefined) return { extended: 0, failed: 0 };
  const now = repository.clock.now().getTime();
  const known = await readLockLedger(repository, context);
  const ledger = await completeLedger(repository, await listKept(repository, kept), known, context);
  const short = [...ledger].filter(([, until]) => until < now + retention.forMs / 2).map(([key]) => key);
  const needed = await leaveUnneeded(repository, short, kept.snapshots, context);
  const target = new Date(now + retention.forMs);
  if (needed.length > 0) context.events({ type: 'phase', phase: 'extend locks' });
  const failures: { readonly key: string; readonly error: unknown }[] = [];
  let extended = 0;
  await mapConcurrently(needed, requestsAtOnce, async (key) => {
    throwIfAborted(context.signal);
    try {
      await retention.extend(key, target);
      ledger.set(key, target.getTime());
      extended += 1;
      context.events({ type: 'progress', phase: 'extend locks', itemsDone: extended, itemsTotal: needed.length, bytesDone: 0 });
    } catch (error) {
      if (isError(error, 'interrupted')) throw error;
      ledger.delete(key);
      if (!isError(error, 'storage-missing')) failures.push({ key, error });
    }
  });
  if (extended > 0 || ledger.size !== known.size || [...ledger.keys()].some((key) => !known.has(key)))
    await writeLockLedger(repository, ledger, context);
  for (const { key, error } of failures.slice(0, 1)) {
    const others = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`;
    context.events({ type: 'problem', path: key, reason: `its lock could not be made longer${others}: ${reasonOf(error)}` });
  }
  const untils = needed.map((key) => ledger.get(key)).filter((until) => until !== undefined);
  return {
    extended,
    failed: failures.length,
    ...(untils.length === 0 ? {} : { until: new Date(untils.reduce((a, b) => Math.min(a, b))) }),
  };
}

/** Everything that may be needed: which packs and index files are is only looked at when one of them is short of time. */
async function listKept({ storage }: Repository, { snapshots, dueLog }: KeptObjects): Promise<string[]> {
  const keys = [configKey, ...snapshots.map((id) => keyOf('snapshot', id))];
  const folders = [folderOf('key'), folderOf('index'), folderOf('pack'), ...(dueLog === undefined ? [] : [walFolder])];
  for (const folder of folders)
    for await (const { key } of storage.list(folder))
      if (isLockable(key) && dueLog?.has(key.slice(objectsFolder.length)) !== true) keys.push(key);
  return keys;
}

/** Asks about what is not known yet, and drops what is not asked about any more. */
async function completeLedger(
  repository: Repository,
  keys: readonly string[],
  known: LockLedger,
  { events, signal }: RunContext,
): Promise<LockLedger> {
  const ledger: LockLedger = new Map();
  const unknown: string[] = [];
  for (const key of keys) {
    const until = known.get(key);
    if (until === undefined) unknown.push(key);
    else ledger.set(key, until);
  }
  if (unknown.length > 0) events({ type: 'phase', phase: 'read locks' });
  await mapConcurrently(unknown, requestsAtOnce, async (key) => {
    throwIfAborted(signal);
    try {
      ledger.set(key, (await repository.storage.retention?.lockedUntil(key))?.getTime() ?? 0);
    } catch (error) {
      if (!isError(error, 'storage-missing')) throw error;
    }
  });
  return ledger;
}

async function leaveUnneeded(
  repository: Repository,
  keys: readonly string[],
  snapshots: readonly string[],
  context: RunContext,
): Promise<string[]> {
  const isShared = (key: string): boolean => key.startsWith(folderOf('pack')) || key.startsWith(folderOf('index'));
  if (!keys.some(isShared)) return [...keys];
  const { packs, indexFiles } = await findNeededFiles(repository, snapshots, context);
  const needed = new Set([...[...packs].map((id) => keyOf('pack', id)), ...[...indexFiles].map((id) => keyOf('index', id))]);
  return keys.filter((key) => !isShared(key) || needed.has(key));
}
