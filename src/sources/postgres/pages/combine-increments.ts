/** Streams the file that a whole one and its increments make, without writing any of them to disk: each is read once, in order, all of them side by side. */
import { type IncrementalHeader, restoredLength } from './incremental-file.ts';
import { type PagedFile, PageStream } from './page-stream.ts';

const pieceSize = 1024 * 1024;

export interface FileVersions {
  /** The incremental files, newest first. */
  readonly increments: readonly PagedFile[];
  /** What the oldest of them builds on. */
  readonly whole: PagedFile;
}

interface Layer {
  readonly pages: PageStream;
  readonly header: IncrementalHeader;
  /** From this block on nothing of it counts: a later increment says that the file was shorter. */
  readonly limit: number;
  /** Position in the header of the page that comes next. */
  next: number;
}

/** A piece is only good until the next is asked for. Throws `damaged`, and what the contents throw. */
export async function* combineIncrements({ increments, whole }: FileVersions): AsyncGenerator<Uint8Array, void, undefined> {
  const { pageSize } = whole;
  const open: PageStream[] = [];
  try {
    const layers: Layer[] = [];
    let limit = Infinity;
    for (const increment of increments) {
      const pages = new PageStream(increment);
      open.push(pages);
      const header = await pages.readHeader();
      layers.push({ pages, header, limit, next: 0 });
      limit = Math.min(limit, header.truncation);
    }
    const base = new PageStream(whole);
    open.push(base);
    const basePages = Math.min(limit, Math.floor(whole.size / pageSize));
    const [newest] = layers;
    const length = newest === undefined ? basePages : restoredLength(newest.header);
    const perPiece = Math.max(1, Math.floor(pieceSize / pageSize));
    // One buffer for all pieces: those that are dropped would pile up until they are collected.
    const buffer = Buffer.allocUnsafeSlow(Math.min(perPiece, Math.max(length, 1)) * pageSize);
    for (let from = 0; from < length; from += perPiece) {
      const to = Math.min(length, from + perPiece);
      const piece = buffer.fill(0).subarray(0, (to - from) * pageSize);
      for (let block = from; block < to; block += 1) {
        const at = (block - from) * pageSize;
        const isTaken = await takeFrom(layers, block, piece, at);
        // The whole file is read on in step, wanted or not.
        if (block < basePages) await (isTaken ? base.read() : base.read(piece, at));
      }
      yield piece;
    }
  } finally {
    for (const pages of open) await pages.close();
  }
}

/** From the newest that has the block; older ones skip it. */
async function takeFrom(layers: readonly Layer[], block: number, piece: Buffer, at: number): Promise<boolean> {
  let isTaken = false;
  for (const layer of layers) {
    if (layer.header.blocks[layer.next] !== block) continue;
    layer.next += 1;
    const isWanted: boolean = !isTaken && block < layer.limit;
    await (isWanted ? layer.pages.read(piece, at) : layer.pages.read());
    isTaken ||= isWanted;
  }
  return isTaken;
}
