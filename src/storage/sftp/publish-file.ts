/** Gives a finished draft the name of an object. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { pause } from '../interruption.ts';
import { answered, sftpStatus, type SftpConnection } from './sftp-connection.ts';
import {
  closeFile,
  hardLink,
  openFile,
  renameOver,
  renameToFree,
  statPath,
  unlink,
  type Extension,
  type MissingExtensions,
} from './sftp-files.ts';

export interface Draft {
  readonly connection: SftpConnection;
  readonly missing: MissingExtensions;
  /** What a server said that it can, and was seen to do. */
  readonly tried: Set<Extension>;
  readonly draft: string;
  readonly target: string;
}

const patience = { rounds: 100, milliseconds: 50 };

/**
 * Renames a draft over whatever has the name. Where the server lacks `posix-rename@openssh.com`, an object that is there is removed first: for a moment
 * there is none, and a run that dies in it leaves none.
 */
export async function publishOver({ connection, missing, draft, target }: Draft): Promise<void> {
  if (await renameOver(connection, missing, draft, target)) return;
  try {
    await renameToFree(connection, draft, target);
  } catch (error) {
    if (!answered(error, sftpStatus.failure) || (await statPath(connection, target)) === undefined) throw error;
    await unlink(connection, target);
    await renameToFree(connection, draft, target);
  }
}

/**
 * Gives a draft a name that must be free. A hard link decides in one step; without, a claim file does, as far as the server keeps two from creating it.
 * @throws `storage-exists`
 */
export async function publishIfAbsent(drafted: Draft, object: { readonly key: string; readonly location: string }): Promise<void> {
  const { connection, missing, draft, target } = drafted;
  try {
    if ((await linksAreMade(drafted)) && (await hardLink(connection, missing, draft, target))) return await unlink(connection, draft);
  } catch (error) {
    // A taken name is a mere "failure".
    if (!answered(error, sftpStatus.failure, sftpStatus.permissionDenied)) throw error;
    if ((await statPath(connection, target)) !== undefined) throw new HoldfastError('storage-exists', object, error);
  }
  await renameUnderClaim(drafted, object);
}

/** Some servers (rclone) say that they made a link, and make none: an object would be lost. So the first is made under a name of its own. */
async function linksAreMade({ connection, missing, tried, draft }: Draft): Promise<boolean> {
  if (tried.has('hardlink')) return !missing.has('hardlink');
  const probe = `${draft.slice(0, -'.tmp'.length)}-link.tmp`;
  try {
    if (await hardLink(connection, missing, draft, probe)) {
      if ((await statPath(connection, probe)) === undefined) missing.add('hardlink');
      else await unlink(connection, probe);
    }
  } catch (error) {
    if (!answered(error, sftpStatus.failure, sftpStatus.permissionDenied)) throw error;
    missing.add('hardlink');
  }
  tried.add('hardlink');
  return !missing.has('hardlink');
}

/** Only who holds the claim may look and rename. The claim of a run that died is a leftover: it blocks this one key for a day at most. */
async function renameUnderClaim(
  { connection, draft, target }: Draft,
  object: { readonly key: string; readonly location: string },
): Promise<void> {
  const claim = posix.join(posix.dirname(target), claimName(posix.basename(target)));
  await takeClaim(connection, claim, target, object);
  try {
    if ((await statPath(connection, target)) !== undefined) throw new HoldfastError('storage-exists', object);
    await renameToFree(connection, draft, target);
  } finally {
    await unlink(connection, claim).catch(() => {});
  }
}

async function takeClaim(
  connection: SftpConnection,
  claim: string,
  target: string,
  object: { readonly key: string; readonly location: string },
): Promise<void> {
  for (let round = 0; round < patience.rounds; round += 1) {
    try {
      await closeFile(connection, await openFile(connection, claim, 'wx'));
      return;
    } catch (error) {
      if (!answered(error, sftpStatus.failure) || (await statPath(connection, claim)) === undefined) throw error;
    }
    if ((await statPath(connection, target)) !== undefined) throw new HoldfastError('storage-exists', object);
    await pause(patience.milliseconds);
  }
  throw new Error(`another run has been writing it for seconds, or died doing so and left ${claim}`);
}

/** Of the form of a draft, so that an old one is removed as a leftover. */
function claimName(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return `.holdfast-${[8, 4, 4, 4, 12].map((length, part) => digest.slice(part * 12, part * 12 + length)).join('-')}.tmp`;
}
