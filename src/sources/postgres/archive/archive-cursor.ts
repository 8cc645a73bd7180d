/** Reads the fields of pg_dump's custom format from bytes that may still be incomplete. */

/** Integers are a sign byte and this many bytes, the lowest first; strings a length (-1 for none) and bytes. */
export class ArchiveCursor {
  /** Set when a field reached past the end of the bytes: what was read since then means nothing. */
  short = false;
  at = 0;
  readonly #bytes: Buffer;
  intSize: number;

  constructor(bytes: Buffer, intSize: number) {
    this.#bytes = bytes;
    this.intSize = intSize;
  }

  byte(): number {
    return this.#take(1) ? (this.#bytes[this.at - 1] ?? 0) : 0;
  }

  int(): number {
    if (!this.#take(1 + this.intSize)) return 0;
    const value = this.#bytes.readUIntLE(this.at - this.intSize, this.intSize);
    return this.#bytes[this.at - this.intSize - 1] === 0 ? value : -value;
  }

  string(): string | undefined {
    const length = this.int();
    if (this.short || length < 0 || !this.#take(length)) return undefined;
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): boolean {
    if (this.short || this.at + length > this.#bytes.length) {
      this.short = true;
      return false;
    }
    this.at += length;
    return true;
  }
}
