/** restic's lock files: sealed JSON under `locks/`, one a holder, named by their hash. */
import { hostname, userInfo } from 'node:os';
import { readInteger, readObject, readString } from '../../util/wire.ts';
import { isError, reasonOf } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import { formatTime, parseTime } from '../tree/time.ts';

export interface LockFile {
  /** Milliseconds since 1970 of the last refresh. */
  readonly time: number;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** A lock file that was read, or the reason why it could not be. */
export type LoadedLock = { readonly id: string; readonly lock: LockFile } | { readonly id: string; readonly problem: string };

/** A lock of this process. */
export function describeThisProcess(exclusive: boolean, now: Date): LockFile {
  return { time: now.getTime(), exclusive, hostname: hostname(), pid: process.pid, ...currentUser() };
}

export function encodeLock({ time, exclusive, hostname: host, username, pid, uid, gid }: LockFile): Buffer {
  return Buffer.from(
    JSON.stringify({
      time: formatTime(BigInt(time) * 1_000_000n),
      exclusive,
      hostname: host,
      username,
      pid,
      ...(uid > 0 ? { uid } : {}),
      ...(gid > 0 ? { gid } : {}),
    }),
  );
}

/** Reads a lock's JSON. Throws a plain error when it is not one. */
function decodeLock(json: Uint8Array): LockFile {
  const wire = readObject(JSON.parse(Buffer.from(json).toString('utf8')), 'the lock');
  return {
    time: Number(parseTime(readString(wire['time'], 'time')) / 1_000_000n),
    exclusive: wire['exclusive'] === true,
    hostname: readString(wire['hostname'] ?? '', 'hostname'),
    username: readString(wire['username'] ?? '', 'username'),
    pid: readInteger(wire['pid'] ?? 0, 'pid'),
    uid: readInteger(wire['uid'] ?? 0, 'uid'),
    gid: readInteger(wire['gid'] ?? 0, 'gid'),
  };
}

/**
 * Every lock file there is. Empty ones are left out, as restic does: where uploads are not atomic an interrupted one leaves such a file.
 * One that is removed while we look is gone.
 * @param except the one that we have just written ourselves
 */
export async function loadLocks(repository: Repository, except?: string): Promise<LoadedLock[]> {
  const locks: LoadedLock[] = [];
  for (const { id, size } of await repository.listFiles('lock')) {
    if (size === 0 || id === except) continue;
    try {
      locks.push({ id, lock: decodeLock(await repository.readFile('lock', id)) });
    } catch (error) {
      if (!isError(error, 'storage-missing')) locks.push({ id, problem: reasonOf(error) });
    }
  }
  return locks;
}

/** For messages: `alice@web1 (process 4711)`. */
export function describeHolder(lock: LockFile): string {
  const user = lock.username === '' ? '' : `${lock.username}@`;
  return `${user}${lock.hostname === '' ? 'an unknown host' : lock.hostname} (process ${lock.pid}${lock.exclusive ? ', exclusive' : ''})`;
}

function currentUser(): { username: string; uid: number; gid: number } {
  try {
    const { username, uid, gid } = userInfo();
    return { username, uid: Math.max(uid, 0), gid: Math.max(gid, 0) };
  } catch {
    // A container may run as a user that its passwd file does not know.
    return { username: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  }
}
