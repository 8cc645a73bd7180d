import { stMode } from '../../engine/tree/mode.ts';
import type { TreeNode } from '../../engine/tree/node.ts';
import { formatMoment } from './quantities.ts';
import { printable } from './table.ts';

const typeLetters: Readonly<Record<TreeNode['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  dev: 'b',
  chardev: 'c',
  fifo: 'p',
  socket: 's',
  irregular: '?',
};

/** restic's `node` record of `ls`. */
export function recordOfEntry(path: string, node: TreeNode): object {
  return {
    message_type: 'node',
    struct_type: 'node',
    name: node.name.toWellFormed(),
    type: node.type,
    path: path.toWellFormed(),
    uid: node.uid,
    gid: node.gid,
    ...(node.type === 'file' ? { size: node.size } : {}),
    mode: node.mode,
    permissions: formatMode(node),
    mtime: node.mtime,
    atime: node.atime,
    ctime: node.ctime,
    inode: Number(node.inode),
    ...(node.linktarget === undefined ? {} : { linktarget: node.linktarget.toWellFormed() }),
  };
}

export function lineOfEntry(path: string): string {
  return printable(path);
}

/** `-rw-r--r--  1000 1000     12345  2026-11-20 14:30:05  /etc/hosts`, as `ls -l`. */
export function longLineOfEntry(path: string, node: TreeNode): string {
  const target = node.linktarget === undefined ? '' : ` -> ${printable(node.linktarget)}`;
  const owner = `${String(node.uid).padStart(5)} ${String(node.gid).padStart(5)}`;
  return `${formatMode(node)} ${owner} ${String(node.size).padStart(12)} ${formatMoment(new Date(node.mtime))} ${printable(path)}${target}`;
}

/** `drwxr-xr-x`. */
function formatMode(node: TreeNode): string {
  const mode = stMode(node.mode, node.type);
  const three = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const executable = (bits & 1) !== 0;
    const last = (mode & special) === 0 ? (executable ? 'x' : '-') : executable ? letter : letter.toUpperCase();
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  return `${typeLetters[node.type]}${three(6, 0o4000, 's')}${three(3, 0o2000, 's')}${three(0, 0o1000, 't')}`;
}
