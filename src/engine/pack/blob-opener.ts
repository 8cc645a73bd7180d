/**
 * Opens blobs synchronously, for worker threads: sealed bytes are read straight into shared memory, the seal is checked, the
 * content decrypted, decompressed and compared with its id. One belongs to one thread.
 */
import { hash } from 'node:crypto';
import { createKernelMemory } from '../kernels/kernels.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { Sealer, sealerScratchSize } from '../crypto/sealer.ts';
import { ZstdCodec } from './zstd-codec.ts';

export class BlobOpener {
  readonly #key: MasterKey;
  readonly #codec = new ZstdCodec(3);
  #inputSize = 1 << 20;
  #sealer: Sealer;
  #plain: Uint8Array = new Uint8Array(0);

  constructor(key: MasterKey) {
    this.#key = key;
    this.#sealer = this.#allocate();
  }

  /** Where to put the sealed bytes of one or more blobs: a view of exactly `length` bytes, valid until the next call of `input`. */
  input(length: number): Uint8Array {
    if (length > this.#inputSize) {
      this.#inputSize = Math.ceil(length / (1 << 20)) * (1 << 20);
      this.#sealer = this.#allocate();
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
    if (uncompressedLength > 0) {
      if (this.#plain.length < uncompressedLength) this.#plain = new Uint8Array(uncompressedLength);
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

  #allocate(): Sealer {
    return new Sealer(this.#key, createKernelMemory(sealerScratchSize + this.#inputSize), 0);
  }
}
