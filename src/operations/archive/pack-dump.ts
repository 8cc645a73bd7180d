/**
 * A dump in custom format as pg_dump would have packed it itself: the repository keeps dumps plain, for its own compression, and a file that lies somewhere for
 * years should be small and still be what pg_restore reads.
 */
import { createDeflate, deflateSync, type Deflate } from 'node:zlib';
import { DumpBlocks, markPacked } from './dump-blocks.ts';

/** Pieces are about as large as pg_dump makes them. */
const pieceSize = 64 * 1024;
/** Less is packed at once: most large objects, and many tables. */
const small = 64 * 1024;

/** The dump; as it is, where it is packed already. */
export async function* packDump(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = new DumpBlocks();
  const packer = new Packer();
  for await (const chunk of bytes) {
    let rest: Buffer | undefined = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (blocks.contents() === undefined) {
      rest = blocks.readContents(rest);
      const contents = blocks.contents();
      if (contents === undefined || rest === undefined || blocks.head === undefined) continue;
      packer.intSize = blocks.head.intSize;
      yield blocks.packable ? markPacked(contents, blocks.head) : contents;
    }
    if (!blocks.packable) {
      yield rest;
      continue;
    }
    const out: Buffer[] = [];
    for (const block of blocks.push(rest)) {
      if (block.kind === 'frame') out.push(block.bytes);
      else if (block.kind === 'content') out.push(...(await packer.add(block.bytes)));
      else out.push(...(await packer.end()));
    }
    if (out.length > 0) yield Buffer.concat(out);
  }
}

/** Packs one content after the other. */
class Packer {
  intSize = 4;
  #waiting: Buffer[] = [];
  #size = 0;
  #deflate: Deflate | undefined;
  #ready: Buffer[] = [];

  async add(bytes: Buffer): Promise<Buffer[]> {
    this.#size += bytes.length;
    if (this.#deflate === undefined && this.#size <= small) {
      this.#waiting.push(Buffer.from(bytes));
      return [];
    }
    const deflate = (this.#deflate ??= this.#open());
    for (const piece of [...this.#waiting, bytes]) await write(deflate, piece);
    this.#waiting = [];
    return this.#takePieces();
  }

  async end(): Promise<Buffer[]> {
    const deflate = this.#deflate;
    if (deflate === undefined) this.#ready.push(deflateSync(Buffer.concat(this.#waiting)));
    else
      await new Promise<void>((resolve, reject) => {
        deflate.once('end', resolve).once('error', reject);
        deflate.end();
      });
    this.#waiting = [];
    this.#size = 0;
    this.#deflate = undefined;
    return [...this.#takePieces(), this.#int(0)];
  }

  #open(): Deflate {
    const deflate = createDeflate({ chunkSize: pieceSize });
    deflate.on('data', (chunk: Buffer) => this.#ready.push(chunk));
    return deflate;
  }

  #takePieces(): Buffer[] {
    const pieces = this.#ready.flatMap((piece) => (piece.length === 0 ? [] : [this.#int(piece.length), piece]));
    this.#ready = [];
    return pieces;
  }

  /** A sign and the bytes of the number, the lowest first. */
  #int(value: number): Buffer {
    const field = Buffer.alloc(1 + this.intSize);
    field.writeUIntLE(value, 1, this.intSize);
    return field;
  }
}

function write(deflate: Deflate, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    deflate.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
