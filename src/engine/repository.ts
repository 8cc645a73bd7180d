/**
 * A repository in restic's format, opened: its keys, its files, its blobs. Everything read is verified against its hash and its
 * seal; what does not fit is `damaged`, never used.
 */
import { hash } from 'node:crypto';
import { systemClock, type Clock } from '../util/clock.ts';
import { HoldfastError, isError, reasonOf } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { createKeyFile } from './crypto/key-file.ts';
import { createMasterKey, sameKey, type MasterKey } from './crypto/master-key.ts';
import { releaseBuffer } from '../util/release-buffer.ts';
import { BufferSealer } from './crypto/sealer.ts';
import type { BlobIndex, BlobPlace } from './index/blob-index.ts';
import { loadBlobIndex } from './index/load-index.ts';
import { readIntoIndex } from './index/read-into-index.ts';
import { KeptFolder } from './kept/kept-folder.ts';
import { findKey } from './keys/find-key.ts';
import { configKey, folderOf, idOf, keyOf, type FileType } from './layout.ts';
import { listIds } from './list-ids.ts';
import { contentLength, mostPlainBytes, type BlobType } from './pack/pack-header.ts';
import { compressFrame, decompressFrame } from './pack/zstd-codec.ts';
import { createConfig, decodeConfig, encodeConfig, type RepositoryConfig } from './repository-config.ts';

export { mostPlainBytes };

const compressedMark = 2;

export interface InitOptions {
  readonly password: string;
  /** 2 unless an old program must read it. */
  readonly version?: 1 | 2;
  /** Another repository's, so that copies between the two are deduplicated. Random by default. */
  readonly polynomial?: bigint;
  /** Another repository's, so that copies between the two take whole packs. Random by default, so that what opens one opens no other. */
  readonly masterKey?: MasterKey;
  readonly clock?: Clock;
}

export interface OpenOptions {
  /** Or a function that is asked once it is known that there is a repository. */
  readonly password: string | (() => Promise<string>);
  readonly clock?: Clock;
  /** Once the repository's id is known: the storage that everything is read and written through from then on, such as one with a cache. */
  readonly through?: (storage: Storage, repositoryId: string) => Storage;
  /** A folder of this machine for what is worked out from the repository's files and saves the next run that time. Sealed; undefined keeps nothing. */
  readonly keepIn?: (repositoryId: string) => string | undefined;
}

