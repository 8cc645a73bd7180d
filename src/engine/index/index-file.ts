/** The JSON of an index file: packs, and the blobs in each. */
import { releaseBuffer } from '../../util/release-buffer.ts';
import { readArray, readId, readInteger, readObject, readString } from '../../util/wire.ts';
import { visitPackHeader, type BlobType, type PackedBlob } from '../pack/pack-header.ts';

/** A pack and what its header says. */
export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackedBlob[];
}

/** Takes the content of an index file, one blob after the other. */
export interface IndexVisitor {
  pack(id: string): void;
  /** `id` holds eight words of a buffer that is used again: the 32 bytes of the id. */
  blob(id: Uint32Array, type: BlobType, offset: number, length: number, uncompressedLength: number): void;
}

/** Blobs in one index file; more go into the next. restic takes twice as many: less is less memory while one is made. */
export const mostBlobsAnIndex = 25_000;

/** One pack as a piece of an index file. A pack at a time becomes bytes: as one string the file would be in memory several times over. */
export function encodePack({ id, blobs }: IndexedPack): Buffer {
  return Buffer.from(`{"id":"${id}","blobs":[${blobs.map(encodeBlob).join(',')}]}`, 'latin1');
}

/** The same from the pack's opened header. */
export function encodePackHeader(id: string, header: Buffer): Buffer {
  const piece = Buffer.allocUnsafeSlow(100 + Math.ceil(header.length / 37) * mostBytesABlob);
  let end = piece.write(`{"id":"${id}","blobs":[`, 'latin1');
  let separator = '';
  visitPackHeader(header, (type, idAt, offset, length, uncompressedLength) => {
    const blobId = header.toString('hex', idAt, idAt + 32);
    end += piece.write(separator + encodeBlob({ id: blobId, type, offset, length, uncompressedLength }), end, 'latin1');
    separator = ',';
  });
  end += piece.write(']}', end, 'latin1');
  const exact = Buffer.from(piece.subarray(0, end));
  releaseBuffer(piece);
  return exact;
}

/** An index file of such pieces. */
export function joinIndex(packs: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const pack of packs) parts.push(parts.length === 0 ? packsBegin : comma, pack);
  return Buffer.concat(parts.length === 0 ? [packsBegin, packsEnd] : [...parts, packsEnd]);
}

const mostBytesABlob = 170;
const packsBegin = Buffer.from('{"packs":[');
const comma = Buffer.from(',');
const packsEnd = Buffer.from(']}');

function encodeBlob({ id, type, offset, length, uncompressedLength }: PackedBlob): string {
  const plain = uncompressedLength > 0 ? `,"uncompressed_length":${uncompressedLength}` : '';
  return `{"id":"${id}","type":"${type}","offset":${offset},"length":${length}${plain}}`;
}

/**
 * Reads an index file. The form that restic and holdfast write is scanned byte by byte, so that a repository of millions of blobs
 * makes no millions of objects; anything else that is JSON is parsed. Throws a plain error when it is not an index; what was
 * visited before that must then be thrown away.
 */
export function readIndex(json: Buffer, visitor: IndexVisitor): void {
  const scanner = new IndexScanner(json);
  try {
    scanner.scan(visitor);
  } catch {
    // Another form (rustic gives its packs a time), or no index: then the parser says why.
    parseIndex(json, visitor, scanner.visited);
  }
}

/** Visits what the JSON holds, but for the first `visited` packs and blobs. */
function parseIndex(json: Buffer, visitor: IndexVisitor, visited: number): void {
  const wire = readObject(JSON.parse(json.toString('utf8')), 'the index');
  const id = new Uint32Array(8);
  const idBytes = Buffer.from(id.buffer);
  let at = 0;
  for (const item of readArray(wire['packs'] ?? [], 'packs')) {
    const pack = readPack(item);
    if (at++ >= visited) visitor.pack(pack.id);
    for (const blob of pack.blobs) {
      if (at++ < visited) continue;
      idBytes.write(blob.id, 'hex');
      visitor.blob(id, blob.type, blob.offset, blob.length, blob.uncompressedLength);
    }
  }
}

function readPack(value: unknown): IndexedPack {
  const pack = readObject(value, 'a pack');
  return { id: readId(pack['id'], 'a pack id'), blobs: readArray(pack['blobs'], 'blobs').map(readBlob) };
}

function readBlob(value: unknown): PackedBlob {
  const blob = readObject(value, 'a blob');
  const type = readString(blob['type'], 'a blob type');
  if (type !== 'data' && type !== 'tree') throw new Error(`a blob has the unknown type ${type}`);
  const u32 = (field: string): number => readInteger(blob[field] ?? 0, field, 0, 0xffff_ffff);
  return {
    id: readId(blob['id'], 'a blob id'),
    type,
    offset: u32('offset'),
    length: u32('length'),
    uncompressedLength: u32('uncompressed_length'),
  };
}

