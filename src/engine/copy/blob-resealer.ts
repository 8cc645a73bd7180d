import { HoldfastError } from '../../errors.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import type { PackedBlob } from '../pack/pack-header.ts';
import { openSealedBlob, type SealedBlob } from '../pack/read-sealed-blobs.ts';
import type { VerifiedBlob } from '../pack/read-verified-blobs.ts';
import { compressFrame } from '../pack/zstd-codec.ts';
import { sharesKey, type Repository } from '../repository.ts';

/** Seals blobs of another repository with this one's key. */
export class BlobResealer {
  readonly #from: Repository;
  readonly #to: Repository;
  readonly #opener: BlobOpener;
  readonly #fromOpener: BlobOpener;
  readonly #isSameKey: boolean;

  constructor(from: Repository, to: Repository) {
    this.#from = from;
    this.#to = to;
    this.#opener = new BlobOpener(to.masterKey);
    this.#fromOpener = new BlobOpener(from.masterKey);
    this.#isSameKey = sharesKey(from, to);
  }

  /**
   * The common case: what was sealed stays as it is, and is not decompressed twice. It is opened once, at the end, and compared with the
   * blob's id: that proves the way there as well. Undefined where it is not that case, or something does not fit: `reseal` tells what.
   */
  resealAsItIs({ blob, sealed }: SealedBlob): SealedBlob | undefined {
    const isCompressed = blob.uncompressedLength > 0;
    // What is not compressed may come from version 1, and version 1 knows no compression.
    if (isCompressed !== (this.#to.config.version === 2) && !(this.#isSameKey && this.#from.config.version === this.#to.config.version))
      return undefined;
    const resealed = this.#isSameKey ? sealed : this.#seal(sealed);
    if (resealed === undefined) return undefined;
    const found = { blob: { ...blob, offset: 0, length: resealed.length }, sealed: resealed };
    try {
      openSealedBlob(this.#to, this.#opener, 'new', found);
      return found;
    } catch {
      return undefined;
    }
  }

  /** What comes out was opened again and compared with the blob's id. Throws `machine-unreliable`. */
  reseal({ blob, content, stored }: VerifiedBlob): SealedBlob {
    const { plain, uncompressedLength } = this.#form(blob, content, stored);
    const sealed = this.#to.sealer.seal(plain);
    const resealed: PackedBlob = { id: blob.id, type: blob.type, offset: 0, length: sealed.length, uncompressedLength };
    try {
      openSealedBlob(this.#to, this.#opener, 'new', { blob: resealed, sealed });
    } catch (error) {
      throw new HoldfastError('machine-unreliable', { id: blob.id }, error);
    }
    return { blob: resealed, sealed };
  }

  #seal(sealed: Uint8Array): Uint8Array | undefined {
    this.#fromOpener.input(sealed.length).set(sealed);
    const stored = this.#fromOpener.openSealed(0, sealed.length);
    return stored === undefined ? undefined : this.#to.sealer.seal(stored);
  }

  #form(blob: PackedBlob, content: Uint8Array, stored: Uint8Array): { plain: Uint8Array; uncompressedLength: number } {
    if (this.#to.config.version === 1) return { plain: content, uncompressedLength: 0 };
    if (blob.uncompressedLength > 0) return { plain: stored, uncompressedLength: blob.uncompressedLength };
    // It may come from version 1, or be a blob that does not get shorter: trying costs little beside the copying.
    const compressed = compressFrame(content);
    return compressed.length < content.length
      ? { plain: compressed, uncompressedLength: content.length }
      : { plain: content, uncompressedLength: 0 };
  }
}
