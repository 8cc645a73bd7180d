/**
 * `pages.map`: eight bytes of hash for every page of every relation file, as they were streamed into a base backup. That is 0.1 % of the database, and never in memory as a
 * whole: while files stream by, their hashes go to a temporary file, and from there sorted by path into the snapshot; of the previous map a copy lies in another.
 *
 * The format: `HFPAGES1`, page size and hash length (4 bytes each, little-endian); for each file the length of its path (2), the path, its pages (4), its hashes; then a
 * path of length 0 and the number of files (4). Sorted by the bytes of the paths, so that the maps of two backups have in common what has not changed.
 */
import { HoldfastError } from '../../../errors.ts';
import { hashLength } from './page-hasher.ts';
import { ScratchFile } from './scratch-file.ts';

const magic = 'HFPAGES1';
const headerSize = 16;
const longestPath = 4096;
const pieceSize = 1024 * 1024;

/** A map under construction. */
export class PageMapWriter {
  readonly #pageSize: number;
  readonly #file: ScratchFile;
  readonly #places: { readonly path: Buffer; readonly offset: number; readonly pages: number }[] = [];

  /** The folder is for temporary files. */
  constructor(folder: string, pageSize: number) {
    this.#pageSize = pageSize;
    this.#file = new ScratchFile(folder);
  }

  /** Each path once. */
  add(path: string, hashes: Buffer): void {
    const bytes = Buffer.from(path, 'utf8');
    if (bytes.length === 0 || bytes.length > longestPath)
      throw new HoldfastError('internal', { reason: `a page map cannot hold "${path}"` });
    this.#places.push({ path: bytes, offset: this.#file.size, pages: hashes.length / hashLength });
    this.#file.append(hashes);
  }

  /** The whole map. Afterwards nothing more may be added. */
  *stream(): Generator<Uint8Array, void, undefined> {
    const header = Buffer.alloc(headerSize);
    header.write(magic, 'latin1');
    header.writeUInt32LE(this.#pageSize, 8);
    header.writeUInt32LE(hashLength, 12);
    yield header;
    for (const { path, offset, pages } of this.#places.toSorted((a, b) => a.path.compare(b.path))) {
      const record = Buffer.alloc(2 + path.length + 4);
      record.writeUInt16LE(path.length, 0);
      path.copy(record, 2);
      record.writeUInt32LE(pages, 2 + path.length);
      yield record;
      const end = offset + pages * hashLength;
      for (let at = offset; at < end; at += pieceSize) yield this.#file.read(at, Math.min(pieceSize, end - at));
    }
    const trailer = Buffer.alloc(6);
    trailer.writeUInt32LE(this.#places.length, 2);
    yield trailer;
  }

  close(): void {
    this.#file.close();
  }
}

interface Place {
  readonly offset: number;
  readonly pages: number;
}

/** The map of an earlier backup. */
export class PageMap {
  readonly #file: ScratchFile;
  readonly #places: ReadonlyMap<string, Place>;

  constructor(file: ScratchFile, places: ReadonlyMap<string, Place>) {
    this.#file = file;
    this.#places = places;
  }

  /** The hashes of a file's pages, in order; undefined where the map does not know the file. */
  read(path: string): Buffer | undefined {
    const place = this.#places.get(path);
    return place === undefined ? undefined : this.#file.read(place.offset, place.pages * hashLength);
  }

  close(): void {
    this.#file.close();
  }
}

/** Copies a map to a temporary file and opens it there. Throws `damaged` for anything but a map of that page size. */
export async function openPageMap(name: string, bytes: AsyncIterable<Uint8Array>, folder: string, pageSize: number): Promise<PageMap> {
  const file = new ScratchFile(folder);
  try {
    for await (const chunk of bytes) file.append(chunk);
    return new PageMap(file, readPlaces(name, file, pageSize));
  } catch (error) {
    file.close();
    throw error;
  }
}

function readPlaces(name: string, file: ScratchFile, pageSize: number): Map<string, Place> {
  const fail = (reason: string): HoldfastError => new HoldfastError('damaged', { object: name, reason });
  const read = (at: number, length: number): Buffer => {
    if (at + length > file.size) throw fail('it ends too early');
    return file.read(at, length);
  };
  const header = read(0, headerSize);
  if (header.toString('latin1', 0, 8) !== magic || header.readUInt32LE(12) !== hashLength)
    throw fail('it is not a page map of a kind that this version knows');
  if (header.readUInt32LE(8) !== pageSize) throw fail(`its pages have ${header.readUInt32LE(8)} bytes, and the cluster's ${pageSize}`);
  const places = new Map<string, Place>();
  for (let at = headerSize; ;) {
    const length = read(at, 2).readUInt16LE(0);
    if (length > longestPath) throw fail('it holds a path that is too long');
    const record = read(at + 2, length + 4);
    const pages = record.readUInt32LE(length);
    at += 2 + length + 4;
    if (length === 0) {
      if (pages !== places.size || at !== file.size) throw fail('its end does not fit what is before it');
      return places;
    }
    const path = record.toString('utf8', 0, length);
    if (places.has(path)) throw fail(`it names ${path} twice`);
    places.set(path, { offset: at, pages });
    at += pages * hashLength;
    if (at > file.size) throw fail('it ends too early');
  }
}
