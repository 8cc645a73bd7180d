/** Looks at restored files on the disk and compares what they are with what the snapshot says. Their content is compared by the restore itself. */
import type { BigIntStats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { listNodes } from '../../engine/browse/list-nodes.ts';
import type { Repository } from '../../engine/repository.ts';
import { parseTime, stMode, type TreeNode } from '../../engine/tree/node.ts';
import { decodePath, fsPath } from '../../util/path-bytes.ts';
import type { PointComponent } from '../points.ts';

export interface ComparedTree {
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** A line each: `/srv/a.txt has 9 bytes, and was 10`. */
  readonly mismatches: readonly string[];
}

/** @param from a folder of the snapshot, whose content lies in `to` */
export async function compareTree(
  repository: Repository,
  snapshot: PointComponent,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal,
): Promise<ComparedTree> {
  const counts = { files: 0, folders: 0, links: 0 };
  const mismatches: string[] = [];
  const above = from === '/' ? 0 : from.length;
  for await (const { path, node } of listNodes(repository, snapshot, from, { signal })) {
    const kind = kinds[node.type];
    if (kind === undefined) continue;
    counts[kind] += 1;
    mismatches.push(...(await compareNode(`${to}${path.slice(above)}`, path, node)));
  }
  return { ...counts, mismatches };
}

/** Devices, pipes and sockets are left to the restore, which tells what it could not make. */
const kinds: Partial<Record<TreeNode['type'], 'files' | 'folders' | 'links'>> = { file: 'files', dir: 'folders', symlink: 'links' };

async function compareNode(place: string, path: string, node: TreeNode): Promise<string[]> {
  const found = await lstat(fsPath(place), { bigint: true }).catch(() => undefined);
  if (found === undefined) return [`${path} is missing`];
  if (!isOfType(found, node.type)) return [`${path} is of another kind than ${node.type}`];
  if (node.type === 'symlink') {
    const target = decodePath(await readlink(fsPath(place), { encoding: 'buffer' }));
    return target === (node.linktarget ?? '') ? [] : [`${path} points to ${target}, and pointed to ${node.linktarget ?? ''}`];
  }
  // Only root may give files away, and with the owner go the bits that depend on it.
  const mask = process.geteuid?.() === 0 ? 0o7777n : 0o777n;
  const [mode, wanted] = [found.mode & mask, BigInt(stMode(node.mode, node.type)) & mask];
  const modified = parseTime(node.mtime);
  return [
    ...(node.type === 'file' && found.size !== BigInt(node.size) ? [`${path} has ${found.size} bytes, and had ${node.size}`] : []),
    ...(mode === wanted ? [] : [`${path} has the mode ${mode.toString(8)}, and had ${wanted.toString(8)}`]),
    ...(found.mtimeNs === modified ? [] : [`${path} says another time of its last change than was saved`]),
  ];
}

function isOfType(found: BigIntStats, type: TreeNode['type']): boolean {
  if (type === 'dir') return found.isDirectory();
  return type === 'symlink' ? found.isSymbolicLink() : found.isFile();
}
