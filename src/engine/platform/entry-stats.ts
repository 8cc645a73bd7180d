import type { BigIntStats } from 'node:fs';
import { toUint64, type Uint64 } from '../tree/node.ts';

/** What a backup asks of every entry. Times are whole seconds and nanoseconds, because a bigint each would be felt at 100 000 entries. */
export interface EntryStats {
  /** st_mode with its type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: Uint64;
  readonly inode: Uint64;
  /** st_dev, and st_rdev of a device. */
  readonly device: Uint64;
  readonly specialDevice: Uint64;
  readonly size: number;
  readonly atime: FileTime;
  readonly mtime: FileTime;
  readonly ctime: FileTime;
}

export interface FileTime {
  /** Since 1970, negative before. */
  readonly second: number;
  /** 0 to 999999999. */
  readonly nanosecond: number;
}

/** The same from Node's own stat. */
export function entryStatsOf(stats: BigIntStats): EntryStats {
  return {
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    links: toUint64(stats.nlink),
    inode: toUint64(stats.ino),
    device: toUint64(stats.dev),
    specialDevice: toUint64(stats.rdev),
    size: Number(stats.size),
    atime: splitTime(stats.atimeNs),
    mtime: splitTime(stats.mtimeNs),
    ctime: splitTime(stats.ctimeNs),
  };
}

/** Size of the kernel's struct statx. */
export const statxSize = 256;

/** Reads a struct statx (linux/stat.h; the layout is the same on every 64-bit Linux). */
export function readStatx(view: DataView): EntryStats {
  return {
    mode: view.getUint16(28, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    links: view.getUint32(16, true),
    inode: readUint64(view, 32),
    device: joinDevice(view.getUint32(136, true), view.getUint32(140, true)),
    specialDevice: joinDevice(view.getUint32(128, true), view.getUint32(132, true)),
    size: Number(readUint64(view, 40)),
    atime: readTime(view, 64),
    mtime: readTime(view, 112),
    ctime: readTime(view, 96),
  };
}

function readTime(view: DataView, at: number): FileTime {
  return { second: view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true), nanosecond: view.getUint32(at + 8, true) };
}

function readUint64(view: DataView, at: number): Uint64 {
  const high = view.getUint32(at + 4, true);
  return high < 0x20_0000 ? high * 2 ** 32 + view.getUint32(at, true) : view.getBigUint64(at, true);
}

/** glibc's makedev. */
function joinDevice(major: number, minor: number): Uint64 {
  if (major < 0x1000 && minor < 0x10_0000) return (minor & 0xff) + major * 2 ** 8 + (minor >> 8) * 2 ** 20;
  const [wideMajor, wideMinor] = [BigInt(major), BigInt(minor)];
  return toUint64((wideMinor & 0xffn) | ((wideMajor & 0xfffn) << 8n) | ((wideMinor & ~0xffn) << 12n) | ((wideMajor & ~0xfffn) << 32n));
}

function splitTime(ns: bigint): FileTime {
  const second = ns >= 0n ? ns / 1_000_000_000n : -((999_999_999n - ns) / 1_000_000_000n);
  return { second: Number(second), nanosecond: Number(ns - second * 1_000_000_000n) };
}
