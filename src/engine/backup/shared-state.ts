/**
 * What the threads of one backup share: the memory that file contents are read into, and a queue of jobs. A job is a run of blobs
 * in that memory; the engine thread publishes it, any blob worker takes it, and 32-byte hashes come back in the order of publication.
 */
import { rabinTablesSize } from '../chunk/rabin-tables.ts';
import { sealerScratchSize } from '../crypto/sealer.ts';
import { compressBound } from '../pack/zstd-codec.ts';

/** Chunk sizes of the format (restic's chunker): the last 20 bits of the digest decide in between. */
export const leastChunk = 512 * 1024;
export const mostChunk = 8 * 1024 * 1024;
export const cutMask = 0xfffffn;

/** Room for the longest chunk and for reading on behind it. */
export const regionSize = mostChunk + 1024 * 1024;

/** One region is filled while the others are worked off: two do for two workers, more workers want more. */
export function regionCount(threads: number): number {
  return Math.max(2, Math.ceil(threads / 2));
}

/** Jobs, and blobs in them, that may be under way at once. Powers of two. */
export const jobSlots = 4096;
export const blobSlots = 32768;

/** Packs that may wait for the storage before the workers pause. */
export const mostWaitingPacks = 6;

/** Sealed blobs are collected up to this size before they are written to the staging file. */
const flushSize = 1024 * 1024;

// Words of `control`.
export const control = {
  published: 0,
  claimed: 1,
  closed: 2,
  done: 3,
  aborted: 4,
  waitingPacks: 5,
  inbox: 6,
  streamBytes: 7,
  nextPack: 8,
} as const;
// Numbers of `counters`.
export const counter = { files: 0, bytes: 1, folders: 2 } as const;

export interface SharedState {
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** Three words a job: first blob, end, done. */
  readonly jobs: SharedArrayBuffer;
  /** Two words a blob: address, length. */
  readonly blobs: SharedArrayBuffer;
  /** 32 bytes a blob. */
  readonly hashes: SharedArrayBuffer;
  /** Progress, written by the engine thread alone. */
  readonly counters: SharedArrayBuffer;
}

/** Memory that one thread writes its packs with. */
export interface ThreadMemory {
  readonly scratch: number;
  /** Where sealed blobs are collected. */
  readonly pack: number;
  readonly packSize: number;
  /** Where blobs are opened again before they leave: decrypted, and decompressed. */
  readonly opened: number;
  readonly inflated: number;
  /** Where a blob is put that does not come from a region: trees. */
  readonly input: number;
}

const tablesAt = 65536;
const threadsAt = tablesAt + 65536;
const packSize = flushSize + compressBound(mostChunk) + 64;
const threadSize = sealerScratchSize + packSize + 2 * compressBound(mostChunk) + mostChunk + 64;

export const rabinTablesAddress = tablesAt;

export function threadMemory(thread: number): ThreadMemory {
  const scratch = threadsAt + thread * roundUp(threadSize);
  const pack = scratch + sealerScratchSize;
  const opened = roundUp(pack + packSize, 16);
  const inflated = roundUp(opened + compressBound(mostChunk), 16);
  return { scratch, pack, packSize, opened, inflated, input: roundUp(inflated + compressBound(mostChunk), 16) };
}

/** First address of a region of file contents. */
export function regionAddress(threads: number, region: number): number {
  return threadMemory(threads).scratch + region * regionSize;
}

/** Bytes of memory for a number of threads (the engine thread counted). */
export function memorySize(threads: number): number {
  return regionAddress(threads, regionCount(threads)) + rabinTablesSize;
}

export function createSharedState(memory: WebAssembly.Memory): SharedState {
  return {
    memory,
    control: new SharedArrayBuffer(64),
    jobs: new SharedArrayBuffer(jobSlots * 12),
    blobs: new SharedArrayBuffer(blobSlots * 8),
    hashes: new SharedArrayBuffer(blobSlots * 32),
    counters: new SharedArrayBuffer(64),
  };
}

function roundUp(size: number, unit = 65536): number {
  return Math.ceil(size / unit) * unit;
}
