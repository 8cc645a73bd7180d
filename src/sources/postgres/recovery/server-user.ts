/** Who a server runs as: never root, always the owner of its data directory. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, lchown, open, opendir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';

/** Numbers, since a data directory from another machine may belong to somebody unknown here. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes a data directory one that PostgreSQL accepts: mode 0700 (0750 stays), and not root's, whose is given to the user postgres of this machine with all it
 * and the folders of its tablespaces hold. The user the server has to run as; undefined where that is who runs this process. Throws `recovery-directory`.
 */
export async function settleOwner(dataDirectory: string, tablespaces: readonly string[]): Promise<ServerUser | undefined> {
  const refuse = (reason: string, remedy: string): never => {
    throw new HoldfastError('recovery-directory', { path: dataDirectory, reason, remedy });
  };
  const { uid, gid, mode } = await stat(dataDirectory);
  const self = process.getuid?.();
  if (self !== 0 && uid !== self) refuse(`it belongs to another user (${uid})`, 'Work as that user, or as root');
  const owner = uid === 0 ? findPostgresUser() : { uid, gid };
  if (owner === undefined)
    return refuse(
      'it belongs to root, as whom PostgreSQL does not run, and there is no user postgres here',
      'Give it to the user that PostgreSQL is to run as, or work as that user',
    );
  if (uid === 0) for (const folder of [dataDirectory, ...tablespaces]) await giveAll(folder, owner);
  if ((mode & 0o777) !== 0o750) await chmod(dataDirectory, 0o700);
  return self === 0 ? owner : undefined;
}

/** Whom a new folder for PostgreSQL is to belong to. */
export function findPostgresUser(): ServerUser | undefined {
  const self = process.getuid?.();
  if (self !== undefined && self !== 0) return { uid: self, gid: process.getgid?.() ?? self };
  const ask = (flag: string): number | undefined => {
    const { status, stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
    return status === 0 && /^\d+\n$/.test(stdout) ? Number(stdout) : undefined;
  };
  const [uid, gid] = [ask('-u'), ask('-g')];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Replaces a small file at once, as the server's user. `quick`: it need not outlive a power cut. */
export async function writeAs(
  path: string,
  content: string | Uint8Array,
  user: ServerUser | undefined,
  { mode = 0o600, quick = false }: { readonly mode?: number; readonly quick?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.holdfast-new`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(content);
    if (user !== undefined) await file.chown(user.uid, user.gid);
    await file.chmod(mode);
    if (!quick) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Links are given themselves, never what they lead to: where that is comes from a repository. */
async function giveAll(folder: string, user: ServerUser): Promise<void> {
  await chown(folder, user.uid, user.gid);
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveAll(path, user);
    else await lchown(path, user.uid, user.gid);
  }
}
