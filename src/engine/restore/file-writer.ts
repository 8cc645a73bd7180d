/** Puts contents into files, in a worker: small files in one go, larger ones through a few descriptors kept open. */
import { chmodSync, closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import type { EntryMetadata, ProblemSink } from './entry-metadata.ts';
import type { EntryPaths } from './entry-paths.ts';
import { entryFlag, type EntryTable } from './entry-table.ts';

const mostOpenFiles = 32;
/** Holes are looked for in files of at least this size, in steps of what file systems allocate. */
const leastSparseBytes = 65_536;
const page = 4096;
const zeros = Buffer.alloc(65_536);
/** What no other file would fare better with. */
const hopeless = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE']);

/** Thrown when no file can be written any more. */
export class WriterStuckError extends Error {
  override readonly name = 'WriterStuckError';
  readonly entry: number;
  readonly code: string;

  constructor(entry: number, code: string, reason: string) {
    super(reason);
    this.entry = entry;
    this.code = code;
  }
}

export interface FileWriterParts {
  readonly table: EntryTable;
  readonly paths: EntryPaths;
  readonly metadata: EntryMetadata;
  readonly tell: ProblemSink;
  readonly finished: () => void;
  readonly sparse: boolean;
}

export class FileWriter {
  readonly #parts: FileWriterParts;
  readonly #open = new Map<number, number>();

  constructor(parts: FileWriterParts) {
    this.#parts = parts;
  }

  /** Writes one content of a file at its place; the last one finishes the file. A failure is told, and the file then left. */
  write(entry: number, content: Uint8Array, offset: number): void {
    const { table } = this.#parts;
    if (table.hasFlag(entry, entryFlag.failed | entryFlag.damaged)) return;
    this.#attempt(entry, () => {
      if (table.contentCountOf(entry) === 1 && !table.hasFlag(entry, entryFlag.exists)) return this.#writeWhole(entry, content);
      const fd = this.#descriptorOf(entry);
      const mayHaveHoles = this.#parts.sparse && !table.hasFlag(entry, entryFlag.exists);
      if (mayHaveHoles && content.length >= leastSparseBytes) writeAroundHoles(fd, content, offset);
      else writeAll(fd, content, 0, content.length, offset);
      if (table.countDown(entry) === 0) this.#finish(entry, fd);
    });
  }

  /** A file that needs no content: an empty one, or one that is right already. */
  writeQuiet(entry: number): void {
    const { table, metadata } = this.#parts;
    this.#attempt(entry, () => {
      const sameContent = table.hasFlag(entry, entryFlag.sameContent);
      const exists = table.hasFlag(entry, entryFlag.exists);
      const fd = exists ? this.#openExisting(entry, sameContent ? constants.O_RDONLY : constants.O_WRONLY) : this.#create(entry);
      try {
        if (exists && !sameContent) ftruncateSync(fd, table.sizeOf(entry));
        metadata.apply(entry, fd, !exists);
      } finally {
        closeSync(fd);
      }
      this.#markDone(entry);
    });
  }

  closeAll(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #writeWhole(entry: number, content: Uint8Array): void {
    const { metadata, sparse } = this.#parts;
    const fd = this.#create(entry);
    try {
      if (sparse && content.length >= leastSparseBytes) {
        writeAroundHoles(fd, content, 0);
        ftruncateSync(fd, content.length);
      } else writeAll(fd, content, 0, content.length, 0);
      metadata.apply(entry, fd, true);
    } finally {
      closeSync(fd);
    }
    this.#markDone(entry);
  }

  #finish(entry: number, fd: number): void {
    const { table, metadata } = this.#parts;
    ftruncateSync(fd, table.sizeOf(entry));
    metadata.apply(entry, fd, !table.hasFlag(entry, entryFlag.exists));
    closeSync(fd);
    this.#open.delete(entry);
    this.#markDone(entry);
  }

  #descriptorOf(entry: number): number {
    const known = this.#open.get(entry);
    if (known !== undefined) {
      // Most lately used last.
      this.#open.delete(entry);
      this.#open.set(entry, known);
      return known;
    }
    const { table } = this.#parts;
    // Only the first of all threads may create it; another waits for nothing, since creating without O_EXCL finds the same file.
    const fd = table.hasFlag(entry, entryFlag.exists)
      ? this.#openExisting(entry, constants.O_WRONLY)
      : table.hasFlag(entry, entryFlag.touched)
        ? this.#openFile(entry, constants.O_WRONLY | constants.O_CREAT, this.#parts.metadata.creationMode(entry))
        : this.#createShared(entry);
    this.#open.set(entry, fd);
    for (const [oldest, oldFd] of this.#open) {
      if (this.#open.size <= mostOpenFiles) break;
      closeSync(oldFd);
      this.#open.delete(oldest);
    }
    return fd;
  }

  #create(entry: number): number {
    const fd = this.#openFile(entry, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, this.#parts.metadata.creationMode(entry));
    // Only what this run has made may later be taken for a part of it.
    this.#parts.table.setFlag(entry, entryFlag.touched);
    return fd;
  }

  #createShared(entry: number): number {
    try {
      return this.#create(entry);
    } catch (error) {
      // Another thread was faster by a moment: then the flag is about to be set.
      if (codeOf(error) !== 'EEXIST') throw error;
      for (let wait = 0; wait < 1000 && !this.#parts.table.hasFlag(entry, entryFlag.touched); wait++) Atomics.wait(pause, 0, 0, 1);
      if (!this.#parts.table.hasFlag(entry, entryFlag.touched)) throw error;
      return this.#openFile(entry, constants.O_WRONLY, 0);
    }
  }

  #openExisting(entry: number, access: number): number {
    let fd: number;
    try {
      fd = this.#openFile(entry, access, 0);
    } catch (error) {
      if (codeOf(error) !== 'EACCES') throw error;
      chmodSync(fsPath(this.#parts.paths.of(entry)), 0o600);
      fd = this.#openFile(entry, access, 0);
    }
    if (access !== constants.O_RDONLY) this.#parts.table.setFlag(entry, entryFlag.touched);
    return fd;
  }

  /** Never through a link, and without waiting should a pipe have taken the place. */
  #openFile(entry: number, flags: number, mode: number): number {
    return openSync(fsPath(this.#parts.paths.of(entry)), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode);
  }

  #markDone(entry: number): void {
    this.#parts.table.setFlag(entry, entryFlag.done);
    this.#parts.finished();
  }

  #attempt(entry: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      const code = codeOf(error);
      if (hopeless.has(code)) throw new WriterStuckError(entry, code, reasonOf(error));
      const before = this.#parts.table.setFlag(entry, entryFlag.failed);
      if ((before & entryFlag.failed) === 0) this.#parts.tell(entry, `it could not be written: ${reasonOf(error)}`);
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function writeAll(fd: number, bytes: Uint8Array, from: number, to: number, position: number): void {
  for (let at = from; at < to;) at += writeSync(fd, bytes, at, to - at, position + at - from);
}

/** Writes what is not zero. Pages are counted from the beginning of the file. */
function writeAroundHoles(fd: number, content: Uint8Array, offset: number): void {
  let written = 0;
  let at = 0;
  while (at < content.length) {
    const end = Math.min(content.length, at + page - ((offset + at) % page));
    if (!isZero(content, at, end)) {
      at = end;
      continue;
    }
    if (at > written) writeAll(fd, content, written, at, offset + written);
    at = end;
    written = end;
  }
  if (written < content.length) writeAll(fd, content, written, content.length, offset + written);
}

function isZero(content: Uint8Array, from: number, to: number): boolean {
  if (content[from] !== 0 || content[to - 1] !== 0 || content[(from + to) >> 1] !== 0) return false;
  return zeros.compare(content, from, to, 0, to - from) === 0;
}
