/**
 * Writes packs from inside a thread: each blob is compressed and sealed straight into shared memory, opened again and compared with
 * what it was made of, and only then written to the pack's staging file. A finished pack is handed over by message; the main
 * thread commits it to the storage.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { HoldfastError } from '../../errors.ts';
import { BufferSealer, sealOverhead, type Sealer } from '../crypto/sealer.ts';
import { encodePackHeader } from '../index/index-file.ts';
import { visitPackHeader, writeHeaderRecord, type BlobType } from '../pack/pack-header.ts';
import { compressBound, compressFrame, decompressFrame, type ZstdCodec } from '../pack/zstd-codec.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { BackupAborted } from './job-queue.ts';
import { control, mostChunk, mostWaitingPacks, type SharedState, type ThreadMemory } from './shared-state.ts';

/** A pack is closed when it has reached this size (restic's target). */
const packTarget = 16 * 1024 * 1024;
const flushAt = 1024 * 1024;

export interface FinishedPack {
  readonly id: string;
  readonly type: BlobType;
  readonly path: string;
  /** Its number in the blob index, which already says where its blobs are. */
  readonly number: number;
  readonly blobs: number;
  /** Its piece of an index file. */
  readonly indexed: Uint8Array;
}

export interface PackWriterOptions {
  readonly type: BlobType;
  readonly masterKey: MasterKey;
  readonly sealer: Sealer;
  readonly codec: ZstdCodec;
  readonly memory: ThreadMemory;
  readonly shared: SharedState;
  /** Where staging files go: this text and a number. */
  readonly stagingPrefix: string;
  readonly compress: boolean;
  readonly port: MessagePort;
  readonly index: BlobIndex;
}

