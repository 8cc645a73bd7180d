/** Which entries of a snapshot a restore takes. */
import { combineSelectors, compilePatterns, type Selector } from '../select/pattern.ts';
import type { RestoreRequest } from './restore-request.ts';

export interface FilterVerdict {
  readonly selected: boolean;
  /** Something inside the folder may be selected. */
  readonly childMayMatch: boolean;
}

/** Judges a path from the snapshot's root on, beginning with a slash. */
export type EntryFilter = (path: string) => FilterVerdict;

const everything: FilterVerdict = { selected: true, childMayMatch: true };
const nothing: FilterVerdict = { selected: false, childMayMatch: false };

/** An exclude wins over an include. Throws `usage` for a malformed pattern. */
export function createEntryFilter(request: RestoreRequest): EntryFilter | undefined {
  const include = compile(request.include, request.includeInsensitive);
  const exclude = compile(request.exclude, request.excludeInsensitive);
  if (include === undefined && exclude === undefined) return undefined;
  return (path) => {
    if (exclude?.excluded(path) === true) return nothing;
    if (include === undefined) return everything;
    const { matched, childMayMatch } = include.included(path);
    return { selected: matched, childMayMatch };
  };
}

function compile(sensitive: readonly string[] = [], insensitive: readonly string[] = []): Selector | undefined {
  if (sensitive.length + insensitive.length === 0) return undefined;
  return combineSelectors([compilePatterns(sensitive), compilePatterns(insensitive, { insensitive: true })]);
}
