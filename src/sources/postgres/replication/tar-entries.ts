/** The files of a tar while it streams: what is asked for is handed on in the pieces it arrives in. */
import { ProtocolFailure } from './failures.ts';
import { type TarHeader, readTarHeader, tarBlock } from './tar-header.ts';

export interface TarEntry {
  readonly header: TarHeader;
  /** To be pulled before the next entry is asked for, or not at all. */
  readonly content: AsyncIterable<Buffer>;
}

/** Pieces of any size; undefined at the end. */
export type PieceSource = () => Promise<Buffer | undefined>;

/** GNU's entries that hold the name, or the target, of the entry after them, where it is too long for the header. */
const longName = 'L';
const longTarget = 'K';
const longestName = 64 * 1024;

export interface TarOptions {
  /** The archive ends with blocks of zeros, and is cut off without. */
  readonly hasEnd: boolean;
}

/** Entries in order. Throws a ProtocolFailure where the archive is cut off or makes no sense. */
export async function* readTar(source: PieceSource, { hasEnd }: TarOptions): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new PieceReader(source);
  let name: string | undefined;
  let target: string | undefined;
  for (;;) {
    const block = await reader.take(tarBlock);
    const header = block === undefined ? undefined : readTarHeader(block);
    if (header === undefined) {
      if (block === undefined && hasEnd) throw new ProtocolFailure('an archive ends without its end mark');
      if (block !== undefined) await reader.expectZeros();
      return;
    }
    const padding = (tarBlock - (header.size % tarBlock)) % tarBlock;
    if (header.type === longName || header.type === longTarget) {
      if (header.size > longestName) throw new ProtocolFailure('a name is too long');
      const text = (await reader.mustTake(header.size)).toString('utf8').replace(/\0.*$/s, '');
      if (header.type === longName) name = text;
      else target = text;
      await reader.skip(padding);
      continue;
    }
    const content = new EntryContent(reader, header);
    yield { header: { ...header, path: name ?? header.path, linkTarget: target ?? header.linkTarget }, content };
    await content.skip();
    await reader.skip(padding);
    name = undefined;
    target = undefined;
  }
}

class EntryContent implements AsyncIterable<Buffer> {
  readonly #reader: PieceReader;
  readonly #path: string;
  #left: number;
  #isOver = false;

  constructor(reader: PieceReader, { size, path }: TarHeader) {
    this.#reader = reader;
    this.#left = size;
    this.#path = path;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (this.#left > 0) {
      if (this.#isOver) throw new TypeError(`${this.#path} was read after the next file was asked for`);
      const piece = await this.#reader.piece(this.#left);
      if (piece === undefined) throw new ProtocolFailure(`an archive is cut off in ${this.#path}`);
      this.#left -= piece.length;
      yield piece;
    }
  }

  async skip(): Promise<void> {
    this.#isOver = this.#left > 0;
    await this.#reader.skip(this.#left);
  }
}

class PieceReader {
  readonly #source: PieceSource;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: PieceSource) {
    this.#source = source;
  }

  /** At least one byte and at most `limit`; undefined at the end. */
  async piece(limit: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#source();
      if (next === undefined) return undefined;
      this.#rest = next;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** So many bytes in one; undefined where there are none at all. */
  async take(count: number): Promise<Buffer | undefined> {
    const first = await this.piece(count);
    if (first === undefined || first.length === count) return first;
    return Buffer.concat([first, await this.mustTake(count - first.length)]);
  }

  async mustTake(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0;) {
      const piece = await this.piece(left);
      if (piece === undefined) throw new ProtocolFailure('an archive is cut off');
      pieces.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const piece = await this.piece(left);
      if (piece === undefined) throw new ProtocolFailure('an archive is cut off');
      left -= piece.length;
    }
  }

  async expectZeros(): Promise<void> {
    for (;;) {
      const piece = await this.piece(Number.MAX_SAFE_INTEGER);
      if (piece === undefined) return;
      if (piece.some((byte) => byte !== 0)) throw new ProtocolFailure('an archive goes on after its end mark');
    }
  }
}
