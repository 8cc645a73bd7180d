/**
 * The Rabin fingerprint straight from its definition, bit by bit and without tables: what the kernel is measured against.
 * A digest has at most 53 bits; it is carried as two halves, since a BigInt a byte would take minutes.
 */
import { remainder } from '../polynomial.ts';

export const windowBytes = 64;

/** The digest of up to 64 bytes: the polynomial whose coefficients are their bits, modulo the given one. */
export function digestOf(bytes: Uint8Array, polynomial: bigint): bigint {
  return remainder(bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`), polynomial);
}

/** The smallest length in (from, to] at which the digest of the last 64 bytes has no bit of `mask`, or -1. */
export function scanByDefinition(data: Uint8Array, from: number, to: number, polynomial: bigint, mask: number): number {
  const digest = new RollingDigest(polynomial);
  for (let at = from - windowBytes; at < from; at++) digest.append(data[at] ?? 0);
  for (let at = from; at < to; at++) {
    digest.takeOut(data[at - windowBytes] ?? 0);
    digest.append(data[at] ?? 0);
    if ((digest.low & mask) === 0) return at + 1;
  }
  return -1;
}

/** The sizes of the chunks of a file, as the format cuts it. */
export function chunkSizes(data: Uint8Array, polynomial: bigint): number[] {
  const least = 512 * 1024;
  const most = 8 * 1024 * 1024;
  const sizes: number[] = [];
  for (let start = 0; start < data.length;) {
    const rest = data.subarray(start, start + most);
    const cut = rest.length < least ? -1 : scanByDefinition(rest, least - 1, rest.length, polynomial, 0xfffff);
    const size = cut < 0 ? rest.length : cut;
    sizes.push(size);
    start += size;
  }
  return sizes;
}

class RollingDigest {
  low = 0;
  #high = 0;
  readonly #polynomialLow: number;
  readonly #polynomialHigh: number;
  readonly #topBit: number;
  /** x^504, x^505 … x^511 modulo the polynomial: what the bits of the oldest byte are worth. */
  readonly #oldestLow = new Int32Array(8);
  readonly #oldestHigh = new Int32Array(8);

  constructor(polynomial: bigint) {
    this.#polynomialLow = Number(polynomial & 0xffff_ffffn) | 0;
    this.#polynomialHigh = Number(polynomial >> 32n) | 0;
    this.#topBit = 1 << (polynomial.toString(2).length - 1 - 32);
    for (let bit = 0; bit < 8; bit++) {
      const value = remainder(1n << BigInt((windowBytes - 1) * 8 + bit), polynomial);
      this.#oldestLow[bit] = Number(value & 0xffff_ffffn);
      this.#oldestHigh[bit] = Number(value >> 32n);
    }
  }

  append(byte: number): void {
    for (let bit = 7; bit >= 0; bit--) {
      this.#high = (this.#high << 1) | (this.low >>> 31);
      this.low = (this.low << 1) | ((byte >> bit) & 1);
      if ((this.#high & this.#topBit) === 0) continue;
      this.#high ^= this.#polynomialHigh;
      this.low ^= this.#polynomialLow;
    }
  }

  takeOut(byte: number): void {
    for (let bit = 0; bit < 8; bit++) {
      if (((byte >> bit) & 1) === 0) continue;
      this.low ^= this.#oldestLow[bit] ?? 0;
      this.#high ^= this.#oldestHigh[bit] ?? 0;
    }
  }
}
