/** Keeps folders aside under a name beside their own, and brings them back. */
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { removeInPlaceNote, type InPlaceNote } from './in-place-note.ts';

export type Move = InPlaceNote['moves'][number];

/** Moves folders that are there, and makes empty ones like them in their places. Throws `recovery-directory`; all are back then. */
export async function putAside(moves: readonly Move[], dataDirectory: string): Promise<void> {
  try {
    for (const { from, aside } of moves) {
      const { uid, gid, mode } = await stat(from);
      await rename(from, aside);
      await mkdir(from);
      await chown(from, uid, gid);
      await chmod(from, mode & 0o7777);
    }
  } catch (error) {
    await moveBack(moves);
    throw new HoldfastError(
      'recovery-directory',
      {
        path: dataDirectory,
        reason: `it cannot be kept aside (${reasonOf(error)})`,
        remedy: 'Recover into a new folder with --target, and put that in its place by hand',
      },
      error,
    );
  }
}

/** As it was before: what has been made meanwhile is removed. */
export async function bringBack(stateFolder: string, dataDirectory: string, moves: readonly Move[]): Promise<void> {
  await moveBack(moves);
  await removeInPlaceNote(stateFolder, dataDirectory);
}

/** The same, while the note stays. */
export async function moveBack(moves: readonly Move[]): Promise<void> {
  for (const { from, aside } of moves.toReversed()) {
    if (!existsSync(aside)) continue;
    await rm(from, { recursive: true, force: true });
    await rename(aside, from);
  }
}
