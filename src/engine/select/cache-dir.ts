/**
 * Folders that say themselves that they need no backup: with a CACHEDIR.TAG (bford.info/cachedir), or with a file the user names.
 * Such a folder is kept with its tag file, everything else in it is left out.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';

import { HoldfastError, reasonOf } from '../../errors.ts';
import { encodePath, fsPath } from '../../util/path-bytes.ts';

/** A file whose presence marks a folder. */
export interface TagRule {
  readonly name: string;
  /** What the file must begin with; empty: anything. */
  readonly header: string;
}

/** The Cache Directory Tagging Specification's file. */
export const cacheTagRule: TagRule = { name: 'CACHEDIR.TAG', header: 'Signature: 8a477f597d28d172789f06886806bc55' };

/** Reads `NAME` or `NAME:header`, as `--exclude-if-present` takes it. Throws `usage` when there is no name, or more than a name. */
export function parseTagRule(text: string): TagRule {
  const colon = text.indexOf(':');
  const rule = colon === -1 ? { name: text, header: '' } : { name: text.slice(0, colon), header: text.slice(colon + 1) };
  if (rule.name === '' || rule.name.includes('/'))
    throw new HoldfastError('usage', {
      reason: `${JSON.stringify(text)} names no file to look for in folders`,
      help: 'holdfast backup --help',
    });
  return rule;
}

/**
 * Which names of a folder are kept: undefined (all) where no rule applies, otherwise the tag file alone, and nothing where two rules
 * with different files apply.
 *
 * @param directory An absolute path, with lone surrogates for bytes that are not UTF-8.
 * @param warn Called where a tag file is there but cannot be read or lacks the header: then the folder is backed up whole.
 */
export function namesKeptByTags(
  directory: string,
  rules: readonly TagRule[],
  warn: (path: string, reason: string) => void,
): readonly string[] | undefined {
  const applying = new Set(rules.filter((rule) => hasTag(directory, rule, warn)).map((rule) => rule.name));
  if (applying.size === 0) return undefined;
  return applying.size === 1 ? [...applying] : [];
}

/** Whether a folder holds the CACHEDIR.TAG that the specification asks for. */
export function isCacheDirectory(directory: string, warn: (path: string, reason: string) => void): boolean {
  return hasTag(directory, cacheTagRule, warn);
}

/** Whether a folder holds the file, beginning with the header. */
function hasTag(directory: string, rule: TagRule, warn: (path: string, reason: string) => void): boolean {
  const path = directory.endsWith('/') ? `${directory}${rule.name}` : `${directory}/${rule.name}`;
  try {
    if (lstatSync(fsPath(path), { throwIfNoEntry: false }) === undefined) return false;
    if (rule.header === '' || beginsWith(path, encodePath(rule.header))) return true;
    warn(path, 'it does not begin with the signature that marks a folder to leave out');
  } catch (error) {
    warn(path, reasonOf(error));
  }
  return false;
}

function beginsWith(path: string, header: Buffer): boolean {
  /* Without O_NONBLOCK a pipe of that name would hang the backup. */
  const descriptor = openSync(fsPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) return false;
    const found = Buffer.alloc(header.length);
    let filled = 0;
    while (filled < found.length) {
      const count = readSync(descriptor, found, filled, found.length - filled, filled);
      if (count === 0) return false;
      filled += count;
    }
    return found.equals(header);
  } finally {
    closeSync(descriptor);
  }
}