/** A file of the repository as listing shows it. */
export interface RepositoryFile {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/** Creates an empty repository and opens it. Throws `repository-exists`. */
export async function initRepository(storage: Storage, options: InitOptions): Promise<Repository> {
  const clock = options.clock ?? systemClock;
  await storage.create();
  if (await storage.stat(configKey)) throw new HoldfastError('repository-exists', { location: storage.location });
  const master = options.masterKey ?? createMasterKey();
  const config = createConfig(options.version ?? 2, options.polynomial);
  const keyFile = await createKeyFile(master, options.password, clock.now());
  const keyId = hash('sha256', keyFile);
  await storage.put(keyOf('key', keyId), keyFile);
  try {
    // The config comes last and only once: whoever loses a race to create the same repository finds `storage-exists`.
    await storage.put(configKey, new BufferSealer(master).seal(encodeConfig(config)), { ifAbsent: true });
  } catch (error) {
    if (!isError(error, 'storage-exists')) throw error;
    await storage.remove(keyOf('key', keyId)); // it opens nothing
    throw new HoldfastError('repository-exists', { location: storage.location }, error);
  }
  return new Repository(storage, config, master, keyId, clock);
}

/** Opens a repository. Throws `repository-missing`, `password-wrong`, `repository-unsupported`, `damaged`. */
export async function openRepository(storage: Storage, options: OpenOptions): Promise<Repository> {
  const location = storage.location;
  const sealedConfig = await storage.get(configKey).catch((error: unknown) => {
    throw isError(error, 'storage-missing') ? new HoldfastError('repository-missing', { location }, error) : error;
  });
  const password = typeof options.password === 'string' ? options.password : await options.password();
  const { master, keyId, json } = await findKey(storage, password, sealedConfig);
  const config = decodeConfigOf(location, json);
  const folder = options.keepIn?.(config.id);
  const kept = folder === undefined ? undefined : new KeptFolder(folder, master);
  return new Repository(options.through?.(storage, config.id) ?? storage, config, master, keyId, options.clock ?? systemClock, kept);
}

/** Whether what one has sealed is opened by the other. */
export function sharesKey(a: Repository, b: Repository): boolean {
  return sameKey(a.masterKey, b.masterKey);
}

function decodeConfigOf(location: string, json: Uint8Array): RepositoryConfig {
  let config;
  try {
    config = decodeConfig(json);
  } catch (error) {
    throw new HoldfastError('damaged', { object: `${location}/config`, reason: reasonOf(error) }, error);
  }
  const { version, id, polynomial } = config;
  if (version !== 1 && version !== 2) throw new HoldfastError('repository-unsupported', { location, version });
  return { version, id, polynomial };
}

export class Repository {
  readonly storage: Storage;
  readonly config: RepositoryConfig;
  readonly masterKey: MasterKey;
  /** The key file that this password opened. */
  readonly keyId: string;
  readonly clock: Clock;
  readonly sealer: BufferSealer;
  /** What earlier runs on this machine have worked out, where that is kept. */
  readonly kept: KeptFolder | undefined;
  #index: BlobIndex | undefined;

  constructor(storage: Storage, config: RepositoryConfig, masterKey: MasterKey, keyId: string, clock: Clock, kept?: KeptFolder) {
    this.storage = storage;
    this.config = config;
    this.masterKey = masterKey;
    this.keyId = keyId;
    this.clock = clock;
    this.kept = kept;
    this.sealer = new BufferSealer(masterKey);
  }

  /** For messages: the address without secrets. */
  get location(): string {
    return this.storage.location;
  }

