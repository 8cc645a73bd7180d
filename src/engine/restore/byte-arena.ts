/** Bytes one after the other in growable shared memory, found again by their offset. Offset 0 is never given out. */
export class ByteArena {
  readonly #memory: SharedArrayBuffer;
  #bytes: Buffer;
  #used = 4;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#bytes = Buffer.from(memory);
  }

  /** Keeps a copy of the bytes and returns its offset. Throws a RangeError where the memory is at its limit. */
  add(bytes: Uint8Array): number {
    const at = this.#used;
    this.#reserve(at + bytes.length);
    this.#bytes.set(bytes, at);
    this.#used = at + bytes.length;
    return at;
  }

  /** The same for the UTF-8 of a well-formed string, without a buffer in between. Its length is what `used` has grown by. */
  addText(text: string): number {
    const at = this.#used;
    this.#reserve(at + text.length * 3);
    this.#used = at + this.#bytes.write(text, at, 'utf8');
    return at;
  }

  /** Where the next addition will lie. */
  get used(): number {
    return this.#used;
  }

  /** The same with their length before them. */
  addSized(bytes: Uint8Array): number {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    const at = this.add(length);
    this.add(bytes);
    return at;
  }

  /** A copy. */
  bytes(at: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }

  sized(at: number): Buffer {
    return this.bytes(at + 4, this.#bytes.readUInt32LE(at));
  }

  text(at: number, length: number): string {
    return this.#bytes.toString('utf8', at, at + length);
  }

  #reserve(needed: number): void {
    const memory = this.#memory;
    if (memory.byteLength >= needed) return;
    memory.grow(Math.min(memory.maxByteLength, Math.max(needed, Math.ceil((memory.byteLength * 1.5) / 65536) * 65536)));
    // A view does not grow with its memory.
    this.#bytes = Buffer.from(memory);
  }
}
