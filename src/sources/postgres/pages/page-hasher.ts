/** Hashes the pages of one file while its bytes stream by. */
import { hash } from 'node:crypto';

/** Bytes of a page's hash: of 2^64 values, so that a changed page that looks unchanged is not to be expected in any database's life. */
export const hashLength = 8;

const firstCapacity = 128;

/** Called for each page, with the file's hashes so far; the page's bytes are only good during the call. */
export type PageVisitor = (page: Uint8Array, index: number, hashes: Buffer) => void;

export class PageHasher {
  readonly #pageSize: number;
  readonly #visit: PageVisitor | undefined;
  readonly #carry: Buffer;
  #carried = 0;
  #hashes: Buffer;
  #pages = 0;

  /** The expected size in bytes is only a hint. */
  constructor(pageSize: number, expectedSize: number, visit?: PageVisitor) {
    this.#pageSize = pageSize;
    this.#visit = visit;
    this.#carry = Buffer.allocUnsafe(pageSize);
    const expected = Math.min(Math.ceil(expectedSize / pageSize), 1 << 17);
    this.#hashes = Buffer.allocUnsafeSlow(Math.max(firstCapacity, expected) * hashLength);
  }

  /** Whole pages seen. */
  get pages(): number {
    return this.#pages;
  }

  /** What came after the last whole page. */
  get rest(): Uint8Array {
    return this.#carry.subarray(0, this.#carried);
  }

  /** Of all whole pages so far, in order. */
  get hashes(): Buffer {
    return this.#hashes.subarray(0, this.#pages * hashLength);
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    if (this.#carried > 0) {
      at = Math.min(this.#pageSize - this.#carried, chunk.length);
      this.#carry.set(chunk.subarray(0, at), this.#carried);
      this.#carried += at;
      if (this.#carried < this.#pageSize) return;
      this.#carried = 0;
      this.#take(this.#carry);
    }
    for (; chunk.length - at >= this.#pageSize; at += this.#pageSize) this.#take(chunk.subarray(at, at + this.#pageSize));
    this.#carry.set(chunk.subarray(at), 0);
    this.#carried = chunk.length - at;
  }

  #take(page: Uint8Array): void {
    const at = this.#pages * hashLength;
    if (at === this.#hashes.length) {
      const larger = Buffer.allocUnsafeSlow(this.#hashes.length * 2);
      this.#hashes.copy(larger);
      this.#hashes = larger;
    }
    // As a string of single bytes a digest comes out of Node faster than as a Buffer.
    this.#hashes.write(hash('sha256', page, 'binary'), at, hashLength, 'binary');
    this.#visit?.(page, this.#pages, this.#hashes);
    this.#pages += 1;
  }
}
