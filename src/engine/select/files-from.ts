/**
 * Lists of what to back up: `--files-from` (a pattern a line), `--files-from-verbatim` (a path a line) and `--files-from-raw` (paths
 * that each end with a NUL). Bytes in, because the list may hold names that are not UTF-8.
 */
import { lstatSync, readdirSync } from 'node:fs';

import { HoldfastError } from '../../errors.ts';
import { comparePaths, decodePath, fsPath } from '../../util/path-bytes.ts';
import { compileGlob, type NameTest } from './glob.ts';
import { splitLines } from './pattern-file.ts';

/** The text of a list: UTF-8, or UTF-16 where a byte order mark says so; bytes that are not UTF-8 become lone surrogates. */
function decodeList(bytes: Uint8Array): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  return decodePath(bytes);
}

/** The patterns of `--files-from`: without white space around them, empty lines, and lines that begin with `#`. `expandGlob` makes paths of them. */
export function parseFilesFrom(bytes: Uint8Array): string[] {
  return splitLines(decodeList(bytes))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The paths of `--files-from-verbatim`: every line as it is, but for empty ones. */
export function parseFilesFromVerbatim(bytes: Uint8Array): string[] {
  return splitLines(decodeList(bytes)).filter((line) => line !== '');
}

/** The paths of `--files-from-raw`. Throws `usage` for an empty path, and where the last NUL is missing: the list was cut short. */
export function parseFilesFromRaw(bytes: Uint8Array): string[] {
  const paths: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    if (end === -1) throw rawError('the list does not end with a NUL');
    if (end === start) throw rawError('the list has an empty path');
    paths.push(decodePath(bytes.subarray(start, end)));
    start = end + 1;
  }
  return paths;
}

/**
 * The paths on this machine that a pattern of `--files-from` matches, in order; none where nothing does. `*`, `?` and classes work
 * within a component (`**` is no more than `*`), names that begin with a dot match too, and folders that cannot be read are empty.
 * Throws `usage` for a malformed pattern.
 */
export function expandGlob(pattern: string): string[] {
  const absolute = pattern.startsWith('/');
  const names = pattern.split('/').filter((name) => name !== '');
  const tests = names.map((name) => compileName(name, pattern));
  let paths = [absolute ? '/' : ''];
  for (const [at, test] of tests.entries()) {
    const name = names[at] ?? '';
    paths = paths.flatMap((folder) =>
      test === undefined
        ? [join(folder, name)]
        : listNames(folder)
            .filter(test)
            .map((found) => join(folder, found)),
    );
  }
  return paths.filter((path) => path !== '' && exists(path));
}

/** undefined where the name means only itself, so that a folder one may enter but not list is no hindrance. */
function compileName(name: string, pattern: string): NameTest | undefined {
  const test = compileGlob(name);
  if (test === undefined)
    throw new HoldfastError('usage', {
      reason: `the pattern ${JSON.stringify(pattern)} in a list of files is malformed`,
      help: 'holdfast backup --help',
    });
  return /[*?[\\]/.test(name) ? test : undefined;
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(fsPath(folder === '' ? '.' : folder), { encoding: 'buffer' })
      .map(decodePath)
      .sort(comparePaths);
  } catch {
    return [];
  }
}

/** Not to be reached is not to be there, as in Go: a file stands where a folder was meant, or the user may not look. */
function exists(path: string): boolean {
  try {
    return lstatSync(fsPath(path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function join(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

function rawError(reason: string): HoldfastError {
  return new HoldfastError('usage', { reason: `${reason} (--files-from-raw)`, help: 'holdfast backup --help' });
}
