import { readdirSync } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import type { TreeSelection } from '../../sources/source.ts';
import { decodePath, fsPath } from '../../util/path-bytes.ts';
import { cacheTagRule, namesKeptByTags, parseTagRule, type TagRule } from '../select/cache-dir.ts';
import { combineSelectors, compilePatterns } from '../select/pattern.ts';
import { compareNames } from '../tree/compare-names.ts';

/** Lists folders and leaves out what the user does not want. */
export class EntrySelection {
  readonly #report: (path: string, reason: string) => void;
  readonly #isExcluded: ((path: string) => boolean) | undefined;
  readonly #tagRules: readonly TagRule[];
  readonly #largest: number;

  /** Throws `usage` for a malformed pattern. */
  constructor(select: TreeSelection, report: (path: string, reason: string) => void) {
    this.#report = report;
    const exclude = select.exclude ?? [];
    const excludeInsensitive = select.excludeInsensitive ?? [];
    if (exclude.length + excludeInsensitive.length > 0) {
      const selector = combineSelectors([compilePatterns(exclude), compilePatterns(excludeInsensitive, { insensitive: true })]);
      this.#isExcluded = (path) => selector.excluded(path);
    }
    this.#tagRules = [...(select.excludeCaches ? [cacheTagRule] : []), ...(select.excludeIfPresent ?? []).map(parseTagRule)];
    this.#largest = select.excludeLargerThan ?? Number.POSITIVE_INFINITY;
  }

  /** Asked before anything is known of the entry but its path. */
  isExcluded(path: string): boolean {
    return this.#isExcluded?.(path) ?? false;
  }

  isTooLarge(size: number): boolean {
    return size > this.#largest;
  }

  /** Names in the order of their bytes, after what tag files leave. A folder that cannot be read is kept, empty, and reported. */
  list(path: string): string[] {
    const folder = path === '' ? '/' : path;
    try {
      const names = readNames(folder);
      if (this.#tagRules.length === 0) return names;
      const kept = namesKeptByTags(folder, this.#tagRules, this.#report);
      return kept === undefined ? names : names.filter((name) => kept.includes(name));
    } catch (error) {
      this.#report(folder, reasonOf(error));
      return [];
    }
  }
}

function readNames(folder: string): string[] {
  const names = readdirSync(fsPath(folder), 'utf8').sort();
  // U+FFFD stands for bytes that are not UTF-8; and JavaScript's order is that of bytes only below the surrogates.
  if (!names.some((name) => /[\uD800-\uFFFF]/.test(name))) return names;
  return readdirSync(fsPath(folder), 'buffer').map(decodePath).sort(compareNames);
}
