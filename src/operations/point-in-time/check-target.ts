/** Whether a folder may become a data directory: looked at before hours are spent on it. */
import { spawnSync } from 'node:child_process';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { findPostgresUser, type ServerUser } from '../../sources/postgres/recovery/server-user.ts';

/** Makes the folders above it. Throws `recovery-directory`. */
export async function checkTarget(path: string): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw refusal(path, error.code === 'ENOTDIR' ? 'it is a file' : error.message, 'Choose an empty folder, or one that is not there');
  });
  if (names.some((name) => name !== 'lost+found' && name !== 'holdfast-incomplete'))
    throw refusal(path, 'it is not empty', 'Choose an empty folder, or one that is not there; to replace a server, leave --target out');
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const user = findPostgresUser();
  if (user !== undefined) checkPassage(dirname(path), user);
}

/** PostgreSQL does not run as root, and what root may enter is closed to it. Throws `recovery-directory`. */
export function checkPassage(folder: string, { uid, gid }: ServerUser): void {
  if (process.getuid?.() !== 0 || uid === 0) return;
  const { status } = spawnSync('test', ['-x', folder], { uid, gid, stdio: 'ignore' });
  if (status !== 0)
    throw refusal(
      folder,
      `the user that PostgreSQL runs as (${uid}) cannot enter it`,
      'Choose another folder, such as one below /var/lib/postgresql',
    );
}

/** What was there before is told apart from what a failed recovery left. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function refusal(path: string, reason: string, remedy: string): HoldfastError {
  return new HoldfastError('recovery-directory', { path, reason, remedy });
}
