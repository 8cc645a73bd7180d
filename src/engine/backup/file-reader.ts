import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import { entryStatsOf, type EntryStats } from '../platform/entry-stats.ts';
import type { BlobOwner, ContentChunker } from './content-chunker.ts';
import { leastChunk } from './shared-state.ts';

/** O_NONBLOCK: a pipe that has taken the file's place must not hang the backup. O_NOFOLLOW: nor a link lead elsewhere. */
const plainFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const quietFlags = plainFlags | (constants.O_NOATIME ?? 0);

export interface ReadResult {
  /** Bytes read. */
  readonly size: number;
  /** False when nothing of the file could be stored. */
  readonly stored: boolean;
  /** What was wrong: with `stored`, the file is in the snapshot, but perhaps not as it ever was. */
  readonly problem?: string;
}

/** Reads a whole file into blobs. `whileOpen` runs once with its descriptor. Never throws for what is the file's fault. */
export function readFileContent(
  path: string,
  stats: EntryStats,
  chunker: ContentChunker,
  content: BlobOwner,
  progress: (bytes: number) => void,
  whileOpen: (fd: number) => void,
): ReadResult {
  let fd = -1;
  try {
    fd = openQuietly(path);
    whileOpen(fd);
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    return { size: 0, stored: false, problem: reasonOf(error) };
  }
  const expected = stats.size;
  let failure: unknown;
  const read = (address: number, most: number): number => {
    try {
      return readSync(fd, chunker.bytes, address, most, -1);
    } catch (error) {
      failure = error;
      return 0;
    }
  };
  try {
    if (expected > 0 && expected <= leastChunk) {
      const size = chunker.addSmall(content, expected, read);
      progress(size);
      return size === expected ? describe(size, expected, failure, false) : describe(size, expected, failure ?? notAFile(fd), true);
    }
    // A size of 0 is no promise: files under /proc have one and hold text all the same.
    const size = chunker.addLarge(content, read, progress);
    return describe(size, expected, failure ?? notAFile(fd), hasChanged(fd, stats));
  } finally {
    closeSync(fd);
  }
}

function describe(size: number, expected: number, failure: unknown, changed: boolean): ReadResult {
  // What was read so far is no file: it is left out, and its blobs are swept up by the next prune.
  if (failure !== undefined) return { size, stored: false, problem: reasonOf(failure) };
  if (changed || size !== expected) return { size, stored: true, problem: 'it changed while it was read' };
  return { size, stored: true };
}

/** A pipe that has taken the file's place reads as nothing: that must not pass for its content. */
function notAFile(fd: number): Error | undefined {
  return fstatSync(fd).isFile() ? undefined : new Error('it was no file any more when it was read');
}

/** Without touching the time of last access where the user may do that. */
function openQuietly(path: string): number {
  const target = fsPath(path);
  try {
    return openSync(target, quietFlags);
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EPERM') return openSync(target, plainFlags);
    throw error;
  }
}

function hasChanged(fd: number, before: EntryStats): boolean {
  const now = entryStatsOf(fstatSync(fd, { bigint: true }));
  return now.size !== before.size || now.mtime.second !== before.mtime.second || now.mtime.nanosecond !== before.mtime.nanosecond;
}
