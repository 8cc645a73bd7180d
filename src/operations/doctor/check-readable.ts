/** Whether what a component of files consists of can be read by whoever runs this: a sample of it. */
import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { EntrySelection } from '../../engine/backup/entry-selection.ts';
import { reasonOf } from '../../errors.ts';
import type { TreeSelection } from '../../sources/source.ts';
import { currentUser } from '../../util/current-user.ts';
import { fsPath } from '../../util/path-bytes.ts';
import { shellWord } from '../../util/shell-word.ts';
import { failed, ok, type Check } from './check.ts';

const mostLooked = 5000;
const mostShown = 3;

/** Folder by folder, those near the roots first, until enough was seen. */
export async function checkReadable(
  component: string,
  roots: readonly string[],
  select: TreeSelection,
  signal: AbortSignal,
): Promise<Check> {
  const name = `${component}: readable`;
  const closed: string[] = [];
  const selection = new EntrySelection(select, (path) => closed.push(path));
  const waiting = [...roots];
  let looked = 0;
  for (let path = waiting.shift(); path !== undefined && looked < mostLooked && !signal.aborted; path = waiting.shift()) {
    looked += 1;
    const found = await lstat(fsPath(path)).catch(() => undefined);
    if (found === undefined) continue;
    if (found.isDirectory()) {
      for (const entry of selection.list(path).map((each) => join(path, each))) if (!selection.isExcluded(entry)) waiting.push(entry);
      await breathe();
    } else if (found.isFile() && !selection.isTooLarge(found.size) && !(await isReadable(path))) closed.push(path);
  }
  if (closed.length === 0)
    return ok(name, waiting.length > 0 ? `${looked} files and folders were looked at, and all can be read` : 'all of it can be read');
  const [first = ''] = closed;
  const { username } = currentUser();
  return failed(
    name,
    `${closed.length === 1 ? 'one of its files or folders' : `${closed.length} of its files and folders`} cannot be read by ${username}: ${closed.slice(0, mostShown).join(', ')}`,
    `Run holdfast as somebody who may, leave them out (exclude), or let ${username} read them:\nsetfacl -R -m u:${shellWord(username)}:rX ${shellWord(first)}`,
  );
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(fsPath(path), constants.R_OK);
    return true;
  } catch (error) {
    // What was removed meanwhile is not there to be saved.
    return reasonOf(error).startsWith('ENOENT');
  }
}
