/**
 * restic's pattern language, which decides what is backed up and what is restored. A pattern is a path whose components may hold
 * `*`, `?` and classes; `**` stands for any number of components; with a leading `/` it is matched from the root, otherwise anywhere;
 * a pattern that matches a folder matches everything below it; a leading `!` takes back what an earlier pattern matched.
 */
import { posix } from 'node:path';

import { HoldfastError } from '../../errors.ts';
import { compileGlob, type NameTest } from './glob.ts';

export interface Selector {
  /**
   * Whether a backup leaves this path out. The path is absolute and has no trailing slash. What lies below an excluded folder is
   * excluded too, also where a `!` pattern would take it back, because a backup does not look into it: the walk must not descend.
   * (The language does not tell folders from files, so `isDir` changes nothing.)
   */
  excluded(path: string, isDir?: boolean): boolean;
  /** Whether a restore with these patterns as includes takes this path, and whether it has to look into the folder at that path. */
  included(path: string): Inclusion;
}

export interface Inclusion {
  readonly matched: boolean;
  readonly childMayMatch: boolean;
}

export interface PatternOptions {
  /** Upper and lower case are the same, in patterns and paths. */
  readonly insensitive?: boolean;
}

interface Pattern {
  readonly negated: boolean;
  readonly absolute: boolean;
  /** The runs of components between `**`s, none of them empty. The first of an absolute pattern begins below the root. */
  readonly runs: readonly (readonly NameTest[])[];
  /** How many components come before the first `**` (all, where there is none). */
  readonly fixed: number;
  /** An absolute pattern's first run touches the root; false when `**` came first, as in a relative one. */
  readonly anchored: boolean;
}

/** Compiles patterns, in the order in which they take effect. Empty ones are ignored. Throws `usage` for a malformed one. */
export function compilePatterns(patterns: readonly string[], options: PatternOptions = {}): Selector {
  const insensitive = options.insensitive ?? false;
  const compiled = patterns
    .filter((pattern) => pattern !== '')
    .map((pattern) => compilePattern(insensitive ? pattern.toLowerCase() : pattern));
  if (compiled.length === 0) return selectNothing;
  const hasNegated = compiled.some((pattern) => pattern.negated);
  return {
    excluded(path) {
      const components = splitPath(insensitive ? path.toLowerCase() : path);
      let matched = false;
      for (const pattern of compiled) {
        /* A pattern that could only confirm what is known need not be looked at. */
        if (pattern.negated !== matched || !matches(pattern, components)) continue;
        matched = !pattern.negated;
        if (matched && !hasNegated) return true;
      }
      return matched;
    },
    included(path) {
      const components = splitPath(insensitive ? path.toLowerCase() : path);
      let matched = false;
      let childMayMatch = false;
      for (const pattern of compiled) {
        const matchesPath = matches(pattern, components);
        if (pattern.negated) {
          matched &&= !matchesPath;
          childMayMatch &&= !matchesPath;
        } else {
          matched ||= matchesPath;
          childMayMatch ||= mayMatchBelow(pattern, components);
        }
      }
      return { matched, childMayMatch };
    },
  };
}

/** A path is selected when one of these selects it: how patterns with and without regard to case work together. */
export function combineSelectors(selectors: readonly Selector[]): Selector {
  const used = selectors.filter((selector) => selector !== selectNothing);
  if (used.length === 0) return selectNothing;
  return {
    excluded: (path, isDir) => used.some((selector) => selector.excluded(path, isDir)),
    included(path) {
      const inclusions = used.map((selector) => selector.included(path));
      return { matched: inclusions.some(({ matched }) => matched), childMayMatch: inclusions.some(({ childMayMatch }) => childMayMatch) };
    },
  };
}

const selectNothing: Selector = { excluded: () => false, included: () => ({ matched: false, childMayMatch: false }) };

/** Below the root, that is without an empty first component. */
interface Components {
  readonly absolute: boolean;
  readonly names: readonly string[];
}

function splitPath(path: string): Components {
  const names = path.split('/');
  if (names[0] !== '') return { absolute: false, names };
  names.shift();
  return { absolute: true, names };
}

function compilePattern(pattern: string): Pattern {
  const negated = pattern.startsWith('!');
  const { absolute, names } = splitPath(cleanPath(negated ? pattern.slice(1) : pattern));
  const runs: NameTest[][] = [];
  let run: NameTest[] | undefined;
  for (const name of names) {
    /* The pattern `/` has one empty name, which restic takes as `**`: everything below the root. */
    if (name === '**' || name === '') {
      run = undefined;
      continue;
    }
    const test = compileGlob(name);
    if (test === undefined)
      throw new HoldfastError('usage', { reason: `the pattern ${JSON.stringify(pattern)} is malformed`, help: 'holdfast backup --help' });
    if (run === undefined) runs.push((run = []));
    run.push(test);
  }
  const wildcard = names.findIndex((name) => name === '**' || name === '');
  const fixed = wildcard === -1 ? names.length : wildcard;
  return { negated, absolute, runs, fixed, anchored: absolute && fixed > 0 };
}

/** Go's filepath.Clean: `.` and `..` resolved, no double and no trailing slash. */
function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** The runs must come one after the other, each as early as possible, with anything between them and anything after the last. */
function matches(pattern: Pattern, { absolute, names }: Components): boolean {
  if (pattern.absolute && !absolute) return false;
  let from = 0;
  for (const [index, run] of pattern.runs.entries()) {
    const latest = index === 0 && pattern.anchored ? 0 : names.length - run.length;
    while (from <= latest && !matchesAt(run, names, from)) from += 1;
    if (from > latest || from + run.length > names.length) return false;
    from += run.length;
  }
  return true;
}

/** Whether something below the path may match: the part of an absolute pattern that is as long as the path, up to `**`, matches. */
function mayMatchBelow(pattern: Pattern, { absolute, names }: Components): boolean {
  if (!pattern.absolute) return true;
  if (!absolute) return false;
  if (!pattern.anchored) return true;
  const run = pattern.runs[0] ?? [];
  for (let at = 0; at < Math.min(names.length, pattern.fixed); at += 1) {
    if (run[at]?.(names[at] ?? '') !== true) return false;
  }
  return true;
}

function matchesAt(run: readonly NameTest[], names: readonly string[], from: number): boolean {
  for (let at = run.length - 1; at >= 0; at -= 1) {
    if (run[at]?.(names[from + at] ?? '') !== true) return false;
  }
  return true;
}
