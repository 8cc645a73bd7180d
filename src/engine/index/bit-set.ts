/** A set of whole numbers below a bound, one bit each: what is known about millions of blobs by the number of their index entry. */
export class BitSet {
  readonly #words: Uint32Array;
  #count = 0;

  /** @param size numbers from 0 to below this one. */
  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  /** How many are in it. */
  get count(): number {
    return this.#count;
  }

  has(number: number): boolean {
    return ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  }

  /** True when it was not there. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    const word = number >>> 5;
    if (word >= this.#words.length) throw new RangeError(`${number} is above the bound of this set`);
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (number & 31));
    this.#count += 1;
    return true;
  }

  /** True when it was there. */
  delete(number: number): boolean {
    if (!this.has(number)) return false;
    const word = number >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (number & 31));
    this.#count -= 1;
    return true;
  }
}