export class PackWriter {
  /** Blobs written, their plain size, and their size in packs. */
  readonly totals = { blobs: 0, plain: 0, stored: 0 };
  readonly #options: PackWriterOptions;
  readonly #control: Int32Array;
  #file = -1;
  #path = '';
  #packs = 0;
  #hash: Hash = createHash('sha256');
  #size = 0;
  #collected = 0;
  #header = Buffer.alloc(16384);
  #headerUsed = 0;
  #entries: number[] = [];

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#control = new Int32Array(options.shared.control);
  }

  /** Adds a blob that lies at `address` of the shared memory; `entry` is its claim in the index. */
  add(entry: number, id: Uint8Array, address: number, length: number): void {
    const { sealer, memory, compress, codec } = this.#options;
    this.#begin();
    if (this.#collected + compressBound(length) + 64 > memory.packSize) this.#flush();
    const at = memory.pack + this.#collected;
    const packed = compress ? codec.compress(sealer.bytes.subarray(address, address + length), sealer.bytes, at + 16) : -1;
    if (packed < 0) sealer.bytes.copyWithin(at + 16, address, address + length);
    const sealed = sealer.sealAt(at, packed < 0 ? length : packed);
    this.#verify(id, at, sealed, address, length, packed >= 0);
    this.#collected += sealed;
    this.#record(entry, id, sealed, packed < 0 ? 0 : length, length);
  }

  /** Adds a blob of any size from a buffer: trees. */
  addBuffer(entry: number, id: Uint8Array, content: Uint8Array): void {
    const { sealer, memory } = this.#options;
    if (content.length <= mostChunk) {
      sealer.bytes.set(content, memory.input);
      this.add(entry, id, memory.input, content.length);
      return;
    }
    this.#begin();
    this.#flush();
    const whole = new BufferSealer(this.#options.masterKey);
    const frame = this.#options.compress ? compressFrame(content) : content;
    const sealed = whole.seal(frame);
    const opened = whole.open(sealed);
    const back = opened && (this.#options.compress ? decompressFrame(opened, content.length) : opened);
    if (!back || Buffer.compare(back, content) !== 0) throw unreliable(id);
    this.#write(sealed);
    this.#record(entry, id, sealed.length, this.#options.compress ? content.length : 0, content.length);
  }

  /** Closes the pack under way. */
  finish(): void {
    if (this.#file < 0) return;
    const { sealer, memory, masterKey, port, index } = this.#options;
    const header = this.#header.subarray(0, this.#headerUsed);
    this.#flush();
    if (header.length + sealOverhead > memory.packSize) this.#write(new BufferSealer(masterKey).seal(header));
    else {
      sealer.bytes.set(header, memory.pack + 16);
      this.#collected = sealer.sealAt(memory.pack, header.length);
      this.#flush();
    }
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32LE(header.length + sealOverhead);
    this.#write(trailer);
    closeSync(this.#file);
    this.#file = -1;
    const id = this.#hash.digest('hex');
    const number = Atomics.add(this.#control, control.nextPack, 1);
    let blobs = 0;
    visitPackHeader(header, (_, __, offset, length, uncompressedLength) => {
      index.settle(this.#entries[blobs++] ?? 0, number, offset, length, uncompressedLength);
    });
    const pack: FinishedPack = { id, type: this.#options.type, path: this.#path, number, blobs, indexed: encodePackHeader(id, header) };
    Atomics.add(this.#control, control.waitingPacks, 1);
    port.postMessage({ type: 'pack', pack }, isOwned(pack.indexed) ? [pack.indexed.buffer] : []);
  }

  #begin(): void {
    if (this.#file >= 0) return;
    this.#waitForStorage();
    this.#path = `${this.#options.stagingPrefix}${this.#packs}`;
    this.#packs += 1;
    this.#file = openSync(this.#path, 'wx', 0o600);
    this.#hash = createHash('sha256');
    this.#size = 0;
    this.#headerUsed = 0;
    this.#entries = [];
  }

  /** Back-pressure: a storage slower than the source must not fill the staging folder. */
  #waitForStorage(): void {
    for (;;) {
      if (Atomics.load(this.#control, control.aborted) !== 0) throw new BackupAborted();
      const waiting = Atomics.load(this.#control, control.waitingPacks);
      if (waiting < mostWaitingPacks) return;
      Atomics.wait(this.#control, control.waitingPacks, waiting, 200);
    }
  }

  #record(entry: number, id: Uint8Array, sealed: number, uncompressedLength: number, length: number): void {
    if (this.#headerUsed + 41 > this.#header.length) this.#header = Buffer.concat([this.#header, Buffer.alloc(this.#header.length)]);
    this.#headerUsed = writeHeaderRecord(this.#header, this.#headerUsed, this.#options.type, sealed, uncompressedLength, id);
    this.#entries.push(entry);
    this.totals.blobs += 1;
    this.totals.plain += length;
    this.totals.stored += sealed;
    if (this.#collected >= flushAt) this.#flush();
    if (this.#size + this.#collected >= packTarget) this.finish();
  }

  /** Decrypts, decompresses and compares what was just sealed: a faulty CPU or memory must not reach the repository. */
  #verify(id: Uint8Array, at: number, sealed: number, address: number, length: number, compressed: boolean): void {
    const { sealer, memory, codec } = this.#options;
    const opened = sealer.openAt(at, sealed, memory.opened);
    let content = memory.opened;
    if (compressed && opened >= 0) {
      content = memory.inflated;
      const frame = sealer.bytes.subarray(memory.opened, memory.opened + opened);
      if (!codec.decompress(frame, sealer.bytes, memory.inflated, length)) throw unreliable(id);
    }
    if (opened < 0 || sealer.kernels.equalBytes(content, address, length) === 0) throw unreliable(id);
  }

  #flush(): void {
    if (this.#collected === 0) return;
    const { sealer, memory } = this.#options;
    this.#write(sealer.bytes.subarray(memory.pack, memory.pack + this.#collected));
    this.#collected = 0;
  }

  #write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done, bytes.length - done);
    this.#size += bytes.length;
  }
}

/** Hashes blobs, and enters them in the index; one a thread. */
export class BlobClaimer {
  /** The hash of the last blob. */
  readonly hash = new Uint8Array(32);
  readonly #words = new Uint32Array(this.hash.buffer);
  readonly #index: BlobIndex;

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  /** Hashes a blob into `hash`. Its entry in the index when the repository does not have it and the caller is to store it, else -1. */
  claim(content: Uint8Array, type: BlobType): number {
    this.hash.set(hash('sha256', content, 'buffer'));
    return this.#index.claim(this.#words, type);
  }
}

/** Whether a buffer's memory is its alone and may be handed to another thread. */
function isOwned(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.length;
}

function unreliable(id: Uint8Array): HoldfastError {
  return new HoldfastError('machine-unreliable', { id: Buffer.from(id).toString('hex') });
}
