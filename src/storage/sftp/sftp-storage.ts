import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { systemClock, type Clock } from '../../util/clock.ts';
import { resolveRange } from '../byte-range.ts';
import type { StorageAction } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { assertKey, assertPrefix } from '../object-key.ts';
import { measureSourceFile, removeSourceFile } from '../source-file.ts';
import { refusal, type SftpAddress } from '../storage-address.ts';
import { defaultConnections, type StorageOptions } from '../storage-options.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';
import { connectSftp, defaultLimits, type SftpLimits } from './connect-sftp.ts';
import { publishIfAbsent, publishOver } from './publish-file.ts';
import { answered, sftpStatus, type SftpConnection } from './sftp-connection.ts';
import { toSftpError } from './sftp-errors.ts';
import {
  closeFile,
  openFile,
  readFreeSpace,
  statOpen,
  statPath,
  syncFile,
  unlink,
  type Extension,
  type MissingExtensions,
} from './sftp-files.ts';
import { SftpFolders } from './sftp-folders.ts';
import { listFolders } from './sftp-list.ts';
import { SftpPool } from './sftp-pool.ts';
import { readSftpSettings } from './sftp-settings.ts';
import { readBytes, writeBytes, writeFile } from './sftp-transfer.ts';

/* More would not be faster: what takes the time is this process. */
const mostConnections = 4;
const leftoverAge = 24 * 60 * 60 * 1000;
/* A file system that has less left is full to whoever writes packs. */
const leastSpace = 1024 * 1024;
/* How long what was interrupted may take to tidy up before connections are closed. */
const tidyTime = 2000;
/* Its name is no key, and restic passes over it. */
const draftForm = /^\.holdfast-[0-9a-f-]{36}(-link)?\.tmp$/;

/** For tests. */
export interface SftpInternals {
  readonly clock?: Clock;
  readonly limits?: SftpLimits;
}

/**
 * A repository in a folder of a server, by SFTP, laid out as restic does. Each object is written under a name of its own beside its place, synced, and
 * renamed. Nothing is touched until the first call.
 * @throws `storage-url`, `storage-setup`
 */
export async function createSftpStorage(
  address: SftpAddress,
  options: StorageOptions = {},
  internals: SftpInternals = {},
): Promise<Storage> {
  const settings = readSftpSettings(address, options.environment ?? process.env);
  if (options.storageClass !== undefined) throw refusal(settings.location, 'an SFTP server has no storage classes');
  if (options.lock !== undefined) throw refusal(settings.location, 'an SFTP server cannot lock what lies in it');
  if (options.asOf !== undefined) throw refusal(settings.location, 'an SFTP server keeps no earlier versions');
  const operations = options.connections ?? defaultConnections;
  const pool = new SftpPool(
    () => connectSftp(settings, internals.limits ?? defaultLimits),
    Math.min(mostConnections, operations),
    operations,
  );
  return new SftpStorage({ location: settings.location, root: settings.root, pool, clock: internals.clock ?? systemClock });
}

interface SftpPlace {
  readonly location: string;
  readonly root: string;
  readonly pool: SftpPool;
  readonly clock: Clock;
}

class SftpStorage implements Storage {
  readonly location: string;
  readonly #place: SftpPlace;
  readonly #missing: MissingExtensions = new Set();
  readonly #tried = new Set<Extension>();
  readonly #folders: SftpFolders;
  readonly #running = new Set<Promise<unknown>>();

  constructor(place: SftpPlace) {
    this.location = place.location;
    this.#place = place;
    this.#folders = new SftpFolders(place.root, this.#missing, (work) => place.pool.assist(work));
  }

