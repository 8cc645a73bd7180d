import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that lie in a folder, counted once and kept up to date by whoever writes and removes. */
export class UsedSpace {
  readonly #limit: number;
  #used = 0;

  private constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts what is there. Throws what the file system throws. */
  static async measure(folder: string, limit: number): Promise<UsedSpace> {
    const space = new UsedSpace(limit);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      // What vanishes meanwhile takes nothing.
      const info = await stat(join(entry.parentPath, entry.name)).catch(() => {});
      space.#used += info?.size ?? 0;
    }
    return space;
  }

  /** Takes so many bytes if they fit. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#used = Math.max(0, this.#used - bytes);
  }
}
