/** Reads files in the target and compares each blob's place with the snapshot, in a worker. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { hash } from 'node:crypto';
import { reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { EntryPaths } from './entry-paths.ts';
import { entryFlag, noEntry, type EntryTable } from './entry-table.ts';

export class FileChecker {
  readonly #table: EntryTable;
  readonly #index: BlobIndex;
  readonly #paths: EntryPaths;
  #buffer = Buffer.alloc(0);

  constructor(table: EntryTable, index: BlobIndex, paths: EntryPaths) {
    this.#table = table;
    this.#index = index;
    this.#paths = paths;
  }

  /** Marks what of an existing file need not be written again. One that cannot be read is simply written whole. */
  compare(file: number): void {
    let same = 0;
    const count = this.#table.contentCountOf(file);
    try {
      const size = this.#visit(file, (content, matches) => {
        if (!matches) return true;
        this.#table.files[content] = noEntry;
        same += 1;
        return true;
      });
      if (same === count && size === this.#table.sizeOf(file)) this.#table.setFlag(file, entryFlag.sameContent);
    } catch {
      // What was found the same so far is.
    }
  }

  /** Why a restored file is not what it should be, or undefined where it is. */
  verify(file: number): string | undefined {
    let firstWrong = -1;
    try {
      const size = this.#visit(file, (content, matches) => {
        if (!matches) firstWrong = this.#table.offsets[content] ?? 0;
        return matches;
      });
      if (firstWrong >= 0) return `its content differs from byte ${firstWrong} on`;
      return size === this.#table.sizeOf(file) ? undefined : `it has ${size} bytes instead of ${this.#table.sizeOf(file)}`;
    } catch (error) {
      return `it cannot be read again: ${reasonOf(error)}`;
    }
  }

  /** Shows each content until `see` returns false. Returns the file's size. */
  #visit(file: number, see: (content: number, matches: boolean) => boolean): number {
    const fd = openQuietly(this.#paths.of(file));
    try {
      const first = this.#table.firstContentOf(file);
      for (let content = first; content < first + this.#table.contentCountOf(file); content++)
        if (!see(content, this.#matches(fd, content))) break;
      return fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  }

  #matches(fd: number, content: number): boolean {
    const blob = this.#table.blobs[content] ?? 0;
    const length = this.#index.contentLengthOf(blob);
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(Math.max(length, 1 << 20));
    const offset = this.#table.offsets[content] ?? 0;
    for (let at = 0; at < length;) {
      const count = readSync(fd, this.#buffer, at, length - at, offset + at);
      if (count === 0) return false;
      at += count;
    }
    return hash('sha256', this.#buffer.subarray(0, length)) === this.#index.idOf(blob);
  }
}

/** Without a new access time where that is allowed: it was just restored. */
function openQuietly(path: string): number {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return openSync(fsPath(path), flags | constants.O_NOATIME);
  } catch {
    return openSync(fsPath(path), flags);
  }
}
