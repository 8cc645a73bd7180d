/**
 * Cuts file contents into blobs, in place: bytes are read straight into one of a few regions of shared memory, and only addresses
 * go to the workers. A region is used again when every blob in it is stored.
 */
import {
  rabinTablesAddress,
  cutMask,
  leastChunk,
  mostChunk,
  regionAddress,
  regionCount,
  regionSize,
  type SharedState,
} from './shared-state.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { degree } from '../chunk/polynomial.ts';
import { writeRabinTables } from '../chunk/rabin-tables.ts';
import { JobPublisher } from './job-queue.ts';

/** What blobs belong to: told of each one under way, and of its hash, in order. */
export interface BlobOwner {
  expect(): void;
  add(hash: string): void;
}

/** Reads up to `most` bytes to an address; returns how many, 0 at the end. */
export type ReadInto = (address: number, most: number) => number;

const readSize = 1024 * 1024;
/** Bytes of a blob of content that is cut without a scan: whole pages, and as many as the format's chunks have on average. */
export const fixedChunk = 1024 * 1024;
/** A job of small files: as many as make the hand-over cheap, few enough to keep all workers busy. */
const jobBytes = 256 * 1024;
const jobBlobs = 64;
/** Bytes of content from which a second worker does more than its start costs. */
const worthAllWorkers = 4 * 1024 * 1024;
/** Small files use no more of a region than this, so that a run of them touches little memory; three times as much is ample to keep all workers busy. */
const smallFilesLimit = 2 * 1024 * 1024;

export class ContentChunker {
  readonly bytes: Uint8Array;
  readonly #kernels: Kernels;
  readonly #queue: JobPublisher;
  readonly #threads: number;
  readonly #shift: bigint;
  readonly #regions: number[];
  readonly #jobsInRegion: number[];
  /** The files that the blobs under way belong to, and the region of each job, oldest first. */
  readonly #owners = new Fifo<BlobOwner>();
  readonly #jobRegions = new Fifo<number>();
  readonly #onDemand: (workers: number) => void;
  #workers = 0;
  #published = 0;
  #region = 0;
  #used = 0;
  #openBlobs = 0;
  #openBytes = 0;

  /** @param onDemand called when so many workers are wanted: one at the first blob, all when there is much to do. */
  constructor(shared: SharedState, threads: number, kernels: Kernels, polynomial: bigint, onDemand: (workers: number) => void) {
    this.#onDemand = onDemand;
    this.#threads = threads;
    this.bytes = new Uint8Array(shared.memory.buffer);
    this.#kernels = kernels;
    this.#queue = new JobPublisher(shared);
    this.#shift = BigInt(degree(polynomial) - 8);
    this.#regions = Array.from({ length: regionCount(threads) }, (_, region) => regionAddress(threads, region));
    this.#jobsInRegion = this.#regions.map(() => 0);
    writeRabinTables(new BigUint64Array(shared.memory.buffer, rabinTablesAddress, 512), polynomial);
  }

