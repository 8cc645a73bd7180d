import { stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { failedWith } from '../file-error.ts';
import { makeFolder, makeFolders } from '../make-folders.ts';
import { FolderSync } from './folder-sync.ts';

/** The folders below the root of a repository: made on demand, each known to be durable before anything in it counts as stored. */
export class Folders {
  readonly #root: string;
  readonly #syncs = new FolderSync();
  readonly #made = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes the root, with whatever is missing above it. */
  async makeRoot(): Promise<void> {
    const first = await makeFolders(this.#root);
    if (first === undefined) {
      /* A file is there, too, but is no place for a repository. */
      if (!(await stat(this.#root)).isDirectory()) throw new Error(`${this.#root} is not a folder`);
      return;
    }
    for (let folder = this.#root; ; folder = dirname(folder)) {
      await this.#syncs.sync(dirname(folder));
      if (folder === first) return;
    }
  }

  /**
   * Runs `commit`, which puts a name into `folder`, and resolves when that name is durable. The folder is made where it is missing,
   * but never the root: a disk that is not mounted must not be taken for an empty one.
   */
  async commitInto(folder: string, commit: () => Promise<void>): Promise<void> {
    await this.#make(folder);
    try {
      await commit();
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
      /* Somebody removed the folder since it was made. */
      this.#made.delete(folder);
      await this.#make(folder);
      await commit();
    }
    await this.sync(folder);
  }

  /** Resolves once everything done in the folder before this call is durable. */
  sync(folder: string): Promise<void> {
    return this.#syncs.sync(folder);
  }

  /** Once a folder and a run: a folder found there may have been made by a process that has not synced its parent yet. */
  #make(folder: string): Promise<void> {
    const known = this.#made.get(folder);
    if (known !== undefined) return known;
    const making = this.#makeBelowRoot(folder).catch((error: unknown) => {
      this.#made.delete(folder);
      throw error;
    });
    this.#made.set(folder, making);
    return making;
  }

  async #makeBelowRoot(folder: string): Promise<void> {
    if (folder === this.#root) return;
    let path = this.#root;
    for (const name of relative(this.#root, folder).split(sep)) {
      const parent = path;
      path = join(parent, name);
      await makeFolder(path);
      await this.sync(parent);
    }
  }
}