  /** Every file of a type, sorted by id. */
  async listFiles(type: FileType): Promise<RepositoryFile[]> {
    const files: RepositoryFile[] = [];
    for await (const { key, size } of this.storage.list(folderOf(type))) {
      const id = idOf(key);
      if (id !== undefined) files.push({ id, size });
    }
    return files.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The ids of every file of a type, sorted. */
  listIds(type: Exclude<FileType, 'pack'>): Promise<string[]> {
    return listIds(this.storage, type);
  }

  /** The content of an index, snapshot or lock: its hash and seal verified, decompressed. Throws `damaged`, `storage-missing`. */
  async readFile(type: FileType, id: string): Promise<Buffer> {
    const key = keyOf(type, id);
    let sealed = await this.storage.get(key);
    if (hash('sha256', sealed) !== id && this.#mayReadAnew) {
      await this.storage.invalidate?.(key);
      sealed = await this.storage.get(key);
    }
    if (hash('sha256', sealed) !== id) throw this.damaged(key, 'its content is not what its name says');
    const content = this.openFile(key, sealed);
    releaseBuffer(sealed);
    return content;
  }

  /** Opens the sealed content of such a file; `key` is for messages. Throws `damaged`. */
  openFile(key: string, sealed: Uint8Array): Buffer {
    const plain = this.sealer.open(sealed);
    if (!plain) throw this.damaged(key, 'its seal does not fit');
    if (plain[0] !== compressedMark) return plain;
    try {
      const content = decompressFrame(plain.subarray(1), mostPlainBytes);
      releaseBuffer(plain);
      return content;
    } catch (error) {
      throw this.damaged(key, `it does not decompress: ${reasonOf(error)}`, error);
    }
  }

  /** Seals and stores an index, snapshot or lock. Returns its id. */
  async writeFile(type: FileType, json: Uint8Array): Promise<string> {
    const content = this.config.version === 1 ? json : compressFrame(json, Buffer.of(compressedMark));
    const sealed = this.sealer.seal(content);
    if (content !== json) releaseBuffer(content);
    const id = hash('sha256', sealed);
    await this.storage.put(keyOf(type, id), sealed);
    releaseBuffer(sealed);
    return id;
  }

  async removeFile(type: FileType, id: string): Promise<void> {
    await this.storage.remove(keyOf(type, id));
  }

  /** Every blob the repository's index files name. Loaded once; `reload` reads them anew. */
  async loadIndex(options: { reload?: boolean } = {}): Promise<BlobIndex> {
    if (this.#index && options.reload !== true) return this.#index;
    this.#index = await loadBlobIndex(this);
    return this.#index;
  }

  /** Adds what an index file says. Throws `damaged`, `storage-missing`. */
  async readIndexFile(id: string, into: BlobIndex): Promise<void> {
    const json = await this.readFile('index', id);
    try {
      readIntoIndex(into, json);
    } catch (error) {
      throw this.damaged(keyOf('index', id), reasonOf(error), error);
    }
    releaseBuffer(json);
  }

  /** Whether a pack holds trees, as far as the loaded index knows: those are read often and are small. */
  holdsTrees(pack: string): boolean {
    return this.#index?.holdsTrees(pack) ?? false;
  }

  /** Forgets the loaded index, because it is no longer what the files say. */
  dropIndex(): void {
    this.#index = undefined;
  }

  /** A blob's content, verified against its id. Another copy is tried when one is damaged. Throws `blob-missing`, `damaged`. */
  async readBlob(type: BlobType, id: string): Promise<Buffer> {
    const index = await this.loadIndex();
    const errors: Error[] = [];
    for (const entry of index.findAll(id, type)) {
      try {
        return await this.readBlobAt(id, index.place(entry));
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    throw errors[0] ?? new HoldfastError('blob-missing', { type, id });
  }

  /** The same from one known place. */
  async readBlobAt(id: string, place: BlobPlace): Promise<Buffer> {
    const key = keyOf('pack', place.pack);
    if (place.length < 32 || contentLength(place) > mostPlainBytes) throw this.damaged(key, `blob ${id} has an impossible size`);
    const range = { offset: place.offset, length: place.length };
    const sealed = await this.storage.get(key, range);
    try {
      return this.openBlob(id, place, sealed);
    } catch (error) {
      if (!this.#mayReadAnew) throw error;
      await this.storage.invalidate?.(key);
      return this.openBlob(id, place, await this.storage.get(key, range));
    }
  }

  /** What came over a network, or from a copy kept on the way, may have been spoilt there: it is asked for once more before it is called damaged. */
  get #mayReadAnew(): boolean {
    return this.storage.local === undefined;
  }

  /** Opens a blob's sealed bytes: seal, decompression and hash verified. Throws `damaged`. */
  openBlob(id: string, place: BlobPlace, sealed: Uint8Array): Buffer {
    const key = keyOf('pack', place.pack);
    let plain = this.sealer.open(sealed);
    if (!plain) throw this.damaged(key, `the seal of blob ${id} does not fit`);
    if (place.uncompressedLength > 0) {
      try {
        plain = decompressFrame(plain, place.uncompressedLength);
      } catch (error) {
        throw this.damaged(key, `blob ${id} does not decompress: ${reasonOf(error)}`, error);
      }
    }
    if (hash('sha256', plain) !== id) throw this.damaged(key, `the content of blob ${id} is not what its name says`);
    return plain;
  }

  /** A `damaged` error about one of this repository's files. */
  damaged(key: string, reason: string, cause?: unknown): HoldfastError {
    return new HoldfastError('damaged', { object: `${key} in ${this.location}`, reason }, cause);
  }

  async close(): Promise<void> {
    await this.storage.close();
  }
}
