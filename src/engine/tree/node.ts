/**
 * One entry of a tree: what a snapshot knows about a file, folder, link or device. The field names on the wire are restic's
 * (`device_id`, `extended_attributes`, …); `encode-tree.ts` and `decode-tree.ts` translate.
 */
export { goMode, nodeTypeOf, stMode } from './mode.ts';
export { formatTime, formatTimeParts, parseTime } from './time.ts';

export const nodeTypes = ['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket', 'irregular'] as const;

/** `dev` is a block device, `chardev` a character device. */
export type NodeType = (typeof nodeTypes)[number];

/**
 * A whole number from 0 to 2^64 - 1, as inodes and device numbers are: a `number` up to `Number.MAX_SAFE_INTEGER`, and a `bigint`
 * only above it. Two equal values therefore always have the same type, so `===` compares them.
 */
export type Uint64 = number | bigint;

export interface TreeNode {
  /** One path component. Bytes that are not UTF-8 are lone surrogates (util/path-bytes.ts). Never empty, `.`, `..`, nor with `/` or NUL. */
  readonly name: string;
  readonly type: NodeType;
  /** Go's `os.FileMode` bits, which are not those of st_mode: see `goMode` and `stMode`. */
  readonly mode: number;
  /** Times are RFC 3339 with up to nanoseconds, kept as they were written; `formatTime` makes and `parseTime` reads them. */
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** 0 where it is unknown; so are `deviceId` and `links`. */
  readonly inode: Uint64;
  readonly deviceId: Uint64;
  /** Bytes; 0 for anything but a file. */
  readonly size: number;
  readonly links: Uint64;
  /** Where a symbolic link points to, with lone surrogates as in `name`. */
  readonly linktarget?: string;
  readonly extendedAttributes?: readonly ExtendedAttribute[];
  /** Attributes of other systems (restic: Windows): name to its value as compact JSON text, unread and kept for the way back. */
  readonly genericAttributes?: Readonly<Record<string, string>>;
  /** st_rdev of a device. */
  readonly device?: Uint64;
  /** Data blobs of a file in order, 64 lower-case hex digits each. Absent or null is written as `null`, an empty list as `[]`. */
  readonly content?: readonly string[] | null;
  /** Tree blob of a folder. */
  readonly subtree?: string;
  /** What went wrong when this entry was read, as restic once recorded it. */
  readonly error?: string;
}

export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A bigint as the type of a tree's numbers: a `number` wherever that is exact. */
export function toUint64(value: bigint): Uint64 {
  return value <= 9_007_199_254_740_991n ? Number(value) : value;
}
