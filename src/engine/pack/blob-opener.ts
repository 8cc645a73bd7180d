/**
 * Opens blobs synchronously, for worker threads: sealed bytes are read straight into shared memory, the seal is checked, the
 * content decrypted, decompressed and compared with its id. One belongs to one thread.
 */
import { hash } from 'node:crypto';
import { createKernelMemory } from '../kernels/kernels.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { Sealer, sealerScratchSize } from '../crypto/sealer.ts';
import { mostPlainBytes } from './pack-header.ts';
import { ZstdCodec } from './zstd-codec.ts';

export class BlobOpener {
  readonly #key: MasterKey;
  readonly #codec = new ZstdCodec();
  #inputSize = 1 << 20;
  readonly #memory = createKernelMemory(sealerScratchSize + this.#inputSize);
  #sealer: Sealer;
  #plain: Uint8Array = new Uint8Array(1 << 18);

  constructor(key: MasterKey) {
    this.#key = key;
    this.#sealer = new Sealer(key, this.#memory, 0);
  }

  /** Where to put the sealed bytes of one or more blobs: a view of exactly `length` bytes, valid until the next call of `input`. */
  input(length: number): Uint8Array {
    if (length > this.#inputSize) {
      // Grown in place, and below in steps: memory left behind would wait for a garbage collection that has no reason to come.
      const grown = Math.ceil(length / (1 << 20)) * (1 << 20);
      this.#memory.grow((grown - this.#inputSize) / 65536);
      this.#inputSize = grown;
      this.#sealer = new Sealer(this.#key, this.#memory, 0);
    }
    return this.#sealer.bytes.subarray(sealerScratchSize, sealerScratchSize + length);
  }

  /**
   * The content of the blob whose sealed bytes lie at `offset` of the input. They are decrypted in place, so each blob of an input can
   * be opened once. The view is valid until the next call. Throws a plain error that says what does not fit.
   */
  open(id: string, offset: number, length: number, uncompressedLength: number): Uint8Array {
    const at = sealerScratchSize + offset;
    const plainLength = offset + length <= this.#inputSize ? this.#sealer.openAt(at, length, at + 16) : -1;
    if (plainLength < 0) throw new Error(`the seal of blob ${id} does not fit`);
    let content = this.#sealer.bytes.subarray(at + 16, at + 16 + plainLength);
    if (uncompressedLength > mostPlainBytes) throw new Error(`blob ${id} has an impossible size`);
    if (uncompressedLength > 0) {
      if (this.#plain.length < uncompressedLength) this.#plain = new Uint8Array(plainSize(uncompressedLength));
      if (!this.#codec.decompress(content, this.#plain, 0, uncompressedLength)) throw new Error(`blob ${id} does not decompress`);
      content = this.#plain.subarray(0, uncompressedLength);
    }
    if (hash('sha256', content) !== id) throw new Error(`the content of blob ${id} is not what its name says`);
    return content;
  }

  /** Opens anything else that is sealed, such as a pack's header, at `offset` of the input. Undefined when the seal does not fit. */
  openSealed(offset: number, length: number): Uint8Array | undefined {
    const at = sealerScratchSize + offset;
    const plainLength = this.#sealer.openAt(at, length, at + 16);
    return plainLength < 0 ? undefined : this.#sealer.bytes.subarray(at + 16, at + 16 + plainLength);
  }
}

/** The next power of two up to what chunks have at most (8 MiB), exactly as much for what is larger. */
function plainSize(length: number): number {
  return length > 2 ** 23 ? length : 2 ** Math.ceil(Math.log2(length));
}
