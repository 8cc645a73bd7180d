/** The blobs of a copy: first the packs that can be taken over as they are, then what is left, one by one into new packs. */
import type { BitSet } from '../index/bit-set.ts';
import { EntriesByPack } from '../index/entries-by-pack.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { PackBuilder } from '../pack/pack-builder.ts';
import { contentLength } from '../pack/pack-header.ts';
import { readSealedBlobs, type SealedBlob } from '../pack/read-sealed-blobs.ts';
import { verifyBlob } from '../pack/read-verified-blobs.ts';
import { throwIfAborted } from '../run-context.ts';
import { BlobResealer } from './blob-resealer.ts';
import { packsAnIndex, type CopiedBlobs, type CopyRun, type WantedBlobs, type WantedPacks } from './copy-run.ts';
import { copyWholePacks } from './copy-whole-packs.ts';

/** Copies those that are needed and not there. What is stored when it fails is kept for the next attempt. */
export async function copyBlobs(run: CopyRun, needed: BitSet): Promise<CopiedBlobs> {
  run.context.events({ type: 'phase', phase: 'copy blobs' });
  const writer = new IndexWriter(run.to);
  const done: CopiedBlobs = { blobs: 0, bytes: 0, wholePacks: 0 };
  const byPack = new EntriesByPack(run.fromIndex);
  const wanted: WantedPacks = () => wantedPacks(run, byPack, needed);
  try {
    const taken = await copyWholePacks(run, wanted, writer, done);
    await copyOneByOne(run, wanted, taken, writer, done);
    await writer.finish();
  } catch (error) {
    // That this, too, may fail changes nothing about what is told.
    await writer.finish().catch(() => {});
    throw error;
  }
  return done;
}

function* wantedPacks({ fromIndex, toIndex }: CopyRun, byPack: EntriesByPack, needed: BitSet): Generator<WantedBlobs> {
  const isWanted = (entry: number): boolean => needed.has(entry) && !toIndex.has(fromIndex.idOf(entry), fromIndex.typeOf(entry));
  for (const [number, pack] of fromIndex.packs.entries()) {
    const entries = byPack.of(number);
    if (!entries.some(isWanted)) continue;
    const all = byPack.blobsOf(number);
    yield { pack, all, blobs: all.filter((_, at) => isWanted(entries[at] ?? 0)) };
  }
}

async function copyOneByOne(
  run: CopyRun,
  wanted: WantedPacks,
  taken: ReadonlySet<string>,
  writer: IndexWriter,
  done: CopiedBlobs,
): Promise<void> {
  const { from, to, fromIndex, context } = run;
  const { events, signal } = context;
  const builder = new PackBuilder(to, writer, { signal });
  const resealer = new BlobResealer(from, to);
  const reading = { repository: from, index: fromIndex, opener: new BlobOpener(from.masterKey), signal };
  let flushedAt = 0;
  try {
    for await (const { pack, blobs } of readAhead(run, wanted, taken)) {
      throwIfAborted(signal);
      for await (const sealed of blobs) {
        const resealed = resealer.resealAsItIs(sealed) ?? resealer.reseal(await verifyBlob(reading, pack, sealed));
        await builder.addSealed(resealed.blob, resealed.sealed);
        done.blobs += 1;
        done.bytes += contentLength(sealed.blob);
      }
      events({ type: 'progress', phase: 'copy blobs', itemsDone: done.blobs, bytesDone: done.bytes });
      if (builder.packs - flushedAt < packsAnIndex) continue;
      await writer.flush();
      flushedAt = builder.packs;
    }
    await builder.finish();
  } catch (error) {
    await builder.discard();
    throw error;
  }
}

interface PackReading {
  readonly pack: string;
  readonly blobs: AsyncIterable<SealedBlob>;
}

/** The sealed blobs of each pack; while one is worked on the beginning of the next is on its way. */
async function* readAhead({ from, context }: CopyRun, wanted: WantedPacks, taken: ReadonlySet<string>): AsyncGenerator<PackReading> {
  let next: PackReading | undefined;
  for (const { pack, blobs } of wanted()) {
    if (taken.has(pack)) continue;
    const begun = { pack, blobs: begin(readSealedBlobs(from, pack, blobs, context.signal)) };
    if (next !== undefined) yield next;
    next = begun;
  }
  if (next !== undefined) yield next;
}

/** Asks for the first one at once; what that throws is told to whoever takes it. */
function begin<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncIterable<Item> {
  const first = items.next();
  first.catch(() => {});
  return (async function* () {
    const { value, done } = await first;
    if (done === true || value === undefined) return;
    yield value;
    yield* items;
  })();
}
