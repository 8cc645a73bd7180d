import type { Repository } from '../repository.ts';
import { compilePatterns } from '../select/pattern.ts';
import type { LoadedSnapshot } from '../snapshots/load-snapshots.ts';
import { parseTime, type TreeNode } from '../tree/node.ts';
import { walkTree } from './walk-tree.ts';

/** What is looked for. An entry must fit everything that is given. */
export interface FindQuery {
  /** Patterns as in `--exclude`: a name, or a path with `*`, `**`. Any of them. */
  readonly patterns?: readonly string[];
  readonly ignoreCase?: boolean;
  /** Modified at or after, at or before: nanoseconds since 1970. */
  readonly oldest?: bigint;
  readonly newest?: bigint;
  /** Files that hold any of these data blobs, folders that are any of these trees: beginnings of ids. */
  readonly blobs?: readonly string[];
  readonly trees?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface FoundNode {
  readonly snapshot: LoadedSnapshot;
  readonly path: string;
  readonly node: TreeNode;
}

/** Entries of these snapshots that fit, in the order of the snapshots. A pattern that fits a folder fits what is in it, as in restic. */
export async function* findNodes(
  repository: Repository,
  snapshots: readonly LoadedSnapshot[],
  query: FindQuery,
): AsyncGenerator<FoundNode, void, undefined> {
  // Each pattern stands for itself: in a find there is no order in which one takes back another.
  const selectors = query.patterns?.map((pattern) => compilePatterns([pattern], { insensitive: query.ignoreCase ?? false }));
  const options = query.signal === undefined ? {} : { signal: query.signal };
  for (const snapshot of snapshots) {
    for await (const entry of walkTree(repository, snapshot.snapshot.tree, options)) {
      const { path, node } = entry;
      const inclusions = selectors?.map((selector) => selector.included(path));
      if (inclusions !== undefined && !inclusions.some(({ matched, childMayMatch }) => matched || childMayMatch)) entry.skip();
      if ((inclusions?.some(({ matched }) => matched) ?? true) && fitsTimes(node, query) && fitsIds(node, query))
        yield { snapshot, path, node };
    }
  }
}

function fitsTimes(node: TreeNode, { oldest, newest }: FindQuery): boolean {
  if (oldest === undefined && newest === undefined) return true;
  const modified = parseTime(node.mtime);
  return (oldest === undefined || modified >= oldest) && (newest === undefined || modified <= newest);
}

function fitsIds(node: TreeNode, { blobs, trees }: FindQuery): boolean {
  if (blobs === undefined && trees === undefined) return true;
  if (blobs !== undefined && (node.content?.some((id) => blobs.some((prefix) => id.startsWith(prefix))) ?? false)) return true;
  return trees?.some((prefix) => node.subtree?.startsWith(prefix)) ?? false;
}
