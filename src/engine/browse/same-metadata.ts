import { parseTime, type TreeNode } from '../tree/node.ts';

/** Whether two entries of one name are equal but for what they hold. Access time is left out: reading a file changes it. */
export function sameMetadata(a: TreeNode, b: TreeNode): boolean {
  const times = sameTime(a.mtime, b.mtime) && sameTime(a.ctime, b.ctime);
  const owner = a.uid === b.uid && a.gid === b.gid && a.user === b.user && a.group === b.group;
  const kind = a.type === b.type && a.mode === b.mode && a.linktarget === b.linktarget && a.device === b.device;
  const place = a.inode === b.inode && a.links === b.links && a.size === b.size;
  return times && owner && kind && place && sameAttributes(a, b);
}

function sameTime(a: string, b: string): boolean {
  return a === b || parseTime(a) === parseTime(b);
}

function sameAttributes(a: TreeNode, b: TreeNode): boolean {
  const [left, right] = [a.extendedAttributes ?? [], b.extendedAttributes ?? []];
  if (left.length !== right.length) return false;
  const values = new Map(right.map(({ name, value }) => [name, value]));
  if (!left.every(({ name, value }) => Buffer.compare(value, values.get(name) ?? Buffer.alloc(0)) === 0 && values.has(name))) return false;
  return JSON.stringify(a.genericAttributes ?? {}) === JSON.stringify(b.genericAttributes ?? {});
}
