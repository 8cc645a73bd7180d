/** What the steps of a copy share. */
import type { BlobIndex } from '../index/blob-index.ts';
import type { PackedBlob } from '../pack/pack-header.ts';
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';

/** After this many packs an index file is written, so that an interrupted copy does not begin anew. */
export const packsAnIndex = 64;

export interface CopyRun {
  readonly from: Repository;
  readonly to: Repository;
  readonly fromIndex: BlobIndex;
  readonly toIndex: BlobIndex;
  readonly context: RunContext;
}

/** What is wanted of one pack. */
export interface WantedBlobs {
  readonly pack: string;
  readonly blobs: readonly PackedBlob[];
  /** All that the pack holds, wanted or not. */
  readonly all: readonly PackedBlob[];
}

export interface CopiedBlobs {
  blobs: number;
  /** Bytes of content. */
  bytes: number;
  wholePacks: number;
}

/** Blobs to copy, by pack. Made anew each time it is walked: all of a large repository at once would be too much. */
export type WantedPacks = () => Generator<WantedBlobs>;
