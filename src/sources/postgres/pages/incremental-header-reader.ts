/** Takes the header out of an incremental file while its bytes stream by. */
import {
  decodeIncrementalCount,
  decodeIncrementalHeader,
  type IncrementalFile,
  type IncrementalHeader,
  incrementalHeaderSize,
  incrementalPrefix,
  restoredLength,
} from './incremental-file.ts';

export class IncrementalHeaderReader {
  readonly #file: IncrementalFile;
  #bytes: Buffer = Buffer.alloc(0);
  #wanted = incrementalPrefix;
  #isCounted = false;
  #header: IncrementalHeader | undefined;

  constructor(file: IncrementalFile) {
    this.#file = file;
  }

  /** Known as soon as all of it has been pushed. */
  get header(): IncrementalHeader | undefined {
    return this.#header;
  }

  /** Returns what of the chunk lies behind the header and its padding. Throws `damaged`. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#header !== undefined) return chunk;
    let rest = chunk;
    while (this.#header === undefined) {
      const taken = rest.subarray(0, this.#wanted - this.#bytes.length);
      this.#bytes = Buffer.concat([this.#bytes, taken]);
      rest = rest.subarray(taken.length);
      if (this.#bytes.length < this.#wanted) return rest;
      if (this.#isCounted) this.#header = decodeIncrementalHeader(this.#file, this.#bytes);
      else {
        this.#wanted = incrementalHeaderSize(decodeIncrementalCount(this.#file, this.#bytes), this.#file.pageSize);
        this.#isCounted = true;
      }
    }
    this.#bytes = Buffer.alloc(0);
    return rest;
  }

  /** After the last byte: the header, and how many pages long the restored file is. Throws `damaged` where it did not come to its end. */
  finish(): { readonly header: IncrementalHeader; readonly length: number } {
    const header = this.#header ?? decodeIncrementalHeader(this.#file, this.#bytes);
    return { header, length: restoredLength(header) };
  }
}
