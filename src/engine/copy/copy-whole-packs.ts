/**
 * Packs that go over byte for byte. Where both repositories have the same key a pack of the one is a pack of the other. Nothing is decrypted: the index
 * that names a pack is sealed, and the name is the hash of all its bytes, which is verified.
 */
import { hash } from 'node:crypto';
import { isError } from '../../errors.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { IndexWriter } from '../index/index-writer.ts';
import { keyOf } from '../layout.ts';
import { contentLength, type PackedBlob } from '../pack/pack-header.ts';
import { packSizeOf } from '../pack/read-pack-header.ts';
import { sharesKey } from '../repository.ts';
import { throwIfAborted } from '../run-context.ts';
import { packsAnIndex, type CopiedBlobs, type CopyRun, type WantedBlobs, type WantedPacks } from './copy-run.ts';

/** Of the bytes of a pack's blobs at least so many must be wanted: the rest would be stored there for nothing until a prune. */
const leastWanted = 0.75;
/** Each is held in memory; larger ones are read in pieces. */
const largestWhole = 40 * 2 ** 20;
const atOnce = 3;

/** Takes over what can be; returns the names of those packs. A pack that is not as its name says is left to be read blob by blob. */
export async function copyWholePacks(run: CopyRun, wanted: WantedPacks, writer: IndexWriter, done: CopiedBlobs): Promise<Set<string>> {
  const taken = new Set<string>();
  const { from, to, context } = run;
  // Compressed blobs must not come to version 1, and those of version 1 are compressed on their way to version 2.
  if (from.config.version !== to.config.version || !sharesKey(from, to)) return taken;
  await mapConcurrently(worthTaking(wanted), atOnce, async ({ pack, blobs, all }) => {
    throwIfAborted(context.signal);
    const bytes = await readWhole(run, pack, packSizeOf(all));
    if (bytes === undefined) return;
    await putOnce(run, pack, bytes);
    await writer.add({ id: pack, blobs: all });
    taken.add(pack);
    done.wholePacks += 1;
    done.blobs += blobs.length;
    done.bytes += blobs.reduce((sum, blob) => sum + contentLength(blob), 0);
    context.events({ type: 'progress', phase: 'copy blobs', itemsDone: done.blobs, bytesDone: done.bytes });
    if (taken.size % packsAnIndex === 0) await writer.flush();
  });
  return taken;
}

function* worthTaking(wanted: WantedPacks): Generator<WantedBlobs> {
  for (const each of wanted()) {
    if (packSizeOf(each.all) <= largestWhole && sealedBytes(each.blobs) >= sealedBytes(each.all) * leastWanted) yield each;
  }
}

function sealedBytes(blobs: readonly PackedBlob[]): number {
  return blobs.reduce((sum, { length }) => sum + length, 0);
}

/** The size is what the index makes of it: one that has left a blob out does not come by the hash either. */
async function readWhole({ from, context }: CopyRun, pack: string, size: number): Promise<Uint8Array | undefined> {
  try {
    const bytes = await from.storage.get(keyOf('pack', pack), { offset: 0, length: size }, context.signal);
    return hash('sha256', bytes) === pack ? bytes : undefined;
  } catch (error) {
    if (isError(error, 'storage-missing') || isError(error, 'storage-short')) return undefined;
    throw error;
  }
}

/** A copy that was killed may have left it there, in no index; then it is read back, for nobody has yet. */
async function putOnce({ to, context: { signal } }: CopyRun, pack: string, bytes: Uint8Array): Promise<void> {
  const key = keyOf('pack', pack);
  try {
    await to.storage.put(key, bytes, { ifAbsent: true, signal });
  } catch (error) {
    if (!isError(error, 'storage-exists')) throw error;
    if (hash('sha256', await to.storage.get(key, undefined, signal)) !== pack) await to.storage.put(key, bytes, { signal });
  }
}
