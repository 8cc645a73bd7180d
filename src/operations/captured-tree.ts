/** A snapshot of streams, as the source that restores it sees it. */
import { findNode, listNodes } from '../engine/browse/list-nodes.ts';
import { readNode } from '../engine/browse/read-node.ts';
import type { Repository } from '../engine/repository.ts';
import type { LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import { HoldfastError } from '../errors.ts';
import type { CapturedTree } from '../sources/source.ts';

/** The files of a snapshot. */
export function openCapturedTree(repository: Repository, snapshot: LoadedSnapshot, signal: AbortSignal): CapturedTree {
  return {
    list: async function* list(path = '/') {
      for await (const entry of listNodes(repository, snapshot, path, { signal })) {
        if (entry.node.type === 'file') yield { path: entry.path, size: entry.node.size };
      }
    },
    read: async function* read(path) {
      const found = await findNode(repository, snapshot, path);
      if (!('node' in found) || found.node.type !== 'file')
        throw new HoldfastError('path-missing', { path, point: snapshot.id.slice(0, 8) });
      yield* readNode(repository, found.node, { signal });
    },
  };
}
