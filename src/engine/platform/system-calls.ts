/** What the two ways to call the system offer. */

import type { EntryStats } from './entry-stats.ts';

/** One extended attribute. A name that is not UTF-8 has lone surrogates, as paths have. */
export interface Xattr {
  readonly name: string;
  readonly value: Buffer;
}

/**
 * A path never follows a link in its last part. A number is an open file descriptor, which is the faster of the two.
 * What fails throws an Error with a `code` (`EPERM`, `ENOTSUP`, …) as Node's own do.
 */
export interface PlatformCalls {
  /** One sentence for each thing that will be missing or less exact here; empty where all is there. To be shown once a run. */
  readonly limits: readonly string[];
  /** False where attributes cannot be read here, and every file seems to have none. */
  readonly readsXattrs: boolean;
  /** True where each call on attributes starts a program: then ask `readXattrsOfMany` for hundreds of paths at once. */
  readonly slowXattrs: boolean;
  /** What there is at a path, links not followed. Throws as Node's lstat. */
  statEntry(path: string): EntryStats;
  /** Every attribute of one file, in the order of their names; none where the file system has no attributes. */
  readXattrs(file: string | number): Xattr[];
  /** The same for many paths, one list for each in their order. A path that cannot be read has `undefined`. */
  readXattrsOfMany(paths: readonly string[]): (Xattr[] | undefined)[];
  /** Sets one attribute, replacing it where it is there. */
  setXattr(file: string | number, name: string, value: Uint8Array): void;
  removeXattr(file: string | number, name: string): void;
  /** Access and modification time in nanoseconds since 1970. */
  setTimes(file: string | number, atimeNs: bigint, mtimeNs: bigint): void;
  /** A device, FIFO or socket at `path`, which must be free. `mode` is st_mode with its type bits; the umask applies. */
  makeNode(path: string, mode: number, device: bigint): void;
  /** Gives memory that was freed back to the system, where that is possible: after much reading and before long work. Takes milliseconds. */
  returnFreedMemory(): void;
}

/** An error as Node's own system calls throw it. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly syscall: string;

  constructor(code: string, syscall: string, reason: string) {
    super(`${code}: ${reason}, ${syscall}`);
    this.code = code;
    this.syscall = syscall;
  }
}
