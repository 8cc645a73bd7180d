import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { failedWith } from '../file-error.ts';
import { makeFolders } from '../make-folders.ts';
import { assertKey } from '../object-key.ts';
import type { ByteRange } from '../storage.ts';
import { cacheFooter, largestCachedObject, readCacheFile } from './cache-file.ts';

/* Backup programs, holdfast among them, pass over a folder with this file: bford.info/cachedir */
const tagName = 'CACHEDIR.TAG';
const tagContent =
  'Signature: 8a477f597d28d172789f06886806bc55\n# Copies of small repository objects, kept by holdfast. May be removed at any time.\n';

interface CachedFile {
  readonly path: string;
  readonly size: number;
  readonly storedAt: number;
}

export interface CacheFolderOptions {
  readonly folder: string;
  readonly maximumBytes: number;
  /** Told once when the folder cannot be used: the work goes on without it. */
  readonly onProblem: (reason: string) => void;
}

/**
 * Where the cache of a repository belongs: `$XDG_CACHE_HOME/holdfast/ID`, else `~/.cache/holdfast/ID`.
 * @param repositoryId the id from the repository's `config`
 * @throws `storage-key` for an id that is no name of a folder
 */
export function cacheFolderOf(repositoryId: string, environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment['XDG_CACHE_HOME'];
  const base = named !== undefined && isAbsolute(named) ? named : join(homedir(), '.cache');
  assertKey(repositoryId, base);
  return join(base, 'holdfast', repositoryId);
}

/** Files of cached objects under their keys. Never throws: what cannot be read is not there, what cannot be written is not kept. */
export class CacheFolder {
  readonly #options: CacheFolderOptions;
  #prepared: Promise<void> | undefined;
  /** Bytes in the folder, as far as this process knows: other processes are seen at each eviction. */
  #total = 0;
  #evicting: Promise<void> | undefined;
  #complained = false;

  constructor(options: CacheFolderOptions) {
    this.#options = options;
  }

  /** The bytes, or undefined where they are not cached or the file is damaged; a damaged file is removed. */
  async read(key: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
    try {
      const handle = await open(this.#path(key), 'r');
      try {
        const data = await readCacheFile(handle, key, range);
        if (data !== undefined) return data;
      } finally {
        await handle.close();
      }
      await this.remove(key);
    } catch (error) {
      if (!failedWith(error, 'ENOENT', 'ENOTDIR')) this.#complain(error);
    }
    return undefined;
  }

  /** Keeps an object. The file appears whole or not at all; others may write the same one at the same time. */
  async write(key: string, data: Uint8Array): Promise<void> {
    if (data.length > Math.min(largestCachedObject, this.#options.maximumBytes)) return;
    const draft = join(this.#options.folder, `.draft-${randomUUID()}`);
    try {
      await this.#prepare();
      await writeDraft(draft, [data, cacheFooter(key, data)]);
      const path = this.#path(key);
      await makeFolders(dirname(path));
      await rename(draft, path);
      this.#total += data.length;
      if (this.#total > this.#options.maximumBytes) await this.#evict();
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      this.#complain(error);
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true }).catch((error: unknown) => this.#complain(error));
  }

  #path(key: string): string {
    assertKey(key, this.#options.folder);
    return join(this.#options.folder, key);
  }

  #prepare(): Promise<void> {
    this.#prepared ??= (async () => {
      await makeFolders(this.#options.folder);
      await writeFile(join(this.#options.folder, tagName), tagContent, { mode: 0o600 });
      this.#total = sumOf(await findFiles(this.#options.folder));
    })();
    return this.#prepared;
  }

  /** Removes the oldest until a tenth is free. One pass at a time. */
  #evict(): Promise<void> {
    this.#evicting ??= (async () => {
      try {
        const files = await findFiles(this.#options.folder);
        files.sort((a, b) => a.storedAt - b.storedAt);
        let total = sumOf(files);
        for (const file of files) {
          if (total <= this.#options.maximumBytes * 0.9) break;
          await rm(file.path, { force: true });
          total -= file.size;
        }
        this.#total = total;
      } finally {
        this.#evicting = undefined;
      }
    })();
    return this.#evicting;
  }

  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#options.onProblem(`the cache in ${this.#options.folder} cannot be used: ${reasonOf(error)}`);
  }
}

async function writeDraft(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    for (const part of parts) await handle.writeFile(part);
  } finally {
    await handle.close();
  }
}

/** Every file in the folder but the tag: also drafts, so that those of a process that died are evicted in their turn. */
async function findFiles(folder: string): Promise<CachedFile[]> {
  const files: CachedFile[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === tagName) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      const info = await stat(path);
      files.push({ path, size: info.size, storedAt: info.mtimeMs });
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
    }
  }
  return files;
}

function sumOf(files: readonly CachedFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
