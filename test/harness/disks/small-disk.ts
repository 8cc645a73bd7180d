/** A disk that is soon full: a tmpfs of its own. Needs root. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(folder: string, megabytes: number) {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    this.folder = folder;
  }

  grow(megabytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${megabytes}m`, this.folder]);
  }

  /** Takes every byte that is left. */
  fill(): void {
    const file = openSync(join(this.folder, 'filler'), 'a');
    const page = Buffer.alloc(4096);
    try {
      for (;;) writeSync(file, page);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  relieve(): void {
    rmSync(join(this.folder, 'filler'), { force: true });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.folder]);
  }
}
