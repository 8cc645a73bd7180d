/**
 * Sealing as the repository format has it: IV (16 bytes) ‖ AES-256-CTR ciphertext ‖ Poly1305-AES tag (16 bytes) over the ciphertext.
 * A sealer works in place on a shared memory that WebAssembly and node:crypto both see; one belongs to one thread.
 */
import { createCipheriv, randomFillSync, timingSafeEqual, type Cipheriv } from 'node:crypto';
import { createKernelMemory, loadKernels, type Kernels } from '../kernels/kernels.ts';
import { releaseBuffer } from '../../util/release-buffer.ts';
import type { MasterKey } from './master-key.ts';

/** Bytes that sealing adds to a plaintext. */
export const sealOverhead = 32;

/** Bytes of scratch that a sealer needs in its memory. */
export const sealerScratchSize = 65536;

const ivPoolSize = 16384;
const macKeyOffset = 0;
const tagOffset = 32;
const polyScratchOffset = 64;
const keystreamOffset = 1024;
const keystreamSize = sealerScratchSize - keystreamOffset;
const cipherSlice = 131072;

export class Sealer {
  readonly bytes: Uint8Array;
  readonly kernels: Kernels;
  readonly #key: MasterKey;
  readonly #scratch: number;
  readonly #counterCipher: Cipheriv;
  readonly #nonceCipher: Cipheriv;
  readonly #ivPool = Buffer.alloc(ivPoolSize);
  #noncePool = Buffer.alloc(0);
  #ivUsed = ivPoolSize;

  /** @param scratch offset of `sealerScratchSize` bytes in `memory` that this sealer alone uses. */
  constructor(key: MasterKey, memory: WebAssembly.Memory, scratch: number, kernels = loadKernels(memory)) {
    this.bytes = new Uint8Array(memory.buffer);
    this.kernels = kernels;
    this.#key = key;
    this.#scratch = scratch;
    this.bytes.set(key.macR, scratch + macKeyOffset);
    // ECB is only used to encrypt counter blocks and MAC nonces, which is what CTR and Poly1305-AES are made of.
    this.#counterCipher = createCipheriv('aes-256-ecb', key.encrypt, null).setAutoPadding(false);
    this.#nonceCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
  }

  /** Seals `length` bytes of plaintext that lie at `at + 16`, in place. Returns the sealed length, which begins at `at`. */
  sealAt(at: number, length: number): number {
    const pool = this.#nextIv();
    this.bytes.set(this.#ivPool.subarray(pool, pool + 16), at);
    this.#applyCounterMode(at, at + 16, length, at + 16);
    this.#writeTag(at + 16, length, this.#noncePool.subarray(pool, pool + 16));
    this.bytes.copyWithin(at + 16 + length, this.#scratch + tagOffset, this.#scratch + tagOffset + 16);
    return length + sealOverhead;
  }

  /**
   * Checks the tag of `length` sealed bytes at `at` and writes the plaintext to `target` (which may be `at + 16`).
   * Returns its length, or -1 when the tag does not fit: then nothing was written.
   */
  openAt(at: number, length: number, target: number): number {
    const plain = length - sealOverhead;
    if (plain < 0) return -1;
    const nonce = this.#nonceCipher.update(Buffer.from(this.bytes.subarray(at, at + 16)));
    this.#writeTag(at + 16, plain, nonce);
    const expected = Buffer.from(this.bytes.subarray(this.#scratch + tagOffset, this.#scratch + tagOffset + 16));
    const found = Buffer.from(this.bytes.subarray(at + 16 + plain, at + length));
    if (!timingSafeEqual(expected, found)) return -1;
    this.#applyCounterMode(at, at + 16, plain, target);
    return plain;
  }

  #applyCounterMode(iv: number, from: number, length: number, target: number): void {
    if (length <= keystreamSize) {
      const keystream = this.#scratch + keystreamOffset;
      const blocks = (length + 15) >> 4;
      this.kernels.counterBlocks(keystream, iv, blocks);
      const encrypted = this.#counterCipher.update(this.bytes.subarray(keystream, keystream + blocks * 16));
      this.bytes.set(encrypted, keystream);
      releaseBuffer(encrypted);
      this.kernels.xorBytes(target, from, keystream, length);
      return;
    }
    const cipher = createCipheriv('aes-256-ctr', this.#key.encrypt, this.bytes.slice(iv, iv + 16));
    for (let done = 0; done < length; done += cipherSlice) {
      const end = Math.min(done + cipherSlice, length);
      const out = cipher.update(this.bytes.subarray(from + done, from + end));
      this.bytes.set(out, target + done);
      releaseBuffer(out);
    }
  }

  #writeTag(message: number, length: number, nonce: Uint8Array): void {
    const scratch = this.#scratch;
    this.bytes.set(nonce, scratch + macKeyOffset + 16);
    this.kernels.poly1305(message, length, scratch + macKeyOffset, scratch + tagOffset, scratch + polyScratchOffset);
  }

  /** IVs are random, drawn and turned into nonces 1024 at a time: one call into OpenSSL instead of two a blob. */
  #nextIv(): number {
    if (this.#ivUsed === ivPoolSize) {
      randomFillSync(this.#ivPool);
      this.#noncePool = this.#nonceCipher.update(this.#ivPool);
      this.#ivUsed = 0;
    }
    const at = this.#ivUsed;
    this.#ivUsed += 16;
    return at;
  }
}

/** Seals and opens whole buffers: for key files, snapshots, indexes, trees. Grows its own memory to the largest one met. */
export class BufferSealer {
  readonly #key: MasterKey;
  #capacity = 1 << 20;
  #sealer: Sealer;

  constructor(key: MasterKey) {
    this.#key = key;
    this.#sealer = this.#allocate();
  }

  seal(plain: Uint8Array): Buffer {
    const sealer = this.#reserve(plain.length + sealOverhead);
    sealer.bytes.set(plain, sealerScratchSize + 16);
    const length = sealer.sealAt(sealerScratchSize, plain.length);
    return Buffer.from(sealer.bytes.slice(sealerScratchSize, sealerScratchSize + length).buffer);
  }

  /** The plaintext, or undefined when the bytes were not sealed with this key or have changed since. */
  open(sealed: Uint8Array): Buffer | undefined {
    const sealer = this.#reserve(sealed.length);
    sealer.bytes.set(sealed, sealerScratchSize);
    const length = sealer.openAt(sealerScratchSize, sealed.length, sealerScratchSize + 16);
    if (length < 0) return undefined;
    return Buffer.from(sealer.bytes.slice(sealerScratchSize + 16, sealerScratchSize + 16 + length).buffer);
  }

  #reserve(bytes: number): Sealer {
    if (bytes > this.#capacity) {
      this.#capacity = 2 ** Math.ceil(Math.log2(bytes));
      this.#sealer = this.#allocate();
    }
    return this.#sealer;
  }

  #allocate(): Sealer {
    return new Sealer(this.#key, createKernelMemory(sealerScratchSize + this.#capacity + 64), 0);
  }
}
