import { constants } from 'node:fs';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemClock, type Clock } from '../../util/clock.ts';
import { failedWith, toStorageError, type StorageAction } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import type { ByteRange, LocalAccess, ObjectInfo, PutOptions, Storage } from '../storage.ts';
import { Folders } from './folders.ts';
import { linkIfAbsent } from './link-if-absent.ts';
import { listFolder } from './list-folder.ts';
import { readFileRange } from './read-file.ts';
import { closing, discard, fileMode, Staging, syncFile } from './staging.ts';

export interface LocalStorageOptions {
  /** Tells which leftovers are old. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * A repository in a folder of this machine: each object is a file, written aside, synced, and renamed into place.
 * Nothing is touched until `create` or the first call; files get mode 0600, folders 0700.
 * @param path the folder; a relative one is resolved now
 */
export function createLocalStorage(path: string, options: LocalStorageOptions = {}): Storage {
  return new LocalStorage(resolve(path), options.clock ?? systemClock);
}

class LocalStorage implements Storage {
  readonly location: string;
  readonly local: LocalAccess;
  readonly #folders: Folders;
  readonly #staging: Staging;
  /* Files whose fsync failed. A second fsync would succeed though the data is lost, so a retry must not be given one. */
  readonly #spoiled = new Set<string>();

  constructor(root: string, clock: Clock) {
    this.location = root;
    this.#folders = new Folders(root);
    this.#staging = new Staging(root, clock);
    this.local = {
      path: (key) => this.#path(key),
      stagingFolder: () => this.#attempt('create', 'the staging folder', () => this.#staging.folder()),
    };
  }

  create(): Promise<void> {
    return this.#attempt('create', 'the folder', () => this.#folders.makeRoot());
  }

  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#attempt('read', key, () => readFileRange({ path: this.#path(key), key, location: this.location }, range, signal));
  }

  put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    return this.#attempt('write', key, async () => {
      const target = this.#path(key);
      throwIfInterrupted(options.signal);
      await this.#commitDraft(await this.#staging.write(data, options.signal), target, options);
    });
  }

  putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    return this.#attempt('write', key, async () => {
      const target = this.#path(key);
      throwIfInterrupted(options.signal);
      const hasOtherName = await this.#finish(path);
      try {
        await this.#commit(path, target, options);
      } catch (error) {
        if (!failedWith(error, 'EXDEV')) throw error;
        await this.#commitDraft(await this.#staging.copy(path), target, options);
        await unlink(path);
        return;
      }
      /* A rename between two names of one file leaves both. */
      if (hasOtherName) await discard(path);
    });
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#attempt('read', key, async () => {
      try {
        const info = await stat(this.#path(key));
        return info.isFile() ? { key, size: info.size } : undefined;
      } catch (error) {
        if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    try {
      yield* listFolder(this.location, prefix, signal);
    } catch (error) {
      throw toStorageError(error, { action: 'list', key: prefix === '' ? 'the objects' : prefix, location: this.location });
    }
  }

  remove(key: string): Promise<void> {
    return this.#attempt('remove', key, async () => {
      const path = this.#path(key);
      await ignoring(unlink(path), 'ENOENT', 'ENOTDIR', 'EISDIR');
      /* Also when it was gone: an earlier attempt may have removed it and failed to sync. */
      await ignoring(this.#folders.sync(dirname(path)), 'ENOENT', 'ENOTDIR');
    });
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    assertKey(key, this.location);
    return join(this.location, key);
  }

  async #attempt<T>(action: StorageAction, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStorageError(error, { action, key, location: this.location });
    }
  }

  /** Makes a given file durable and private. Returns whether it has a second name. */
  async #finish(path: string): Promise<boolean> {
    if (this.#spoiled.has(path)) throw new Error(`${path} could not be synced to disk`);
    const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    let names = 1;
    await closing(handle, async () => {
      const info = await handle.stat();
      if (!info.isFile()) throw new Error(`${path} is not a regular file`);
      if ((info.mode & 0o777) !== fileMode) await handle.chmod(fileMode);
      names = info.nlink;
      try {
        await syncFile(handle);
      } catch (error) {
        this.#spoiled.add(path);
        throw error;
      }
    });
    return names > 1;
  }

  async #commitDraft(draft: string, target: string, options: PutOptions): Promise<void> {
    try {
      await this.#commit(draft, target, options);
    } catch (error) {
      await discard(draft);
      throw error;
    }
  }

  /** Gives a finished file its name, durably. */
  async #commit(draft: string, target: string, options: PutOptions): Promise<void> {
    throwIfInterrupted(options.signal);
    const folder = dirname(target);
    if (!options.ifAbsent) return this.#folders.commitInto(folder, () => rename(draft, target));
    try {
      const staging = await this.#staging.folder();
      await this.#folders.commitInto(folder, () => linkIfAbsent(draft, target, staging));
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) throw error;
      /* Who finds the key taken may rely on it: the other run may not have synced it yet. */
      await this.#folders.sync(folder);
      throw error;
    }
    await discard(draft);
    return undefined;
  }
}

async function ignoring(call: Promise<void>, ...codes: readonly string[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!failedWith(error, ...codes)) throw error;
  }
}
