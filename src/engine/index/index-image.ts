/**
 * The loaded index as it lies in memory, kept on this machine: to read it again takes a tenth of a second a million blobs, where its files take
 * some seconds to open, decompress and scan. An image says which index files it was made of, and is used only while all of them are there.
 */
import type { KeptFolder } from '../kept/kept-folder.ts';
import type { KeptReader } from '../kept/kept-file.ts';
import { BlobIndex } from './blob-index.ts';
import { allocateIndex, bytesPerEntry } from './index-memory.ts';

/** With a number that changes when the layout of the memory does. */
const imageName = 'index-1';
const idLength = 32;
/** Numbers of index files, packs, blobs, and bytes of slots. */
const countsLength = 16;

export interface IndexImage {
  readonly index: BlobIndex;
  /** The index files whose blobs it has. */
  readonly files: ReadonlySet<string>;
}

/** The image that was kept; undefined where there is none, or where it has an index file that is not among `present`. */
export async function readIndexImage(kept: KeptFolder, present: ReadonlySet<string>): Promise<IndexImage | undefined> {
  return kept.read(imageName, async (reader) => {
    const counts = new Uint32Array(4);
    await reader.fill(new Uint8Array(counts.buffer));
    const [files = 0, packs = 0, blobs = 0, slotBytes = 0] = counts;
    const known = new Set(await readIds(reader, files));
    if (!known.isSubsetOf(present)) throw new Error('it has index files that are gone');
    const shared = allocateIndex(blobs * bytesPerEntry, slotBytes);
    await reader.fill(new Uint8Array(shared.control));
    const packIds = await readIds(reader, packs);
    await reader.fill(new Uint8Array(shared.slots));
    await reader.fill(new Uint8Array(shared.entries));
    const index = new BlobIndex(shared);
    for (const [number, id] of packIds.entries()) index.namePack(number, id);
    if (index.size !== blobs) throw new Error('its counts contradict each other');
    return { index, files: known };
  });
}

/** Keeps an index that has the blobs of these files and no other, as far as it can be kept. Nobody may add to it meanwhile. */
export async function keepIndexImage(kept: KeptFolder, { index, files }: IndexImage): Promise<void> {
  const { control, entries, slots } = index.shared;
  const parts = [
    new Uint8Array(Uint32Array.of(files.size, index.packs.length, index.size, slots.byteLength).buffer),
    writeIds(files),
    new Uint8Array(control),
    writeIds(index.packs),
    new Uint8Array(slots),
    new Uint8Array(entries, 0, index.size * bytesPerEntry),
  ];
  await kept.write(imageName, countsLength + parts.reduce((sum, { length }) => sum + length, 0), parts);
}

function writeIds(ids: Iterable<string>): Buffer {
  return Buffer.from([...ids].join(''), 'hex');
}

async function readIds(reader: KeptReader, count: number): Promise<string[]> {
  if (count * idLength > reader.size) throw new Error('its counts contradict its size');
  const bytes = Buffer.allocUnsafeSlow(count * idLength);
  await reader.fill(bytes);
  return Array.from({ length: count }, (_, at) => bytes.toString('hex', at * idLength, (at + 1) * idLength));
}