  create(): Promise<void> {
    return this.#run('create', 'the folder', undefined, (connection) => this.#folders.makeRoot(connection));
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    assertKey(key, this.location);
    return this.#run('read', key, signal, async (connection) => {
      const handle = await openFile(connection, this.#path(key), 'r');
      try {
        const info = await statOpen(connection, handle);
        if (info.isDirectory()) throw new HoldfastError('storage-missing', { key, location: this.location });
        const wanted = resolveRange(range, info.size, key, this.location);
        const data = await readBytes(connection, handle, wanted, signal);
        if (data.length === wanted.length) return data;
        throw new HoldfastError('storage-short', { key, location: this.location, wanted: wanted.length, got: data.length });
      } finally {
        void closeFile(connection, handle).catch(() => {});
      }
    });
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    await this.#store(key, options, (connection, handle) => writeBytes(connection, handle, data, 0, options.signal));
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    assertKey(key, this.location);
    throwIfInterrupted(options.signal);
    const source = { path, key, location: this.location };
    await measureSourceFile(source);
    await this.#store(key, options, (connection, handle) => writeFile(connection, handle, path, options.signal));
    await removeSourceFile(source);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    assertKey(key, this.location);
    const info = await this.#run('read', key, undefined, (connection) => statPath(connection, this.#path(key)));
    return info?.isFile() === true ? { key, size: info.size } : undefined;
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix, this.location);
    const oldest = (this.#place.clock.now().getTime() - leftoverAge) / 1000;
    yield* listFolders((work) => this.#run('list', prefix === '' ? 'the objects' : prefix, signal, work), prefix, {
      root: this.#place.root,
      ...(signal === undefined ? {} : { signal }),
      isDraft: (name) => draftForm.test(name),
      onDraft: (path, modified) => {
        if (modified < oldest) this.#removeLeftover(path);
      },
    });
  }

  async remove(key: string): Promise<void> {
    assertKey(key, this.location);
    await this.#run('remove', key, undefined, async (connection) => {
      const path = this.#path(key);
      try {
        await unlink(connection, path);
      } catch (error) {
        if (!answered(error, sftpStatus.noSuchFile) && (await statPath(connection, path))?.isDirectory() !== true) throw error;
      }
      // Also when it was gone: an earlier attempt may have removed it and broken off.
      await this.#folders.sync(posix.dirname(path)).catch((error: unknown) => {
        if (!answered(error, sftpStatus.noSuchFile)) throw error;
      });
    });
  }

  async close(): Promise<void> {
    const patience = new Promise((resolve) => setTimeout(resolve, tidyTime).unref());
    await Promise.race([Promise.allSettled(this.#running), patience]);
    await this.#place.pool.close();
  }

  #path(key: string): string {
    return posix.join(this.#place.root, key);
  }

  async #store(key: string, options: PutOptions, fill: (connection: SftpConnection, handle: Buffer) => Promise<void>): Promise<void> {
    await this.#run('write', key, options.signal, async (connection) => {
      const target = this.#path(key);
      const folder = posix.dirname(target);
      const draft = posix.join(folder, `.holdfast-${randomUUID()}.tmp`);
      const handle = await this.#folders.within(connection, folder, () => openFile(connection, draft, 'wx'));
      try {
        try {
          await fill(connection, handle);
          await syncFile(connection, this.#missing, handle);
        } finally {
          await closeFile(connection, handle);
        }
        throwIfInterrupted(options.signal);
        const drafted = { connection, missing: this.#missing, tried: this.#tried, draft, target };
        if (options.ifAbsent === true) await publishIfAbsent(drafted, { key, location: this.location });
        else await publishOver(drafted);
      } catch (error) {
        const full = await this.#explainFailure(connection, folder, error, key);
        await unlink(connection, draft).catch(() => {});
        // Who finds the key taken may rely on it: the other run may not have synced it yet.
        if (error instanceof HoldfastError && error.code === 'storage-exists') await this.#folders.sync(folder);
        throw full ?? error;
      }
      await this.#folders.sync(folder);
    });
  }

  /** The protocol has no word for a full disk: the server is asked how much is left. */
  async #explainFailure(connection: SftpConnection, folder: string, error: unknown, key: string): Promise<HoldfastError | undefined> {
    if (!answered(error, sftpStatus.failure)) return undefined;
    const space = await readFreeSpace(connection, folder);
    if (space?.isReadOnly === true) return new HoldfastError('storage-denied', { action: 'write', key, location: this.location }, error);
    return space !== undefined && space.bytes < leastSpace
      ? new HoldfastError('storage-full', { location: this.location }, error)
      : undefined;
  }

  #removeLeftover(path: string): void {
    // Another run may have removed it, or it is not ours to remove: no reason to refuse a listing.
    void this.#run('remove', 'a leftover', undefined, (connection) => unlink(connection, path)).catch(() => {});
  }

  /** Runs an operation on a connection. A signal ends the call at once; what was under way tidies up behind it. */
  async #run<Result>(
    action: StorageAction,
    key: string,
    signal: AbortSignal | undefined,
    work: (connection: SftpConnection) => Promise<Result>,
  ): Promise<Result> {
    throwIfInterrupted(signal);
    const operation = this.#place.pool.use((connection) => {
      throwIfInterrupted(signal);
      return work(connection);
    });
    this.#running.add(operation);
    const forget = (): void => void this.#running.delete(operation);
    operation.then(forget, forget);
    try {
      return await untilInterrupted(operation, signal);
    } catch (error) {
      throw toSftpError(error, { action, key, location: this.location });
    }
  }
}

async function untilInterrupted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  let stop = (): void => {};
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => {
      try {
        throwIfInterrupted(signal);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
