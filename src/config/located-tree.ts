/**
 * A YAML file as plain values that know where they stand in the text, so that an error found late (after profiles are merged and
 * variables are filled in) still names its line and column.
 */
import type { LineCounter } from 'yaml';

export type Located = LocatedScalar | LocatedList | LocatedMapping;

export interface LocatedScalar extends Place {
  readonly type: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it stood in the file, where variables were filled in: what messages show, because the value may be a secret. */
  readonly written?: string;
}

export interface LocatedList extends Place {
  readonly type: 'list';
  readonly items: readonly Located[];
}

export interface LocatedMapping extends Place {
  readonly type: 'mapping';
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  readonly key: Place;
  readonly value: Located;
}

/** Where something begins in the text, and the text it begins in. */
export interface Place {
  readonly source: SourceText;
  /** Characters from the beginning. */
  readonly at: number;
}

export interface SourceText {
  readonly text: string;
  readonly lines: LineCounter;
}

/** One thing that is wrong with a file. */
export interface ConfigurationProblem {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** `found X, allowed are Y; did you mean Z?` */
  readonly message: string;
}

export type ProblemPath = readonly (string | number)[];

/** A problem at a place. */
export function problemAt({ source, at }: Place, message: string): ConfigurationProblem {
  const { line, col } = source.lines.linePos(at);
  return { line: Math.max(line, 1), column: Math.max(col, 1), message };
}

/** The value at a path, or undefined where the path ends early. */
export function valueAt(tree: Located, path: ProblemPath): Located | undefined {
  let node: Located | undefined = tree;
  for (const step of path) node = node === undefined ? undefined : childOf(node, step);
  return node;
}

/** Where to point for a path: at the value; where it is missing, at the key of what should hold it. */
export function placeOf(tree: Located, path: ProblemPath): Place {
  const value = valueAt(tree, path);
  if (value !== undefined) return value;
  for (let length = path.length - 1; length > 0; length--) {
    const holder = valueAt(tree, path.slice(0, length));
    if (holder !== undefined) return keyPlaceOf(tree, path.slice(0, length)) ?? holder;
  }
  return tree;
}

/** Where the key at the end of a path stands; undefined where it is no key. */
export function keyPlaceOf(tree: Located, path: ProblemPath): Place | undefined {
  const holder = valueAt(tree, path.slice(0, -1));
  const key = path.at(-1);
  return holder?.type === 'mapping' && typeof key === 'string' ? holder.entries.get(key)?.key : undefined;
}

/** The values alone. */
export function plainValueOf(node: Located): unknown {
  switch (node.type) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plainValueOf);
    case 'mapping':
      return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValueOf(value)]));
  }
}

function childOf(node: Located, step: string | number): Located | undefined {
  if (node.type === 'mapping') return node.entries.get(String(step))?.value;
  return node.type === 'list' ? node.items[Number(step)] : undefined;
}
