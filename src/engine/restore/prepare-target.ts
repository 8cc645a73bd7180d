/** Makes the folders of a plan, and clears what is in the way of its entries. Before any content is written. */
import { chmodSync, lstatSync, mkdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { EntryPaths } from './entry-paths.ts';
import { entryFlag, noEntry, type EntryTable } from './entry-table.ts';
import type { RestorePlan } from './restore-plan.ts';

const entriesPerTurn = 4096;

/** Entries that cannot be placed get `failed`, as does all below them; `tell` hears of the first of each. Throws `target-unusable`. */
export async function prepareTarget(
  plan: RestorePlan,
  paths: EntryPaths,
  tell: (entry: number, reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { table, target } = plan;
  try {
    mkdirSync(fsPath(target), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HoldfastError('target-unusable', { path: target, reason: reasonOf(error) }, error);
  }
  for (let entry = 0; entry < table.count; entry++) {
    if (entry % entriesPerTurn === entriesPerTurn - 1) await setImmediate();
    if (signal.aborted) throw new HoldfastError('interrupted');
    const parent = table.parentOf(entry);
    if (parent !== noEntry && table.hasFlag(parent, entryFlag.failed)) table.setFlag(entry, entryFlag.failed);
    else placeEntry(table, entry, paths, plan.request.delete === true, tell);
  }
}

function placeEntry(
  table: EntryTable,
  entry: number,
  paths: EntryPaths,
  mayDelete: boolean,
  tell: (entry: number, reason: string) => void,
): void {
  const isFolder = table.typeOf(entry) === 'dir';
  const replaces = table.hasFlag(entry, entryFlag.replaces) && !table.hasFlag(entry, entryFlag.skipped);
  // A file whose content is lost leaves what is there alone.
  if ((!isFolder && !replaces) || table.hasFlag(entry, entryFlag.damaged)) return;
  const path = paths.of(entry);
  try {
    if (replaces) clear(path, mayDelete);
    if (isFolder) makeFolder(path);
  } catch (error) {
    table.setFlag(entry, entryFlag.failed);
    tell(entry, reasonOf(error));
  }
}

/** Removes what is in the way, never what a link points to. A folder with content only where deleting was asked for. */
function clear(path: string, mayDelete: boolean): void {
  const found = lstatSync(fsPath(path), { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) return unlinkSync(fsPath(path));
  if (mayDelete) return rmSync(fsPath(path), { recursive: true });
  try {
    rmdirSync(fsPath(path));
  } catch (error) {
    throw new Error(`a folder that cannot be removed is in its place (${reasonOf(error)})`, { cause: error });
  }
}

/** Closed to others until its content is complete. One that is there is used as it is, unless it has become a link since the plan was made. */
function makeFolder(path: string): void {
  try {
    mkdirSync(fsPath(path), { mode: 0o700 });
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const found = lstatSync(fsPath(path));
  if (!found.isDirectory()) throw new Error('something else has taken its place');
  if ((found.mode & 0o300) !== 0o300 && found.uid === process.geteuid?.()) chmodSync(fsPath(path), (found.mode & 0o7777) | 0o300);
}
