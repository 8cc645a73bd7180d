/** What comes after the contents: hard links, symbolic links, devices; broken files and what was to be deleted go; folders get their metadata last. */
import { constants, linkSync, lstatSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import { platformCalls } from '../platform/platform-calls.ts';
import type { EntryMetadata, ProblemSink } from './entry-metadata.ts';
import type { EntryPaths } from './entry-paths.ts';
import { entryFlag, type EntryTable } from './entry-table.ts';

const entriesPerTurn = 2048;
const unusable = entryFlag.skipped | entryFlag.failed | entryFlag.damaged;

export interface FinishParts {
  readonly table: EntryTable;
  readonly paths: EntryPaths;
  readonly metadata: EntryMetadata;
  readonly tell: ProblemSink;
}

/** Everything that is neither a folder nor has content of its own. Links come now, so that nothing was ever written through one. */
export async function makeLinksAndNodes(parts: FinishParts, signal: AbortSignal): Promise<void> {
  const { table, tell } = parts;
  for (let entry = 0; entry < table.count && !signal.aborted; entry++) {
    if (entry % entriesPerTurn === entriesPerTurn - 1) await setImmediate();
    const type = table.typeOf(entry);
    if (type === 'dir' || table.hasFlag(entry, unusable) || (type === 'file' && !table.hasFlag(entry, entryFlag.hardLink))) continue;
    try {
      if (type === 'file') makeHardLink(parts, entry);
      else if (makeNode(parts, entry)) parts.metadata.apply(entry, parts.paths.of(entry), true);
      table.setFlag(entry, entryFlag.done);
    } catch (error) {
      table.setFlag(entry, entryFlag.failed);
      tell(entry, `it could not be made: ${reasonOf(error)}`);
    }
  }
}

function makeHardLink({ table, paths }: FinishParts, entry: number): void {
  const first = table.linkOf(entry);
  if (!table.hasFlag(first, entryFlag.done)) throw new Error(`the file it is another name of, ${paths.of(first)}, was not restored`);
  const path = fsPath(paths.of(entry));
  if (table.hasFlag(entry, entryFlag.exists)) unlinkSync(path);
  linkSync(fsPath(paths.of(first)), path);
}

function makeNode({ table, paths }: FinishParts, entry: number): boolean {
  const path = paths.of(entry);
  switch (table.typeOf(entry)) {
    case 'symlink':
      symlinkSync(fsPath(table.linkTargetOf(entry)), fsPath(path));
      return true;
    case 'irregular':
      throw new Error('its kind is not known');
    case 'dev':
    case 'chardev':
      platformCalls().makeNode(path, (table.modeOf(entry) & constants.S_IFMT) | 0o600, table.deviceOf(entry));
      return true;
    default:
      platformCalls().makeNode(path, (table.modeOf(entry) & constants.S_IFMT) | 0o600, 0n);
      return true;
  }
}

/**
 * Removes every file that this run began and did not finish: half a file under its own name would pass for the whole. One that was there
 * before is removed only where `alsoExisting`: after an interruption the next run completes it.
 */
export function removeUnfinished({ table, paths, tell }: FinishParts, alsoExisting: boolean): void {
  for (let entry = 0; entry < table.count; entry++) {
    const flags = table.flagsOf(entry);
    if ((flags & entryFlag.touched) === 0 || (flags & entryFlag.done) !== 0 || ((flags & entryFlag.exists) !== 0 && !alsoExisting))
      continue;
    try {
      unlinkSync(fsPath(paths.of(entry)));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        tell(entry, `it is incomplete and could not be removed: ${reasonOf(error)}`);
    }
  }
}

/** Removes what the plan says, each with all below it, following no link. Returns what could not be removed. */
export async function removeDeletions(deletions: readonly string[], signal: AbortSignal): Promise<{ path: string; reason: string }[]> {
  const failures: { path: string; reason: string }[] = [];
  for (const path of deletions) {
    await setImmediate();
    if (signal.aborted) break;
    try {
      if (lstatSync(fsPath(path), { throwIfNoEntry: false }) !== undefined) rmSync(fsPath(path), { recursive: true, force: true });
    } catch (error) {
      failures.push({ path, reason: `it could not be deleted: ${reasonOf(error)}` });
    }
  }
  return failures;
}

/** The deepest first: setting one folder's times must not be undone by work inside it, nor its mode bar the way. */
export async function finishFolders({ table, paths, metadata }: FinishParts): Promise<void> {
  for (let entry = table.count - 1; entry >= 0; entry--) {
    if (entry % entriesPerTurn === 0) await setImmediate();
    if (table.typeOf(entry) !== 'dir' || table.hasFlag(entry, entryFlag.failed)) continue;
    metadata.apply(entry, paths.of(entry), !table.hasFlag(entry, entryFlag.exists));
  }
}
