/**
 * Builds packs from blobs that are sealed already, for prune and copy. Trees and data go to separate packs. Blobs come in the order of
 * the packs they were in, which their backup has mixed; so they need no mixing against attacks by chunk size here.
 */
import { createHash, hash, randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { IndexWriter } from '../index/index-writer.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { writeHeaderRecord, type BlobType, type PackedBlob } from './pack-header.ts';

/** A pack is closed when it has reached this size (restic's target). */
const packTarget = 16 * 2 ** 20;
/** Small blobs are collected before they are written. */
const collectAtLeast = 2 ** 20;
const mostCommits = 2;

export interface PackBuilderOptions {
  readonly signal?: AbortSignal;
  /** Read each pack back and compare it with its id before the index names it: before what it replaces is deleted. */
  readonly readBack?: boolean;
}

interface OpenPack {
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: ReturnType<typeof createHash>;
  readonly blobs: PackedBlob[];
  collected: Uint8Array[];
  collectedBytes: number;
  size: number;
}

/** Calls must not overlap. After a failure only `discard` may be called. */
export class PackBuilder {
  /** Packs that are stored. */
  packs = 0;
  bytes = 0;
  readonly #repository: Repository;
  readonly #index: IndexWriter;
  readonly #options: PackBuilderOptions;
  readonly #open = new Map<BlobType, OpenPack>();
  readonly #commits = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  #folder: string | undefined;

  constructor(repository: Repository, index: IndexWriter, options: PackBuilderOptions = {}) {
    this.#repository = repository;
    this.#index = index;
    this.#options = options;
  }

  /** Takes a blob sealed with this repository's key; the bytes are copied. Its pack is stored, and added to the index writer, when it is full. */
  async addSealed(blob: Pick<PackedBlob, 'id' | 'type' | 'uncompressedLength'>, sealed: Uint8Array): Promise<void> {
    this.#throwFailure();
    const pack = this.#open.get(blob.type) ?? (await this.#begin(blob.type));
    pack.blobs.push({
      id: blob.id,
      type: blob.type,
      offset: pack.size,
      length: sealed.length,
      uncompressedLength: blob.uncompressedLength,
    });
    await this.#append(pack, Uint8Array.from(sealed));
    if (pack.size >= packTarget) await this.#close(blob.type, pack);
  }

  /** Stores the packs under way. When it resolves every blob is durable and handed to the index writer, which is still to be finished. */
  async finish(): Promise<void> {
    for (const [type, pack] of this.#open) await this.#close(type, pack);
    await Promise.all(this.#commits);
    this.#throwFailure();
  }

  /** Gives up the packs under way, after those that are being stored are. Does not throw. */
  async discard(): Promise<void> {
    await Promise.all(this.#commits);
    for (const pack of this.#open.values()) {
      await pack.file.close().catch(() => {});
      await rm(pack.path, { force: true }).catch(() => {});
    }
    this.#open.clear();
  }

  async #begin(type: BlobType): Promise<OpenPack> {
    this.#folder ??= (await this.#repository.storage.local?.stagingFolder()) ?? tmpdir();
    const path = join(this.#folder, `holdfast-pack-${randomUUID()}`);
    const file = await this.#attempt(() => open(path, 'wx', 0o600));
    const pack: OpenPack = { path, file, hash: createHash('sha256'), blobs: [], collected: [], collectedBytes: 0, size: 0 };
    this.#open.set(type, pack);
    return pack;
  }

  async #append(pack: OpenPack, bytes: Uint8Array): Promise<void> {
    pack.hash.update(bytes);
    pack.collected.push(bytes);
    pack.collectedBytes += bytes.length;
    pack.size += bytes.length;
    if (pack.collectedBytes >= collectAtLeast) await this.#write(pack);
  }

  async #write(pack: OpenPack): Promise<void> {
    const bytes = Buffer.concat(pack.collected);
    pack.collected = [];
    pack.collectedBytes = 0;
    await this.#attempt(() => pack.file.appendFile(bytes));
  }

  async #close(type: BlobType, pack: OpenPack): Promise<void> {
    const header = Buffer.alloc(pack.blobs.length * 41);
    let used = 0;
    for (const blob of pack.blobs)
      used = writeHeaderRecord(header, used, type, blob.length, blob.uncompressedLength, Buffer.from(blob.id, 'hex'));
    const sealed = this.#repository.sealer.seal(header.subarray(0, used));
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32LE(sealed.length);
    await this.#append(pack, Buffer.concat([sealed, trailer]));
    await this.#write(pack);
    await this.#attempt(() => pack.file.close());
    this.#open.delete(type);
    const commit: Promise<void> = this.#commit(pack)
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => this.#commits.delete(commit));
    this.#commits.add(commit);
    if (this.#commits.size >= mostCommits) await Promise.race(this.#commits);
  }

  async #commit(pack: OpenPack): Promise<void> {
    const { storage } = this.#repository;
    const id = pack.hash.digest('hex');
    const key = keyOf('pack', id);
    try {
      const { signal } = this.#options;
      await storage.putFile(key, pack.path, { sha256: id, ...(signal === undefined ? {} : { signal }) });
    } finally {
      await rm(pack.path, { force: true }).catch(() => {});
    }
    if (this.#options.readBack === true && hash('sha256', await storage.get(key)) !== id)
      throw this.#repository.damaged(key, 'it does not come back as it was written');
    await this.#index.add({ id, blobs: pack.blobs });
    this.packs += 1;
    this.bytes += pack.size;
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const location = this.#folder ?? this.#repository.location;
      if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT'))
        throw new HoldfastError('storage-full', { location }, error);
      throw new HoldfastError('storage-failed', { action: 'write', key: 'a new pack', location, reason: reasonOf(error) }, error);
    }
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
