/**
 * Seeded random numbers for the data sets: the same seed gives the same data on every machine. `Math.random` would make two
 * runs of the benchmark incomparable.
 */
import { createCipheriv, createHash } from 'node:crypto';

const pieceBytes = 1 << 20;
const zeros = Buffer.alloc(pieceBytes);

/** Small fast counter generator (sfc32): choices, lengths, words. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.#a = digest.readUInt32LE(0);
    this.#b = digest.readUInt32LE(4);
    this.#c = digest.readUInt32LE(8);
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** At least 0, less than 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number of at least 0, less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** A whole number from `low` to `high`, small ones more often (evenly spread on a logarithmic scale). */
  logBetween(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.fraction());
  }

  /** One of the items; early ones more often, as words are in a language. */
  favouring<Item>(items: readonly Item[]): Item {
    const skewed = this.fraction() ** 2.2;
    return itemAt(items, Math.floor(skewed * items.length));
  }

  /** One of the items, each as likely. */
  pick<Item>(items: readonly Item[]): Item {
    return itemAt(items, this.below(items.length));
  }
}

/** Bytes that no program can compress, like those of a JPEG: an AES counter stream keyed by the seed. The buffers are fresh. */
export function* noise(seed: string, size: number): Generator<Buffer> {
  const key = createHash('sha256').update(`noise ${seed}`).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16, 32));
  for (let left = size; left > 0; left -= pieceBytes) {
    yield cipher.update(left < pieceBytes ? zeros.subarray(0, left) : zeros);
  }
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`Cannot pick an item: the list has ${items.length} and number ${index} was asked for.`);
  return item;
}