const packsText = Buffer.from('{"packs":[');
const idText = Buffer.from('{"id":"');
const blobsText = Buffer.from('","blobs":[');
const commaText = Buffer.from(',');
const closeText = Buffer.from(']');
const endText = Buffer.from('}');
const closeBothText = Buffer.from(']}');
const typeText = Buffer.from('","type":"');
const dataText = Buffer.from('data');
const treeText = Buffer.from('tree');
const offsetText = Buffer.from('","offset":');
const lengthText = Buffer.from(',"length":');
const plainText = Buffer.from(',"uncompressed_length":');

/** Scans the canonical form: the fields in restic's order, without white space. */
class IndexScanner {
  /** Packs and blobs given to the visitor. */
  visited = 0;
  readonly #json: Buffer;
  readonly #id = new Uint32Array(8);
  readonly #idBytes = Buffer.from(this.#id.buffer);
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  scan(visitor: IndexVisitor): void {
    this.#expect(packsText);
    do {
      this.#expect(idText);
      this.#readId();
      visitor.pack(this.#idBytes.toString('hex'));
      this.visited += 1;
      this.#expect(blobsText);
      this.#scanBlobs(visitor);
    } while (this.#take(commaText));
    this.#expect(closeText);
    // Other programs add fields behind the packs (rustic: packs to delete); the whole must still be JSON.
    if (!this.#take(endText)) JSON.parse(`{"packs":[]${this.#json.toString('utf8', this.#at)}`);
    else if (this.#json.toString('latin1', this.#at).trim() !== '') throw new Error('something follows its end');
  }

  #scanBlobs(visitor: IndexVisitor): void {
    if (this.#take(closeBothText)) return;
    do {
      this.#expect(idText);
      this.#readId();
      this.#expect(typeText);
      const type = this.#take(dataText) ? 'data' : 'tree';
      if (type === 'tree') this.#expect(treeText);
      this.#expect(offsetText);
      const offset = this.#readNumber();
      this.#expect(lengthText);
      const length = this.#readNumber();
      const uncompressedLength = this.#take(plainText) ? this.#readNumber() : 0;
      this.#expect(endText);
      visitor.blob(this.#id, type, offset, length, uncompressedLength);
      this.visited += 1;
    } while (this.#take(commaText));
    this.#expect(closeBothText);
  }

  #expect(text: Uint8Array): void {
    if (!this.#take(text)) throw new Error(`at byte ${this.#at} of the index ${Buffer.from(text).toString('latin1')} is missing`);
  }

  #take(text: Uint8Array): boolean {
    const json = this.#json;
    const at = this.#at;
    const { length } = text;
    for (let i = 0; i < length; i++) if (json[at + i] !== text[i]) return false;
    this.#at = at + length;
    return true;
  }

  /** Four bytes at a time; whether all were digits is asked once. */
  #readId(): void {
    const json = this.#json;
    const id = this.#id;
    const begin = this.#at;
    let wrong = 0;
    for (let word = 0, at = begin; word < 8; word++, at += 8) {
      const a = hexDigit[json[at + 1] ?? 0] ?? 255;
      const b = hexDigit[json[at] ?? 0] ?? 255;
      const c = hexDigit[json[at + 3] ?? 0] ?? 255;
      const d = hexDigit[json[at + 2] ?? 0] ?? 255;
      const e = hexDigit[json[at + 5] ?? 0] ?? 255;
      const f = hexDigit[json[at + 4] ?? 0] ?? 255;
      const g = hexDigit[json[at + 7] ?? 0] ?? 255;
      const h = hexDigit[json[at + 6] ?? 0] ?? 255;
      wrong |= a | b | c | d | e | f | g | h;
      id[word] = a | (b << 4) | (c << 8) | (d << 12) | (e << 16) | (f << 20) | (g << 24) | (h << 28);
    }
    if (wrong > 15) throw new Error(`at byte ${begin} of the index an id is wrong`);
    this.#at = begin + 64;
  }

  /** A whole number below 2^32. */
  #readNumber(): number {
    const json = this.#json;
    const begin = this.#at;
    let at = begin;
    let value = 0;
    for (let digit = (json[at] ?? 0) - 48; digit >= 0 && digit <= 9 && value <= 0xffff_ffff; digit = (json[at] ?? 0) - 48) {
      value = value * 10 + digit;
      at += 1;
    }
    if (at === begin || value > 0xffff_ffff) throw new Error(`at byte ${at} of the index a number is wrong`);
    this.#at = at;
    return value;
  }
}

/** The value of a lower-case hex digit by its character code; 255 for anything else. */
const hexDigit = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : 255,
);