  /** Reads a file of at most `leastChunk` bytes, which is one blob. Returns its size; a file that has grown is read no further than `size`. */
  addSmall(content: BlobOwner, size: number, read: ReadInto): number {
    if (this.#used + size > smallFilesLimit) this.#nextRegion();
    const address = this.#base + this.#used;
    let length = 0;
    while (length < size) {
      const got = read(address + length, size - length);
      if (got === 0) break;
      length += got;
    }
    if (length > 0) {
      this.#addBlob(content, address, length);
      this.#used += (length + 15) & ~15;
      if (this.#openBlobs >= jobBlobs || this.#openBytes >= jobBytes) this.#publish();
    }
    this.collect(false);
    return length;
  }

  /** Reads content of any size to its end. Returns its size. */
  addLarge(content: BlobOwner, read: ReadInto, progress: (bytes: number) => void): number {
    this.#publish();
    if (this.#used > regionSize / 2) this.#nextRegion();
    let start = this.#base + this.#used;
    let fill = start;
    let scanned = 0;
    let total = 0;
    for (;;) {
      if (fill === this.#base + regionSize) {
        const unfinished = fill - start;
        start = this.#carryOver(start, unfinished);
        fill = start + unfinished;
      }
      const got = read(fill, Math.min(readSize, this.#base + regionSize - fill));
      if (got === 0) break;
      fill += got;
      total += got;
      progress(got);
      for (let cut = this.#findCut(start, fill - start, scanned); ; cut = this.#findCut(start, fill - start, scanned)) {
        if (cut < 0) {
          scanned = -cut - 1;
          break;
        }
        this.#addBlob(content, start, cut);
        this.#publish();
        start += cut;
        scanned = 0;
      }
      this.collect(false);
    }
    if (fill > start) this.#addBlob(content, start, fill - start);
    this.#publish();
    this.#used = Math.min(regionSize, (fill - this.#base + 15) & ~15);
    return total;
  }

  /**
   * Reads content of any size to its end and cuts it every `fixedChunk` bytes, without a scan. Returns its size. Content of less shares its job
   * with what comes next.
   */
  addFixed(content: BlobOwner, read: ReadInto, progress: (bytes: number) => void): number {
    for (let total = 0; ;) {
      if (this.#used + fixedChunk > regionSize) this.#nextRegion();
      const address = this.#base + this.#used;
      let length = 0;
      for (let got = read(address, fixedChunk); got > 0; got = read(address + length, fixedChunk - length)) {
        length += got;
        progress(got);
        if (length === fixedChunk) break;
      }
      if (length > 0) {
        this.#addBlob(content, address, length);
        this.#used += (length + 15) & ~15;
        if (this.#openBlobs >= jobBlobs || this.#openBytes >= jobBytes) this.#publish();
      }
      this.collect(false);
      total += length;
      if (length < fixedChunk) return total;
    }
  }

  /** Takes finished jobs off the queue. With `wait`, sleeps for the oldest. False when there was none to take. */
  collect(wait: boolean): boolean {
    let any = false;
    while (this.#queue.collect(wait && !any, (hash) => this.#owners.shift()?.add(hash))) {
      const region = this.#jobRegions.shift() ?? 0;
      this.#jobsInRegion[region] = (this.#jobsInRegion[region] ?? 1) - 1;
      any = true;
    }
    return any;
  }

  /** Hands over what is left and waits until every blob is stored. */
  finish(): void {
    this.#publish();
    while (this.collect(true));
    this.#queue.close();
  }

  get #base(): number {
    return this.#regions[this.#region] ?? 0;
  }

  /** The length of the chunk that begins at `start`, or -1 - (bytes scanned so far) when its end is not there yet. */
  #findCut(start: number, available: number, scanned: number): number {
    if (available < leastChunk) return -1 - scanned;
    const to = Math.min(available, mostChunk);
    const from = Math.max(leastChunk - 1, scanned);
    const cut = to > from ? this.#kernels.rabinScan(start, from, to, rabinTablesAddress, this.#shift, cutMask) : -1;
    if (cut >= 0) return cut;
    return available >= mostChunk ? mostChunk : -1 - to;
  }

  #addBlob(content: BlobOwner, address: number, length: number): void {
    while (this.#queue.isFull) {
      this.#publish();
      this.collect(true);
    }
    this.#queue.add(address, length);
    content.expect();
    this.#owners.push(content);
    this.#openBlobs += 1;
    this.#openBytes += length;
  }

  #publish(): void {
    if (this.#openBlobs === 0) return;
    this.#published += this.#openBytes;
    this.#want(this.#published < worthAllWorkers ? 1 : this.#threads - 1);
    this.#queue.publish();
    this.#jobRegions.push(this.#region);
    this.#jobsInRegion[this.#region] = (this.#jobsInRegion[this.#region] ?? 0) + 1;
    this.#openBlobs = 0;
    this.#openBytes = 0;
  }

  #want(workers: number): void {
    if (workers <= this.#workers) return;
    this.#workers = workers;
    this.#onDemand(workers);
  }

  /** Moves on to a free region: the first, so that little memory is touched. Waits until there is one. */
  #nextRegion(): void {
    this.#publish();
    for (;;) {
      const free = this.#jobsInRegion.indexOf(0);
      if (free >= 0) {
        this.#region = free;
        this.#used = 0;
        return;
      }
      this.collect(true);
    }
  }

  /** Moves the beginning of an unfinished chunk to the start of the next region. Returns its new address. */
  #carryOver(start: number, length: number): number {
    this.#publish();
    const held = this.#region;
    this.#jobsInRegion[held] = (this.#jobsInRegion[held] ?? 0) + 1;
    this.#nextRegion();
    this.#jobsInRegion[held] = (this.#jobsInRegion[held] ?? 1) - 1;
    this.bytes.copyWithin(this.#base, start, start + length);
    return this.#base;
  }
}

/** A queue that lets go of what was taken. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
