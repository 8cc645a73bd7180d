/** How many keys a Redis snapshot says its first database has, and how many of them for a time: it stands before them, so that a server can make room. */

const largestPrefix = 64 * 1024;
const marks = { auxiliary: 0xfa, resize: 0xfb, database: 0xfe } as const;

export interface KeyCount {
  readonly keys: number;
  readonly expiring: number;
}

/** Undefined where the snapshot has no keys, or is of an older form that does not say. */
export async function readKeyCount(bytes: AsyncIterable<Uint8Array>): Promise<KeyCount | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of bytes) {
    parts.push(part);
    size += part.length;
    if (size >= largestPrefix) break;
  }
  return findKeyCount(Buffer.concat(parts).subarray(0, largestPrefix));
}

function findKeyCount(prefix: Buffer): KeyCount | undefined {
  const reader = new PrefixReader(prefix);
  reader.skip(9);
  try {
    for (;;) {
      const mark = reader.byte();
      if (mark === marks.auxiliary) {
        reader.text();
        reader.text();
      } else if (mark === marks.database) reader.length();
      else if (mark === marks.resize) return { keys: reader.length(), expiring: reader.length() };
      else return undefined;
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Throws RangeError at the end. */
class PrefixReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    return value;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** As the format writes lengths. */
  length(): number {
    const first = this.byte();
    if (first >> 6 === 0) return first;
    if (first >> 6 === 1) return ((first & 0x3f) << 8) | this.byte();
    const wide = first === 0x81;
    const value = wide ? Number(this.#bytes.readBigUInt64BE(this.#at)) : this.#bytes.readUInt32BE(this.#at);
    this.#at += wide ? 8 : 4;
    return value;
  }

  /** A text, or a number in its place: passed over. */
  text(): void {
    const first = this.#bytes.readUInt8(this.#at);
    if (first >> 6 !== 3) return this.skip(this.length());
    this.#at += 1;
    const kind = first & 0x3f;
    if (kind <= 2) return this.skip(2 ** kind);
    const compressed = this.length();
    this.length();
    this.skip(compressed);
  }
}
