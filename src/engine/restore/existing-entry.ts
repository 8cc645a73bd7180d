/** What is in the target already, and what the overwrite rule makes of it. */
import { lstatSync, type BigIntStats } from 'node:fs';
import { fsPath } from '../../util/path-bytes.ts';
import type { TreeNode } from '../tree/node.ts';
import { nanosecondsOf, secondsOf } from './entry-time.ts';
import { entryFlag } from './entry-table.ts';
import type { OverwriteMode } from './restore-request.ts';

/**
 * The flags of an entry whose folder is there already. Never follows a link. A file that has the right kind gets `exists`, and
 * `sameContent` where the rule trusts its size and time; whether the content of any other is right is found out later.
 */
export function inspectExisting(path: string, node: TreeNode, overwrite: OverwriteMode): number {
  const found = lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return entryFlag.inherits;
  if (node.type === 'dir') return entryFlag.inherits | (found.isDirectory() ? entryFlag.exists : entryFlag.replaces);
  if (overwrite === 'never' || (overwrite === 'if-newer' && mtimeOf(node) <= found.mtimeNs)) return entryFlag.inherits | entryFlag.skipped;
  // Writing into a file with several names would change the others too.
  if (node.type !== 'file' || !found.isFile() || found.nlink > 1n) return entryFlag.inherits | entryFlag.replaces;
  return entryFlag.inherits | entryFlag.exists | (overwrite === 'if-changed' && looksSame(found, node) ? entryFlag.sameContent : 0);
}

function looksSame(found: BigIntStats, node: TreeNode): boolean {
  return found.size === BigInt(node.size) && found.mtimeNs === mtimeOf(node);
}

function mtimeOf(node: TreeNode): bigint {
  return BigInt(secondsOf(node.mtime)) * 1_000_000_000n + BigInt(nanosecondsOf(node.mtime));
}
