import { createHash } from 'node:crypto';
import { access, link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failedWith } from '../file-error.ts';
import { pause } from '../interruption.ts';
import { fileMode } from './staging.ts';

const patience = { rounds: 100, milliseconds: 50 };

/**
 * Gives the finished file `draft` the name `target`, unless that is taken. `draft` may or may not be there afterwards.
 * `link` decides this in one step; file systems without hard links (exFAT, some network shares) get a claim and a rename.
 * @param hardLink for tests: the call that makes a hard link
 * @throws the system's EEXIST where the name is taken
 */
export async function linkIfAbsent(draft: string, target: string, staging: string, hardLink: typeof link = link): Promise<void> {
  try {
    await hardLink(draft, target);
  } catch (error) {
    if (!failedWith(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    await renameUnderClaim(draft, target, staging);
  }
}

/** Only who holds the claim may look and rename. The claim of a process that died is a leftover: it blocks this one key for a day at most. */
async function renameUnderClaim(draft: string, target: string, staging: string): Promise<void> {
  /* The last two names, not the path: other hosts have the repository mounted elsewhere. */
  const name = createHash('sha256')
    .update(`${basename(dirname(target))}/${basename(target)}`)
    .digest('hex');
  const claim = join(staging, `claim-${name}`);
  await takeClaim(claim, target);
  try {
    if (await isThere(target)) throw taken(target);
    await rename(draft, target);
  } finally {
    await rm(claim, { force: true });
  }
}

async function takeClaim(claim: string, target: string): Promise<void> {
  for (let round = 0; round < patience.rounds; round += 1) {
    try {
      const handle = await open(claim, 'wx', fileMode);
      await handle.close();
      return;
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) throw error;
    }
    if (await isThere(target)) throw taken(target);
    await pause(patience.milliseconds);
  }
  throw new Error(`another run has been writing it for seconds, or died doing so and left ${claim}`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return false;
    throw error;
  }
}

function taken(target: string): Error {
  return Object.assign(new Error(`${target} is there already`), { code: 'EEXIST' });
}
