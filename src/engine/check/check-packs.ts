import type { BlobIndex } from '../index/blob-index.ts';
import { EntriesByPack } from '../index/entries-by-pack.ts';
import type { PackedBlob } from '../pack/pack-header.ts';
import { packSizeOf } from '../pack/read-pack-header.ts';
import type { Repository } from '../repository.ts';
import type { Findings } from './findings.ts';

/** The packs that can be read: named by an index, and there. */
export interface PackList {
  readonly byPack: EntriesByPack;
  readonly index: BlobIndex;
  /** Numbers in the index. */
  readonly readable: readonly number[];
  /** Every pack file there is. */
  readonly count: number;
  /** Places of blobs in packs. */
  readonly blobs: number;
}

/** Compares what the index says of packs with the files that are there. */
export async function checkPackList(repository: Repository, index: BlobIndex, findings: Findings): Promise<PackList> {
  const byPack = new EntriesByPack(index);
  const indexed = index.packs.length;
  const sizes = new Float64Array(indexed).fill(-1);
  const files = await repository.listFiles('pack');
  for (const { id, size } of files) {
    const pack = index.packNumber(id);
    if (pack < indexed) sizes[pack] = size;
    else findings.notice(`pack ${id}`, 'no index names it: an interrupted run left it, or one that is under way has just written it');
  }
  const readable: number[] = [];
  for (let pack = 0; pack < indexed; pack++) {
    const object = `pack ${index.packs[pack] ?? ''}`;
    const blobs = byPack.blobsOf(pack);
    const size = sizes[pack] ?? -1;
    if (!isContiguous(blobs)) findings.error(object, 'what the index says of its blobs contradicts itself');
    if (size < 0) {
      findings.error(object, `it is missing, and the index names ${blobs.length} blobs in it`);
      continue;
    }
    readable.push(pack);
    const expected = packSizeOf(blobs);
    if (size !== expected) findings.error(object, `it has ${size} bytes, and by the index it should have ${expected}`);
  }
  if (byPack.saidTwice > 0)
    findings.notice('index', `${byPack.saidTwice} blobs are named by more than one index file, as an interrupted prune leaves it`);
  return { byPack, index, readable, count: files.length, blobs: index.size - byPack.saidTwice };
}

function isContiguous(blobs: readonly PackedBlob[]): boolean {
  let offset = 0;
  for (const blob of blobs) {
    if (blob.offset !== offset) return false;
    offset += blob.length;
  }
  return true;
}
