import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, rm, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { failedWith } from '../file-error.ts';
import { throwIfInterrupted } from '../interruption.ts';
import { isSyncUnsupported } from './folder-sync.ts';

/** The folder in the root of a repository where objects are built. Its name is no key, and restic passes over it. */
const stagingName = '.holdfast-staging';

export const fileMode = 0o600;
const leftoverAge = 24 * 60 * 60 * 1000;
/* Large enough to cost few calls, small enough to stop soon. */
const writeSize = 8 * 1024 * 1024;

/** Where files are written and synced before they get their name in the repository. */
export class Staging {
  readonly #folder: string;
  readonly #clock: Clock;
  #prepared: Promise<void> | undefined;

  constructor(root: string, clock: Clock) {
    this.#folder = join(root, stagingName);
    this.#clock = clock;
  }

  /** The folder, made and freed of leftovers when first asked for. */
  async folder(): Promise<string> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    await this.#prepared;
    return this.#folder;
  }

  /** Writes a file that is whole and durable under a name of its own; returns its path. */
  async write(data: Uint8Array, signal?: AbortSignal): Promise<string> {
    const path = await this.#newPath();
    return this.#fill(path, async () => {
      const handle = await open(path, 'wx', fileMode);
      await closing(handle, async () => {
        await writeAll(handle, data, signal);
        await syncFile(handle);
      });
    });
  }

  /** As `write`, from a file that lies elsewhere. */
  async copy(source: string): Promise<string> {
    const path = await this.#newPath();
    return this.#fill(path, async () => {
      await copyFile(source, path, constants.COPYFILE_EXCL);
      const handle = await open(path, 'r+');
      await closing(handle, async () => {
        await handle.chmod(fileMode);
        await syncFile(handle);
      });
    });
  }

  async #newPath(): Promise<string> {
    return join(await this.folder(), randomUUID());
  }

  async #fill(path: string, write: () => Promise<void>): Promise<string> {
    try {
      await write();
      return path;
    } catch (error) {
      await discard(path);
      /* The folder was removed under us: the next attempt makes it again. */
      if (failedWith(error, 'ENOENT')) this.#prepared = undefined;
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { mode: 0o700 });
      return;
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) throw error;
    }
    /* A link planted here would send our writes elsewhere. */
    if (!(await lstat(this.#folder)).isDirectory()) throw new Error(`${this.#folder} is not a folder`);
    await this.#removeLeftovers();
  }

  /** What a run that died left behind. Younger files may belong to a run that is under way. */
  async #removeLeftovers(): Promise<void> {
    const oldest = this.#clock.now().getTime() - leftoverAge;
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(this.#folder, entry.name);
      try {
        if ((await lstat(path)).mtimeMs < oldest) await unlink(path);
      } catch {
        /* Another run removed it, or it is not ours to remove: no reason to refuse a backup. */
      }
    }
  }
}

/** Removes a file that failed to become an object. What cannot be removed now is a leftover, removed a day later. */
export async function discard(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}

/** Makes the content of an open file durable, where the file system knows how to. */
export async function syncFile(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!isSyncUnsupported(error)) throw error;
  }
}

/** Closes the file whatever happens; a failed close is a failed write. */
export async function closing(handle: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
  await handle.close();
}

async function writeAll(handle: FileHandle, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  for (let done = 0; done < data.length;) {
    throwIfInterrupted(signal);
    const { bytesWritten } = await handle.write(data, done, Math.min(writeSize, data.length - done));
    done += bytesWritten;
  }
}
