/** A snapshot of streams, as the source that restores it sees it. */
import { findNode, listNodes } from '../engine/browse/list-nodes.ts';
import { readNode } from '../engine/browse/read-node.ts';
import type { Repository } from '../engine/repository.ts';
import type { LoadedSnapshot } from '../engine/snapshots/load-snapshots.ts';
import { parseTime, stMode, type NodeType } from '../engine/tree/node.ts';
import { HoldfastError } from '../errors.ts';
import type { CapturedEntry, CapturedTree } from '../sources/source.ts';

const entryTypes: Partial<Record<NodeType, CapturedEntry['type']>> = { file: 'file', dir: 'folder', symlink: 'link' };

/** The files, folders and links of a snapshot. */
export function openCapturedTree(repository: Repository, snapshot: LoadedSnapshot, signal: AbortSignal): CapturedTree {
  return {
    list: async function* list(path = '/') {
      for await (const entry of listNodes(repository, snapshot, path, { signal })) {
        if (entry.node.type === 'file') yield { path: entry.path, size: entry.node.size };
      }
    },
    entries: async function* entries(path = '/') {
      for await (const { path: at, node } of listNodes(repository, snapshot, path, { signal })) {
        const type = entryTypes[node.type];
        if (type === undefined) continue;
        const { uid, gid, user, group } = node;
        yield {
          path: at,
          type,
          mode: stMode(node.mode, node.type) & 0o7777,
          size: node.size,
          modified: new Date(Number(parseTime(node.mtime) / 1_000_000n)),
          owner: { uid, gid, ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) },
          ...(type === 'link' ? { linkTarget: node.linktarget ?? '' } : {}),
        };
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
