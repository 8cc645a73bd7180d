/* Types and a few lines only: the command line reads this before it knows whether anything will be done. */
import type { SnapshotFilter } from '../engine/snapshots/find-snapshot.ts';

/** Which point is meant, as the user said it. */
export interface PointRequest {
  readonly name: string;
  readonly component?: string;
  readonly filter?: SnapshotFilter;
}

/** Splits `POINT:/path`. The path is absolute; undefined where there is none. */
export function splitPointName(text: string): { readonly name: string; readonly path: string | undefined } {
  const at = text.indexOf(':/');
  return at === -1 ? { name: text, path: undefined } : { name: text.slice(0, at) || 'latest', path: text.slice(at + 1) };
}
