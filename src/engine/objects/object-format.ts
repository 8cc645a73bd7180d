/**
 * A sealed object as bytes:
 *
 * ```
 * "HOLDFAST"  length of the sealed header (4 bytes, little-endian)  sealed header  sealed piece  sealed piece …
 * ```
 *
 * The header's plaintext is a mark and JSON: the object's name, the caller's header, and the sizes of the body before and after compression.
 * It is padded, so that one read of `firstRead` bytes nearly always brings it whole. The body is compressed, then sealed in pieces; each begins
 * with a mark, the hash of the header's plaintext and its number. So neither objects nor headers nor pieces can be exchanged, and nothing here
 * can be taken for a file of the repository's own format, nor the other way round.
 */
import { createHash } from 'node:crypto';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { readInteger, readObject, readString } from '../../util/wire.ts';
import { releaseBuffer } from '../../util/release-buffer.ts';
import { sealOverhead } from '../crypto/sealer.ts';

/** What a header says, the caller's part and ours. */
export interface ObjectHeader {
  readonly name: string;
  readonly header: unknown;
  /** Bytes of the body. */
  readonly size: number;
  /** Bytes of the body as it is stored, before it is sealed. */
  readonly stored: number;
  readonly compressed: boolean;
}

interface Sealing {
  seal(plain: Uint8Array): Buffer;
  open(sealed: Uint8Array): Buffer | undefined;
}

/** Bytes that hold the header of nearly every object; none is shorter. */
export const firstRead = 1024;
/** Bytes of a header's JSON that a caller may give. */
const largestHeader = 4096;
/** Bytes of a body, and of an object. */
export const largestBody = 2 ** 30;
/** Bytes of a body in one seal: a moment's work, so that whatever else there is to do gets its turn between two. */
export const pieceSize = 2 ** 21;

const magic = Buffer.from('HOLDFAST');
const lengthAt = magic.length;
const prefixSize = magic.length + 4;
const headerMark = Buffer.from('holdfast header 1\n');
const pieceMark = Buffer.from('holdfast piece 1\n');
const bindingSize = 32;
const numberAt = pieceMark.length + bindingSize;
const pieceOverhead = numberAt + 4;
/** Our own fields, a name, and the caller's header. */
const largestSealedHeader = largestHeader + 2048;

/** The beginning of an object, and what binds its pieces to it. Throws `internal` for a header that is too large. */
export function sealHeader(sealing: Sealing, described: ObjectHeader): { readonly bytes: Buffer; readonly binding: Buffer } {
  const { name, size, stored, compressed, header = null } = described;
  const length = Buffer.byteLength(JSON.stringify(header));
  if (length > largestHeader) throw new HoldfastError('internal', { reason: `the header of the object ${name} has ${length} bytes` });
  const plain = Buffer.concat([headerMark, Buffer.from(JSON.stringify({ name, size, stored, compressed, header }))]);
  // JSON may end in spaces.
  const padding = Buffer.alloc(Math.max(0, firstRead - prefixSize - sealOverhead - plain.length), ' ');
  const padded = Buffer.concat([plain, padding]);
  const sealed = sealing.seal(padded);
  const prefix = Buffer.alloc(prefixSize);
  magic.copy(prefix);
  prefix.writeUInt32LE(sealed.length, lengthAt);
  return { bytes: Buffer.concat([prefix, sealed]), binding: bindingOf(padded) };
}

/** How many bytes the header takes from the beginning of an object. Throws a plain error for what is no object. */
export function headerLength(beginning: Buffer): number {
  if (beginning.length < prefixSize || !beginning.subarray(0, magic.length).equals(magic))
    throw new Error('it does not begin as an object does');
  const length = beginning.readUInt32LE(lengthAt);
  if (length < firstRead - prefixSize || length > largestSealedHeader) throw new Error(`its header is said to have ${length} bytes`);
  return prefixSize + length;
}

/** Reads the header that these bytes end with. Throws a plain error when its seal does not fit or it is another object's. */
export function openHeader(sealing: Sealing, bytes: Buffer, name: string): { readonly header: ObjectHeader; readonly binding: Buffer } {
  const plain = sealing.open(bytes.subarray(prefixSize));
  if (plain === undefined) throw new Error('the seal of its header does not fit');
  if (!plain.subarray(0, headerMark.length).equals(headerMark)) throw new Error('what is sealed in it is no header');
  const header = decodeHeader(plain.subarray(headerMark.length));
  if (header.name !== name) throw new Error(`it is the object ${JSON.stringify(header.name.slice(0, 200))} under another name`);
  return { header, binding: bindingOf(plain) };
}

/** Bytes of a whole object with a header of so many. */
export function objectLength(headerBytes: number, { stored }: ObjectHeader): number {
  return headerBytes + stored + Math.ceil(stored / pieceSize) * (pieceOverhead + sealOverhead);
}

/** One piece of a stored body, sealed. */
export function sealPiece(sealing: Sealing, binding: Buffer, number: number, content: Uint8Array): Buffer {
  const plain = Buffer.alloc(pieceOverhead + content.length);
  pieceMark.copy(plain);
  binding.copy(plain, pieceMark.length);
  plain.writeUInt32LE(number, numberAt);
  plain.set(content, pieceOverhead);
  const sealed = sealing.seal(plain);
  releaseBuffer(plain);
  return sealed;
}

/** Opens a piece. Throws a plain error when its seal does not fit or it belongs elsewhere. */
export function openPiece(sealing: Sealing, binding: Buffer, number: number, sealed: Uint8Array): Buffer {
  const plain = sealing.open(sealed);
  if (plain === undefined) throw new Error(`the seal of piece ${number} does not fit`);
  const isOurs =
    plain.length > pieceOverhead &&
    plain.subarray(0, pieceMark.length).equals(pieceMark) &&
    plain.subarray(pieceMark.length, numberAt).equals(binding) &&
    plain.readUInt32LE(numberAt) === number;
  if (!isOurs) throw new Error(`piece ${number} belongs elsewhere`);
  return plain.subarray(pieceOverhead);
}

/** Bytes that a piece of so many takes. */
export function sealedPieceLength(length: number): number {
  return length + pieceOverhead + sealOverhead;
}

function decodeHeader(json: Buffer): ObjectHeader {
  try {
    const wire = readObject(JSON.parse(json.toString('utf8')), 'the header');
    const compressed = wire['compressed'];
    if (typeof compressed !== 'boolean') throw new Error('compressed is neither true nor false');
    return {
      name: readString(wire['name'], 'name'),
      size: readInteger(wire['size'], 'size', 0, largestBody),
      stored: readInteger(wire['stored'], 'stored', 0, largestBody),
      compressed,
      header: wire['header'],
    };
  } catch (error) {
    throw new Error(`its header is none: ${reasonOf(error)}`, { cause: error });
  }
}

function bindingOf(headerPlain: Uint8Array): Buffer {
  return createHash('sha256').update(headerPlain).digest();
}
