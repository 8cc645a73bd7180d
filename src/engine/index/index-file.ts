/** The JSON of an index file: packs, and the blobs in each. */
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
  blob(id: string, type: BlobType, offset: number, length: number, uncompressedLength: number): void;
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
  return piece.subarray(0, end);
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
 * makes no millions of objects; anything else that is JSON is parsed. Throws a plain error when it is not an index.
 */
export function readIndex(json: Buffer, visitor: IndexVisitor): void {
  const packs: IndexedPack[] = [];
  const scanned = new IndexScanner(json).scan(visitor);
  if (scanned) return;
  const wire = readObject(JSON.parse(json.toString('utf8')), 'the index');
  for (const item of readArray(wire['packs'] ?? [], 'packs')) packs.push(readPack(item));
  for (const { id, blobs } of packs) {
    visitor.pack(id);
    for (const blob of blobs) visitor.blob(blob.id, blob.type, blob.offset, blob.length, blob.uncompressedLength);
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

/** Scans the canonical form. It reports nothing before it has seen the whole file through once, so a fall-back starts clean. */
class IndexScanner {
  readonly #json: Buffer;
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  scan(visitor: IndexVisitor): boolean {
    const nothing: IndexVisitor = { pack: () => {}, blob: () => {} };
    return this.#pass(nothing) && this.#pass(visitor);
  }

  #pass(visitor: IndexVisitor): boolean {
    this.#at = 0;
    if (!this.#take('{"packs":[')) return false;
    if (this.#take(']}')) return true;
    do {
      if (!this.#take('{"id":"')) return false;
      const id = this.#id();
      if (id === undefined || !this.#take('","blobs":[')) return false;
      visitor.pack(id);
      if (!this.#blobs(visitor)) return false;
    } while (this.#take(','));
    return this.#take(']}') && this.#json.subarray(this.#at).every((byte) => byte === 10);
  }

  #blobs(visitor: IndexVisitor): boolean {
    if (this.#take(']}')) return true;
    do {
      if (!this.#take('{"id":"')) return false;
      const id = this.#id();
      if (id === undefined || !this.#take('","type":"')) return false;
      const type = this.#take('data') ? 'data' : this.#take('tree') ? 'tree' : undefined;
      if (type === undefined || !this.#take('","offset":')) return false;
      const offset = this.#number();
      if (!this.#take(',"length":')) return false;
      const length = this.#number();
      const uncompressedLength = this.#take(',"uncompressed_length":') ? this.#number() : 0;
      if (offset < 0 || length < 0 || uncompressedLength < 0 || !this.#take('}')) return false;
      visitor.blob(id, type, offset, length, uncompressedLength);
    } while (this.#take(','));
    return this.#take(']}');
  }

  #take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#json[this.#at + i] !== text.charCodeAt(i)) return false;
    this.#at += text.length;
    return true;
  }

  #id(): string | undefined {
    const end = this.#at + 64;
    for (let i = this.#at; i < end; i++) {
      const byte = this.#json[i] ?? 0;
      if (!((byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102))) return undefined;
    }
    const id = this.#json.toString('latin1', this.#at, end);
    this.#at = end;
    return id;
  }

  /** A whole number below 2^32, or -1. */
  #number(): number {
    let value = -1;
    for (let byte = this.#json[this.#at] ?? 0; byte >= 48 && byte <= 57; byte = this.#json[this.#at] ?? 0) {
      value = Math.max(value, 0) * 10 + byte - 48;
      if (value > 0xffff_ffff) return -1;
      this.#at += 1;
    }
    return value;
  }
}
