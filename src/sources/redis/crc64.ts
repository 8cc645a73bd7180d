/**
 * The checksum at the end of an RDB file: CRC-64 with the "Jones" polynomial, reflected, from 0. Eight bytes a step over eight tables;
 * a 64-bit number is two 32-bit halves, because BigInt would be a hundred times slower than the socket.
 */
const [reflectedLow, reflectedHigh] = [0xac4bc9b5, 0x95ac9329];
const slices = 8;
const low = new Int32Array(slices * 256);
const high = new Int32Array(slices * 256);
fillTables();

/** The running checksum of bytes that come in pieces. */
export class Crc64 {
  #low = 0;
  #high = 0;

  update(bytes: Uint8Array): this {
    let l = this.#low;
    let h = this.#high;
    let at = 0;
    for (const end = bytes.length - 7; at < end; at += 8) {
      const a = l ^ word(bytes, at);
      const b = h ^ word(bytes, at + 4);
      const [i0, i1, i2, i3] = [1792 + (a & 255), 1536 + ((a >>> 8) & 255), 1280 + ((a >>> 16) & 255), 1024 + (a >>> 24)];
      const [i4, i5, i6, i7] = [768 + (b & 255), 512 + ((b >>> 8) & 255), 256 + ((b >>> 16) & 255), b >>> 24];
      l =
        entry(low, i0) ^
        entry(low, i1) ^
        entry(low, i2) ^
        entry(low, i3) ^
        entry(low, i4) ^
        entry(low, i5) ^
        entry(low, i6) ^
        entry(low, i7);
      h =
        entry(high, i0) ^
        entry(high, i1) ^
        entry(high, i2) ^
        entry(high, i3) ^
        entry(high, i4) ^
        entry(high, i5) ^
        entry(high, i6) ^
        entry(high, i7);
    }
    for (; at < bytes.length; at += 1) {
      const index = (l ^ (bytes[at] ?? 0)) & 255;
      l = ((l >>> 8) | (h << 24)) ^ entry(low, index);
      h = (h >>> 8) ^ entry(high, index);
    }
    this.#low = l;
    this.#high = h;
    return this;
  }

  /** The eight bytes as they stand in the file, lowest first. */
  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(this.#low, 0);
    bytes.writeInt32LE(this.#high, 4);
    return bytes;
  }

  /** One that goes on from here on its own. */
  fork(): Crc64 {
    const copy = new Crc64();
    copy.#low = this.#low;
    copy.#high = this.#high;
    return copy;
  }
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte += 1) {
    let [l, h] = [byte, 0];
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = (l & 1) === 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd) [l, h] = [l ^ reflectedLow, h ^ reflectedHigh];
    }
    low[byte] = l;
    high[byte] = h;
  }
  for (let at = 256; at < slices * 256; at += 1) {
    const [l, h] = [entry(low, at - 256), entry(high, at - 256)];
    const index = l & 255;
    low[at] = ((l >>> 8) | (h << 24)) ^ entry(low, index);
    high[at] = (h >>> 8) ^ entry(high, index);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function entry(table: Int32Array, index: number): number {
  return table[index] ?? 0;
}
