/** A folder for the sockets of servers of a drill: inside the drill's own folder, so that it goes with it however the drill ends. */
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerUser } from '../../sources/postgres/recovery/server-user.ts';

/** The name of a socket has at most 107 bytes. */
const longestFolder = 85;

/** Makes one that only `user` and root can enter. */
export async function privateSocket(folder: string, user: ServerUser | undefined): Promise<string> {
  const place = Buffer.byteLength(folder) > longestFolder ? tmpdir() : folder;
  const made = await mkdtemp(join(place, 'holdfast-pg-'));
  if (user !== undefined) await chown(made, user.uid, user.gid);
  return made;
}

export function removeSocket(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
