/**
 * Makes a repository large without its bytes: real index files and snapshots, sealed as ever, that name packs which are not there. What the
 * repository holds already stays whole, so that its own points can be listed, restored and backed up upon.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { mapConcurrently } from '../../../src/engine/concurrency.ts';
import { encodePack, joinIndex } from '../../../src/engine/index/index-file.ts';
import { sealOverhead } from '../../../src/engine/crypto/sealer.ts';
import type { PackedBlob } from '../../../src/engine/pack/pack-header.ts';
import type { Repository } from '../../../src/engine/repository.ts';
import { loadSnapshots } from '../../../src/engine/snapshots/load-snapshots.ts';
import { saveSnapshot } from '../../../src/engine/snapshots/save-snapshot.ts';
import { formatTime, parseTime } from '../../../src/engine/tree/time.ts';

export interface Growth {
  /** Snapshots to add. Each is one of those that are there, with an earlier time. */
  readonly snapshots: number;
  /** Blobs to add to the index. */
  readonly blobs: number;
  /** In how many index files. By default as few as restic would write: 50 000 blobs in each. */
  readonly indexFiles?: number;
  /** The same seed gives the same blobs and packs. */
  readonly seed?: string;
}

const mostBlobsAFile = 50_000;
const packBytes = 16 * 2 ** 20;
/** One pack in so many holds trees. */
const treePackShare = 12;
const hour = 3_600_000_000_000n;
const atOnce = 16;

/** Adds snapshots and index files. The repository must have a snapshot. */
export async function growRepository(repository: Repository, growth: Growth): Promise<void> {
  await addIndexFiles(repository, growth);
  if (growth.snapshots > 0) await addSnapshots(repository, growth.snapshots);
}

async function addSnapshots(repository: Repository, count: number): Promise<void> {
  const own = await loadSnapshots(repository);
  const [oldest] = own;
  if (oldest === undefined) throw new Error('The repository has no snapshot to make others of.');
  const newest = parseTime(oldest.snapshot.time);
  const numbers = Array.from({ length: count }, (_, number) => number);
  await mapConcurrently(numbers, atOnce, async (number) => {
    const { snapshot } = own[number % own.length] ?? oldest;
    await saveSnapshot(repository, { ...snapshot, time: formatTime(newest - hour * BigInt(number + 1)) });
  });
}

async function addIndexFiles(repository: Repository, { blobs, indexFiles, seed = 'growth' }: Growth): Promise<void> {
  const files = Math.max(1, indexFiles ?? Math.ceil(blobs / mostBlobsAFile));
  const chance = new Chance(seed);
  for (let file = 0; file < files; file += 1) {
    let left = Math.floor((blobs * (file + 1)) / files) - Math.floor((blobs * file) / files);
    const packs: Buffer[] = [];
    while (left > 0) {
      const pack = makePack(chance, left);
      left -= pack.length;
      packs.push(encodePack({ id: chance.id(), blobs: pack }));
    }
    if (packs.length > 0) await repository.writeFile('index', joinIndex(packs));
  }
}

/** Blobs of 500 bytes to 2 MB, small ones as frequent as large ones, as a mixture of small and large files has them: about a hundred a pack. */
function makePack(chance: Chance, most: number): PackedBlob[] {
  const type = chance.below(treePackShare) === 0 ? 'tree' : 'data';
  const blobs: PackedBlob[] = [];
  let offset = 0;
  while (blobs.length < most && offset < packBytes) {
    const plain = Math.floor(500 * 2 ** (chance.below(12_000) / 1000));
    const isCompressed = type === 'tree' || chance.below(3) > 0;
    const length = (isCompressed ? Math.ceil(plain * 0.4) : plain) + sealOverhead;
    blobs.push({ id: chance.id(), type, offset, length, uncompressedLength: isCompressed ? plain : 0 });
    offset += length;
  }
  return blobs;
}

const chunk = 1 << 20;

/** Random bytes of a seed. */
class Chance {
  readonly #cipher;
  #bytes = Buffer.alloc(0);
  #at = 0;

  constructor(seed: string) {
    const key = createHash('sha256').update(seed).digest();
    this.#cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  }

  id(): string {
    return this.#take(32).toString('hex');
  }

  below(limit: number): number {
    return this.#take(4).readUInt32LE() % limit;
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = this.#cipher.update(Buffer.alloc(chunk));
      this.#at = 0;
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
