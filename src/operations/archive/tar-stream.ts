/** Entries as the bytes of a tar archive. */
import { HoldfastError } from '../../errors.ts';
import { encodeTarHeader, tarBlock, tarEnd, tarPadding, type TarEntryHeader } from './tar-header.ts';

export interface TarEntry extends TarEntryHeader {
  /** The bytes of a file: as many as its size says. */
  readonly open?: () => AsyncIterable<Uint8Array>;
}

/** What is passed on at once: headers are small. */
const chunkSize = 256 * 1024;
const recordSize = 20 * tarBlock;

/** The archive. Throws `damaged` where a file does not have as many bytes as its entry says, and what reading them throws. */
export async function* makeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = [];
  let [waiting, total] = [0, 0];
  const push = (piece: Uint8Array): void => {
    pieces.push(piece);
    waiting += piece.length;
    total += piece.length;
  };
  const take = (): Uint8Array => {
    const [only] = pieces;
    const chunk = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
    pieces = [];
    waiting = 0;
    return chunk;
  };
  for await (const entry of entries) {
    push(encodeTarHeader(entry));
    for await (const piece of contentOf(entry)) {
      push(piece);
      if (waiting >= chunkSize) yield take();
    }
    push(tarPadding(entry.size));
    if (waiting >= chunkSize) yield take();
  }
  push(tarEnd());
  push(Buffer.alloc((recordSize - (total % recordSize)) % recordSize));
  yield take();
}

async function* contentOf({ open, size, name }: TarEntry): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  if (open !== undefined)
    for await (const piece of open()) {
      read += piece.length;
      if (read > size) break;
      yield piece;
    }
  if (read !== size) throw new HoldfastError('damaged', { object: name, reason: `it does not have the ${size} bytes that it should have` });
}
