import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MasterKey } from '../crypto/master-key.ts';
import { KeptReader, writeKeptFile } from './kept-file.ts';

/* Backup programs, holdfast among them, pass over a folder with this file: bford.info/cachedir */
const tagName = 'CACHEDIR.TAG';
const tagContent =
  'Signature: 8a477f597d28d172789f06886806bc55\n# What holdfast has worked out from a repository. May be removed at any time.\n';
const draftMark = '.draft-';
const hourMs = 3_600_000;
/** A file may take this share of what is free on its disk. */
const mostOfFree = 0.1;

/**
 * A folder of this machine where a repository's immutable files are kept in the form they are worked with: the blob index, the snapshots. It only
 * saves time. Everything in it is sealed; what is missing, old or spoilt is as if it had never been there, and never an error.
 */
export class KeptFolder {
  readonly #folder: string;
  readonly #master: MasterKey;

  constructor(folder: string, master: MasterKey) {
    this.#folder = folder;
    this.#master = master;
  }

  /**
   * What `use` makes of a kept file: undefined where there is none. Where `use` throws the file is removed: whatever it was, it is of no use.
   * It must not throw for any other reason.
   */
  async read<Result>(name: string, use: (reader: KeptReader) => Promise<Result>): Promise<Result | undefined> {
    const path = join(this.#folder, name);
    const handle = await open(path, 'r').catch(() => undefined);
    if (handle === undefined) return undefined;
    try {
      return await use(await KeptReader.open(handle, this.#master, name));
    } catch {
      await rm(path, { force: true }).catch(() => {});
      return undefined;
    } finally {
      await handle.close();
    }
  }

  /** Keeps `parts`, `size` bytes in all, under a name, if that can be done. Others may keep the same at the same time: one of them stays, whole. */
  async write(name: string, size: number, parts: Iterable<Uint8Array>): Promise<void> {
    const draft = join(this.#folder, `${draftMark}${randomUUID()}`);
    try {
      await this.#prepare();
      const { bavail, bsize } = await statfs(this.#folder);
      if (size > bavail * bsize * mostOfFree) return;
      const handle = await open(draft, 'wx', 0o600);
      try {
        await writeKeptFile(handle, this.#master, name, parts);
      } finally {
        await handle.close();
      }
      await rename(draft, join(this.#folder, name));
    } catch {
      await rm(draft, { force: true }).catch(() => {});
    }
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const tag = join(this.#folder, tagName);
    await writeFile(tag, tagContent, { mode: 0o600 });
    await this.#removeLeftovers((await stat(tag)).mtimeMs - hourMs);
  }

  /** Drafts of runs that died. */
  async #removeLeftovers(before: number): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith(draftMark)) continue;
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined); // renamed meanwhile
      if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true });
    }
  }
}
