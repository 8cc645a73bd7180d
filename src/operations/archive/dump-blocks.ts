/**
 * Takes the custom format of pg_dump apart while it streams by: what describes it, and the content of each table and large object. Facts of the format are those
 * of sources/postgres/archive.
 */
import { parseEntry, parseHead, type ArchiveHead } from '../../sources/postgres/archive/archive-toc.ts';

export type DumpBlock =
  /** Passed on as it is. */
  | { readonly kind: 'frame'; readonly bytes: Buffer }
  /** A part of the content of one table or large object. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  /** That content is complete. */
  | { readonly kind: 'end' };

/** Where in the head the compression stands: behind PGDMP, three numbers of the version, and the sizes of integers and offsets, and the format. */
const compressionAt = 11;
const byteSince = 1 * 256 + 15;
const largeObjectsBlock = 3;
/** A position in the file stands in the table of contents where the dump was not written to a pipe: then no byte may move. */
const positionKnown = 2;

type Expected = 'block' | 'id' | 'piece' | 'object';

export class DumpBlocks {
  /** False where its content cannot be packed: it is already, or its parts are found by their positions. */
  packable = false;
  head: ArchiveHead | undefined;
  #contents: Buffer = Buffer.alloc(0);
  #entries = 0;
  #at = 0;
  #hasContents = false;
  #expected: Expected = 'block';
  #inObjects = false;
  #left = 0;
  #rest: Buffer = Buffer.alloc(0);

  /** The head and the table of contents as they are, once they are known. */
  contents(): Buffer | undefined {
    return this.#hasContents ? this.#contents : undefined;
  }

  /** What of these bytes lies behind the table of contents; undefined while that is not complete. */
  readContents(chunk: Buffer): Buffer | undefined {
    const bytes = this.#contents.length === 0 ? chunk : Buffer.concat([this.#contents, chunk]);
    this.#contents = bytes;
    if (this.head === undefined) {
      const parsed = parseHead(bytes);
      if (parsed === undefined) return undefined;
      this.head = parsed.head;
      this.#at = parsed.length;
      this.packable = parsed.head.format === 'custom' && isPlain(bytes, parsed.head);
    }
    const { head } = this;
    while (this.#entries < head.entryCount) {
      const parsed = parseEntry(bytes, this.#at, head);
      if (parsed === undefined) return undefined;
      if (bytes[parsed.next - head.offsetSize - 1] === positionKnown) this.packable = false;
      this.#at = parsed.next;
      this.#entries += 1;
    }
    this.#hasContents = true;
    this.#contents = bytes.subarray(0, this.#at);
    return bytes.subarray(this.#at);
  }

  /** The blocks of data in these bytes. */
  push(chunk: Buffer): DumpBlock[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    const width = 1 + (this.head?.intSize ?? 4);
    const blocks: DumpBlock[] = [];
    let content: Buffer[] = [];
    const flush = (): void => {
      if (content.length > 0) blocks.push({ kind: 'content', bytes: Buffer.concat(content) });
      content = [];
    };
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        content.push(bytes.subarray(at, at + taken));
        this.#left -= taken;
        at += taken;
        continue;
      }
      const size = this.#expected === 'block' ? 1 : width;
      if (bytes.length - at < size) {
        this.#rest = Buffer.from(bytes.subarray(at));
        break;
      }
      const field = bytes.subarray(at, at + size);
      at += size;
      if (this.#expected === 'piece') {
        this.#left = field.readUIntLE(1, size - 1);
        if (this.#left > 0) continue;
        flush();
        blocks.push({ kind: 'end' });
        this.#expected = this.#inObjects ? 'object' : 'block';
      } else {
        blocks.push({ kind: 'frame', bytes: field });
        this.#expected = this.#next(field);
      }
    }
    flush();
    return blocks;
  }

  #next(field: Buffer): Expected {
    switch (this.#expected) {
      case 'block':
        this.#inObjects = field[0] === largeObjectsBlock;
        return 'id';
      case 'id':
        return this.#inObjects ? 'object' : 'piece';
      default:
        return field.readUIntLE(1, field.length - 1) === 0 ? 'block' : 'piece';
    }
  }
}

function isPlain(bytes: Buffer, { version, intSize }: ArchiveHead): boolean {
  const field = bytes.subarray(compressionAt, compressionAt + (version >= byteSince ? 1 : 1 + intSize));
  return field.every((byte) => byte === 0);
}

/** The same table of contents of a dump that is packed by zlib. */
export function markPacked(contents: Buffer, { version, intSize }: ArchiveHead): Buffer {
  const marked = Buffer.from(contents);
  if (version >= byteSince) marked[compressionAt] = 1;
  else marked.writeUIntLE(6, compressionAt + 1, intSize);
  return marked;
}
