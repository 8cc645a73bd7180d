import { HoldfastError } from '../../errors.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import type { PackedBlob } from '../pack/pack-header.ts';
import { openSealedBlob, type SealedBlob } from '../pack/read-sealed-blobs.ts';
import type { VerifiedBlob } from '../pack/read-verified-blobs.ts';
import { compressFrame } from '../pack/zstd-codec.ts';
import type { Repository } from '../repository.ts';

/** Seals blobs of another repository with this one's key. */
export class BlobResealer {
  readonly #to: Repository;
  readonly #opener: BlobOpener;

  constructor(to: Repository) {
    this.#to = to;
    this.#opener = new BlobOpener(to.masterKey);
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
