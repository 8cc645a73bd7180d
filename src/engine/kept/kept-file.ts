/**
 * The form of a kept file: a mark, a salt, then pieces sealed with AES-256-GCM under a key that is the master key's for this name and salt. The
 * nonce of a piece is its number, and says which is the last: what was cut off, moved, mixed with another file or written by anybody else does not
 * open. Neither blob ids nor names of hosts can be read from it.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { releaseBuffer } from '../../util/release-buffer.ts';
import type { MasterKey } from '../crypto/master-key.ts';

const mark = Buffer.from('holdfast kept 1\n', 'latin1');
const saltLength = 32;
const beginLength = mark.length + saltLength;
const tagLength = 16;
/** Plain bytes in every piece but the last. Each costs some microseconds, and room in the processor's own cache. */
const pieceLength = 2 ** 20;
const sealedPiece = pieceLength + tagLength;
const piecesARead = 4;

function deriveKey({ encrypt, macK, macR }: MasterKey, name: string, salt: Uint8Array): KeyObject {
  const key = hkdfSync('sha256', Buffer.concat([encrypt, macK, macR]), salt, `holdfast kept file ${name}`, 32);
  return createSecretKey(Buffer.from(key));
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(number, 0);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Writes `parts`, one behind the other, as a kept file. Throws what the file system throws. */
export async function writeKeptFile(handle: FileHandle, master: MasterKey, name: string, parts: Iterable<Uint8Array>): Promise<void> {
  const salt = randomBytes(saltLength);
  const key = deriveKey(master, name, salt);
  let sealed: Buffer[] = [mark, salt];
  let number = 0;
  const flush = async (): Promise<void> => {
    for (const piece of sealed) await handle.writeFile(piece);
    sealed = [];
  };
  for (const { piece, isLast } of cutPieces(parts)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, isLast), { authTagLength: tagLength });
    sealed.push(cipher.update(piece), cipher.final(), cipher.getAuthTag());
    number += 1;
    if (number % piecesARead === 0 || isLast) await flush();
  }
}

/** Pieces of one length, the last of them shorter or as long; one empty piece where there is nothing. What is yielded may be overwritten afterwards. */
function* cutPieces(parts: Iterable<Uint8Array>): Generator<{ piece: Uint8Array; isLast: boolean }> {
  const piece = Buffer.allocUnsafeSlow(pieceLength);
  let filled = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      if (filled === pieceLength) {
        yield { piece, isLast: false };
        filled = 0;
      }
      const taken = Math.min(pieceLength - filled, part.length - at);
      piece.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  yield { piece: piece.subarray(0, filled), isLast: true };
}

/** Reads a kept file from its beginning to its end. */
export class KeptReader {
  /** Plain bytes in all. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #key: KeyObject;
  readonly #pieces: number;
  readonly #fileSize: number;
  #next = 0;
  #ahead: Promise<Buffer> | undefined;
  #sealed: Buffer = Buffer.alloc(0);
  #sealedAt = 0;
  #plain: Buffer = Buffer.alloc(0);
  #plainAt = 0;

  private constructor(handle: FileHandle, key: KeyObject, fileSize: number) {
    this.#handle = handle;
    this.#key = key;
    this.#fileSize = fileSize;
    this.#pieces = Math.ceil((fileSize - beginLength) / sealedPiece);
    this.size = fileSize - beginLength - this.#pieces * tagLength;
  }

  /** Throws a plain error where this is no kept file. */
  static async open(handle: FileHandle, master: MasterKey, name: string): Promise<KeptReader> {
    const { size } = await handle.stat();
    const begin = Buffer.alloc(beginLength);
    const { bytesRead } = await handle.read(begin, 0, beginLength, 0);
    if (bytesRead < beginLength || !begin.subarray(0, mark.length).equals(mark) || size < beginLength + tagLength)
      throw new Error('it does not begin as a kept file does');
    return new KeptReader(handle, deriveKey(master, name, begin.subarray(mark.length)), size);
  }

  /** Fills `target` with the next bytes. Throws a plain error where they are not what was written, or are not there. */
  async fill(target: Uint8Array): Promise<void> {
    for (let at = 0; at < target.length;) {
      if (this.#plainAt === this.#plain.length) await this.#openNext();
      const taken = Math.min(target.length - at, this.#plain.length - this.#plainAt);
      target.set(this.#plain.subarray(this.#plainAt, this.#plainAt + taken), at);
      this.#plainAt += taken;
      at += taken;
    }
  }

  /** Every byte that is left. */
  async rest(): Promise<Buffer> {
    const read = this.#next === 0 ? 0 : (this.#next - 1) * pieceLength + this.#plainAt;
    const bytes = Buffer.allocUnsafeSlow(this.size - read);
    await this.fill(bytes);
    return bytes;
  }

  async #openNext(): Promise<void> {
    if (this.#next >= this.#pieces) throw new Error('it is too short');
    if (this.#sealedAt === this.#sealed.length) await this.#readNext();
    const sealed = this.#sealed.subarray(this.#sealedAt, this.#sealedAt + sealedPiece);
    this.#sealedAt += sealed.length;
    const nonce = nonceOf(this.#next, this.#next === this.#pieces - 1);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagLength });
    decipher.setAuthTag(sealed.subarray(-tagLength));
    const plain = decipher.update(sealed.subarray(0, -tagLength));
    decipher.final();
    releaseBuffer(this.#plain);
    this.#plain = plain;
    this.#plainAt = 0;
    this.#next += 1;
    if (plain.length === 0 && this.#next < this.#pieces) throw new Error('a piece of it is empty');
  }

  /** While one read is opened the next is under way. */
  async #readNext(): Promise<void> {
    const sealed = await (this.#ahead ?? this.#read(this.#next));
    releaseBuffer(this.#sealed);
    this.#sealed = sealed;
    this.#sealedAt = 0;
    const following = this.#next + piecesARead;
    this.#ahead = following < this.#pieces ? this.#read(following) : undefined;
    this.#ahead?.catch(() => {}); // told when it is waited for
  }

  async #read(piece: number): Promise<Buffer> {
    const from = beginLength + piece * sealedPiece;
    const wanted = Math.min(piecesARead * sealedPiece, this.#fileSize - from);
    const bytes = Buffer.allocUnsafeSlow(wanted);
    for (let at = 0; at < wanted;) {
      const { bytesRead } = await this.#handle.read(bytes, at, wanted - at, from + at);
      if (bytesRead === 0) throw new Error('it is too short');
      at += bytesRead;
    }
    return bytes;
  }
}
