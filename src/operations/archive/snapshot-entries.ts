/** A folder of a snapshot as the entries of a tar archive: names, owners, modes, times, links and attributes as they were. */
import { findNode } from '../../engine/browse/list-nodes.ts';
import { readNode } from '../../engine/browse/read-node.ts';
import { walkTree } from '../../engine/browse/walk-tree.ts';
import type { Repository } from '../../engine/repository.ts';
import { parseTime, stMode, type NodeType, type TreeNode } from '../../engine/tree/node.ts';
import type { LoadedSnapshot } from '../../engine/snapshots/load-snapshots.ts';
import type { EventSink } from '../../events.ts';
import type { TarEntryType } from './tar-header.ts';
import type { TarEntry } from './tar-stream.ts';

export interface SnapshotPart {
  readonly repository: Repository;
  readonly snapshot: LoadedSnapshot;
  /** Absolute paths within the snapshot. */
  readonly roots: readonly string[];
  /** Absolute; names are relative to it. Each root lies below it, or is it. */
  readonly base: string;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

const tarTypes: Partial<Record<NodeType, TarEntryType>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'symlink',
  dev: 'dev',
  chardev: 'chardev',
  fifo: 'fifo',
};

/** Each folder before what is in it. Sockets have no place in an archive, and are left out as tar itself does. */
export async function* listTarEntries(part: SnapshotPart): AsyncGenerator<TarEntry, void, undefined> {
  const links = new Map<string, string>();
  for (const root of part.roots) {
    for await (const { path, node } of below(part, root)) {
      const entry = entryOf(part, nameBelow(part.base, path), node, links);
      if (entry !== undefined) yield entry;
    }
  }
}

interface FoundNode {
  readonly path: string;
  readonly node: TreeNode;
}

async function* below({ repository, snapshot, signal }: SnapshotPart, root: string): AsyncGenerator<FoundNode, void, undefined> {
  const found = await findNode(repository, snapshot, root);
  if ('node' in found) yield found;
  const tree = 'tree' in found ? found.tree : found.node.type === 'dir' ? found.node.subtree : undefined;
  if (tree !== undefined) yield* walkTree(repository, tree, { path: found.path, signal });
}

/** `.` for the base itself. */
function nameBelow(base: string, path: string): string {
  if (path === base) return '.';
  return path.slice(base === '/' ? 1 : base.length + 1);
}

function entryOf(
  { repository, events, signal }: SnapshotPart,
  name: string,
  node: TreeNode,
  links: Map<string, string>,
): TarEntry | undefined {
  const type = tarTypes[node.type];
  if (type === undefined) {
    events({ type: 'notice', message: `${name} is left out of the archive: it is a ${node.type}.` });
    return undefined;
  }
  const { uid, gid, user, group, linktarget, device, extendedAttributes } = node;
  const about = {
    name,
    mode: stMode(node.mode, node.type) & 0o7777,
    mtime: parseTime(node.mtime),
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
  };
  const first = type === 'file' ? firstName(node, name, links) : undefined;
  if (first !== undefined) return { ...about, type: 'hardlink', size: 0, linkName: first };
  return {
    ...about,
    type,
    size: type === 'file' ? node.size : 0,
    ...(type === 'symlink' ? { linkName: linktarget ?? '' } : {}),
    ...(device === undefined ? {} : { device: splitDevice(BigInt(device)) }),
    ...(extendedAttributes === undefined ? {} : { attributes: extendedAttributes }),
    ...(type === 'file' ? { open: () => readNode(repository, node, { signal }) } : {}),
  };
}

/** The name that a file of several names was given already. */
function firstName({ inode, deviceId, links: count }: TreeNode, name: string, links: Map<string, string>): string | undefined {
  if (BigInt(count) < 2n || BigInt(inode) === 0n) return undefined;
  const key = `${deviceId}:${inode}`;
  const first = links.get(key);
  if (first === undefined) links.set(key, name);
  return first;
}

/** As Linux packs both numbers into one. */
function splitDevice(device: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)) & 0o7777777,
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn)) & 0o7777777,
  };
}
