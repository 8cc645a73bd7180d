/** Takes a file apart into pages while its bytes stream by: pulled a page at a time, in order. */
import { HoldfastError } from '../../../errors.ts';
import { type IncrementalFile, type IncrementalHeader } from './incremental-file.ts';
import { IncrementalHeaderReader } from './incremental-header-reader.ts';

export interface PagedFile extends IncrementalFile {
  readonly content: AsyncIterable<Uint8Array>;
}

export class PageStream {
  readonly #file: PagedFile;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(file: PagedFile) {
    this.#file = file;
    this.#chunks = file.content[Symbol.asyncIterator]();
  }

  /** For an incremental file, before its first page. Throws `damaged`. */
  async readHeader(): Promise<IncrementalHeader> {
    const reader = new IncrementalHeaderReader(this.#file);
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return reader.finish().header;
      this.#chunk = reader.push(next.value);
      if (reader.header !== undefined) return reader.header;
    }
  }

  /** The next page into a place of a buffer; without one it is skipped. Throws `damaged` where there is none. */
  async read(target?: Buffer, at = 0): Promise<void> {
    const { pageSize, name } = this.#file;
    for (let got = 0; got < pageSize;) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new HoldfastError('damaged', { object: name, reason: 'it ends too early' });
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, pageSize - got);
      target?.set(part, at + got);
      got += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
  }

  /** Whatever has not been read is not wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
