/**
 * File modes. A tree holds Go's `os.FileMode`, whose type and special bits lie elsewhere than those of st_mode; only the nine
 * permission bits are the same.
 */
import type { NodeType } from './node.ts';

/** Read, write and execute for owner, group and others: the same in both. */
const permissionMask = 0o777;

/* Go's bits. Written as powers, since `1 << 31` is negative in JavaScript. */
const goDir = 2 ** 31;
const goSymlink = 2 ** 27;
const goDevice = 2 ** 26;
const goNamedPipe = 2 ** 25;
const goSocket = 2 ** 24;
const goSetuid = 2 ** 23;
const goSetgid = 2 ** 22;
const goCharDevice = 2 ** 21;
const goSticky = 2 ** 20;
const goIrregular = 2 ** 19;

/* The bits of st_mode (POSIX). */
const stTypeMask = 0o170000;
const stSetuid = 0o4000;
const stSetgid = 0o2000;
const stSticky = 0o1000;

interface TypeBits {
  readonly type: NodeType;
  readonly st: number;
  readonly go: number;
}

const typeBits: readonly TypeBits[] = [
  { type: 'file', st: 0o100000, go: 0 },
  { type: 'dir', st: 0o040000, go: goDir },
  { type: 'symlink', st: 0o120000, go: goSymlink },
  { type: 'dev', st: 0o060000, go: goDevice },
  { type: 'chardev', st: 0o020000, go: goDevice + goCharDevice },
  { type: 'fifo', st: 0o010000, go: goNamedPipe },
  { type: 'socket', st: 0o140000, go: goSocket },
];

const byStType = new Map(typeBits.map((bits) => [bits.st, bits]));
const stByType = new Map<NodeType, number>(typeBits.map((bits) => [bits.type, bits.st]));

/** What kind of entry st_mode describes; `irregular` for anything a tree has no word for. */
export function nodeTypeOf(mode: number): NodeType {
  return byStType.get(mode & stTypeMask)?.type ?? 'irregular';
}

/** st_mode as a tree writes it. */
export function goMode(mode: number): number {
  let go = (mode & permissionMask) + (byStType.get(mode & stTypeMask)?.go ?? goIrregular);
  if ((mode & stSetuid) !== 0) go += goSetuid;
  if ((mode & stSetgid) !== 0) go += goSetgid;
  if ((mode & stSticky) !== 0) go += goSticky;
  return go;
}

/**
 * A tree's mode as st_mode: permissions, setuid, setgid and sticky, with the type bits of `type` (none for `irregular`). The type
 * is asked for because it decides what an entry is; type bits in `mode` that disagree are ignored.
 */
export function stMode(mode: number, type: NodeType): number {
  let st = (mode & permissionMask) + (stByType.get(type) ?? 0);
  if ((mode & goSetuid) !== 0) st += stSetuid;
  if ((mode & goSetgid) !== 0) st += stSetgid;
  if ((mode & goSticky) !== 0) st += stSticky;
  return st;
}
