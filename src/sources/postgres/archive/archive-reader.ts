/**
 * Follows pg_dump's custom format while it streams by. The format has no end mark, so an archive that was cut between two
 * blocks looks like a smaller one; but its table of contents says for which entries a block of data must come, and each block
 * and each piece of it says where it ends. So an archive is whole when its last byte ends a block and every block that was
 * announced has been seen.
 */
import { type ArchiveEntry, ArchiveFormatError, type ArchiveHead, parseEntry, parseHead } from './archive-toc.ts';

const tableBlock = 1;
const largeObjectsBlock = 3;
/** More than any statement that PostgreSQL accepts. */
const largestEntry = 1024 * 1024 * 1024 + 1024 * 1024;

type Expected = 'head' | 'entry' | 'block-type' | 'block-id' | 'piece' | 'large-object';

export class ArchiveReader {
  /** The table of contents, as far as it has been read. */
  readonly entries: ArchiveEntry[] = [];
  #expected: Expected = 'head';
  #head: ArchiveHead | undefined;
  /** Bytes of a field, or of an entry, that are not complete yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a piece of data still to pass over. */
  #skip = 0;
  #inLargeObjects = false;
  #block = 0;
  readonly #missing = new Set<number>();

  /** What the archive says of itself, once that has been read. */
  get head(): ArchiveHead | undefined {
    return this.#head;
  }

  /** True once the table of contents is known. */
  get hasContents(): boolean {
    return this.#expected !== 'head' && this.#expected !== 'entry';
  }

  /** Takes the next bytes. Throws ArchiveFormatError when they cannot be part of an archive. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.hasContents) this.#passData(bytes);
    else this.#readContents(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]));
  }

  /** Throws ArchiveFormatError unless the bytes so far are a whole archive. */
  finish(): void {
    if (this.#expected === 'head') throw new ArchiveFormatError(this.#rest.length === 0 ? 'it is empty' : 'it ends within its head');
    if (this.#expected === 'entry') throw new ArchiveFormatError('it ends within its table of contents');
    if (this.#expected !== 'block-type' || this.#skip > 0 || this.#rest.length > 0)
      throw new ArchiveFormatError(`it ends within the data of ${this.#nameOf(this.#block)}`);
    const [first] = this.#missing;
    if (first !== undefined)
      throw new ArchiveFormatError(`it lacks the data of ${this.#missing.size} entries, ${this.#nameOf(first)} among them`);
  }

  #readContents(bytes: Buffer): void {
    let at = 0;
    if (this.#head === undefined) {
      const parsed = parseHead(bytes);
      if (parsed === undefined) return this.#keep(bytes, 0);
      if (parsed.head.format !== 'custom') throw new ArchiveFormatError('its head is not that of the custom format');
      this.#head = parsed.head;
      this.#expected = 'entry';
      at = parsed.length;
    }
    const head = this.#head;
    while (this.entries.length < head.entryCount) {
      const parsed = parseEntry(bytes, at, head);
      if (parsed === undefined) return this.#keep(bytes, at);
      this.entries.push(parsed.entry);
      if (parsed.entry.hasData) this.#missing.add(parsed.entry.id);
      at = parsed.next;
    }
    this.#rest = Buffer.alloc(0);
    this.#expected = 'block-type';
    this.#passData(bytes.subarray(at));
  }

  #keep(bytes: Buffer, from: number): void {
    if (bytes.length - from > largestEntry) throw new ArchiveFormatError('an entry of its table of contents has no end');
    this.#rest = Buffer.from(bytes.subarray(from));
  }

  /** The hot loop: with compression off there is one piece for each row. */
  #passData(bytes: Buffer): void {
    const intWidth = 1 + (this.#head?.intSize ?? 4);
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, bytes.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      const width = this.#expected === 'block-type' ? 1 : intWidth;
      if (this.#rest.length === 0 && bytes.length - at >= width) {
        this.#takeField(bytes, at, width);
        at += width;
      } else {
        const taken = Math.min(width - this.#rest.length, bytes.length - at);
        this.#rest = Buffer.concat([this.#rest, bytes.subarray(at, at + taken)]);
        at += taken;
        if (this.#rest.length < width) return;
        const field = this.#rest;
        this.#rest = Buffer.alloc(0);
        this.#takeField(field, 0, width);
      }
    }
  }

  #takeField(bytes: Buffer, at: number, width: number): void {
    if (this.#expected === 'block-type') return this.#beginBlock(bytes[at] ?? 0);
    const value = bytes.readUIntLE(at + 1, width - 1);
    if (bytes[at] !== 0) throw new ArchiveFormatError(`a length in the data of ${this.#nameOf(this.#block)} is negative`);
    if (this.#expected === 'piece') {
      this.#skip = value;
      if (value === 0) this.#expected = this.#inLargeObjects ? 'large-object' : 'block-type';
    } else if (this.#expected === 'block-id') {
      this.#identifyBlock(value);
    } else {
      /* Large objects follow each other until one has the number 0. */
      this.#expected = value === 0 ? 'block-type' : 'piece';
    }
  }

  #beginBlock(type: number): void {
    if (type !== tableBlock && type !== largeObjectsBlock)
      throw new ArchiveFormatError(`after the data of ${this.#nameOf(this.#block)} comes a block of unknown type ${type}`);
    this.#inLargeObjects = type === largeObjectsBlock;
    this.#expected = 'block-id';
  }

  #identifyBlock(id: number): void {
    if (!this.#missing.delete(id)) throw new ArchiveFormatError(`it holds data of entry ${id}, which was not announced or came before`);
    this.#block = id;
    this.#expected = this.#inLargeObjects ? 'large-object' : 'piece';
  }

  #nameOf(id: number): string {
    const entry = this.entries.find((candidate) => candidate.id === id);
    return entry === undefined ? 'its table of contents' : `${entry.kind} ${entry.schema === '' ? '' : `${entry.schema}.`}${entry.tag}`;
  }
}
