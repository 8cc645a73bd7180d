/** Compares two folders in everything that a restore must bring back. */
import { showPath } from './byte-paths.ts';
import { aspects, readTree, type Aspect } from './read-tree.ts';

export interface CompareOptions {
  /** Aspects not to look at: `['owner', 'holes']`. */
  readonly ignore?: readonly Aspect[];
  /** Entries not to look at, by the path relative to the folders, `.` being the folder itself. Bytes that are not plain text come as `\xNN`. */
  readonly skip?: (path: string) => boolean;
}

/**
 * The differences, one a line (`links/hard-one: mode is 0644 and 0600`), sorted by path: none means that the trees are the same. The folders
 * themselves are compared too. Access times and change times are not.
 */
export function compareTrees(a: string, b: string, { ignore = [], skip = () => false }: CompareOptions = {}): string[] {
  const left = readTree(a, new Set(ignore));
  const right = readTree(b, new Set(ignore));
  const differences: string[] = [];
  for (const key of [...new Set([...left.keys(), ...right.keys()])].toSorted()) {
    const one = left.get(key);
    const two = right.get(key);
    const path = showPath(Buffer.from(key, 'latin1'));
    if (skip(path)) continue;
    if (one === undefined || two === undefined) differences.push(`${path}: only in the ${one === undefined ? 'second' : 'first'}`);
    else differences.push(...compareFacts(path, one.facts, two.facts));
  }
  return differences;
}

type Facts = Readonly<Partial<Record<Aspect, string>>>;

/** When the types differ, the rest says nothing. */
function compareFacts(path: string, one: Facts, two: Facts): string[] {
  if (one.type !== two.type) return [`${path}: type is ${one.type ?? 'unknown'} and ${two.type ?? 'unknown'}`];
  return aspects
    .filter((aspect) => one[aspect] !== two[aspect])
    .map((aspect) => `${path}: ${aspect} is ${one[aspect] || 'nothing'} and ${two[aspect] || 'nothing'}`);
}
