/** What the tests of backups share: a throw-away repository that restic and holdfast both open at once, and one call that backs up. */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HoldfastEvent } from '../../../events.ts';
import type { Capture, StreamEntry, TreeSelection } from '../../../sources/source.ts';
import { createLocalStorage } from '../../../storage/local/local-storage.ts';
import type { Storage } from '../../../storage/storage.ts';
import { backup, type BackupRequest, type BackupSummary } from '../../backup.ts';
import { openRepository, type Repository } from '../../repository.ts';
import { quickRestic, type QuickRestic } from '../../tree/testing/quick-restic.ts';

export interface BackupBench extends Disposable {
  readonly restic: QuickRestic;
  /** A temporary folder. */
  readonly folder: string;
  /** The repository's folder. */
  readonly path: string;
  /** A path in the temporary folder. */
  at(...names: string[]): string;
  open(wrap?: (storage: Storage) => Storage): Promise<Repository>;
  /** Restores the newest snapshot with restic and returns where it lies. */
  restore(): string;
}

export async function makeBench(above?: string): Promise<BackupBench> {
  const restic = await quickRestic(above);
  const path = join(restic.folder, 'repo');
  let restores = 0;
  return {
    restic,
    folder: restic.folder,
    path,
    at: (...names) => join(restic.folder, ...names),
    open: (wrap = (storage) => storage) => openRepository(wrap(createLocalStorage(path)), { password: 'x' }),
    restore() {
      const target = join(restic.folder, `restored-${++restores}`);
      mkdirSync(target);
      restic.run(['restore', 'latest', '--target', target]);
      return target;
    },
    [Symbol.dispose]: () => restic[Symbol.dispose](),
  };
}

export interface BackedUp {
  readonly summary: BackupSummary;
  readonly events: readonly HoldfastEvent[];
  /** `path: reason`. */
  readonly problems: readonly string[];
}

export type BackupOptions = Omit<BackupRequest, 'capture' | 'paths'> & {
  readonly signal?: AbortSignal;
  readonly told?: (event: HoldfastEvent) => void;
};

/** Backs up with a capture. */
async function backUp(repository: Repository, capture: Capture, paths: readonly string[], options: BackupOptions = {}): Promise<BackedUp> {
  const { signal = new AbortController().signal, told, ...request } = options;
  const events: HoldfastEvent[] = [];
  const listen = (event: HoldfastEvent): void => {
    events.push(event);
    told?.(event);
  };
  const summary = await backup(repository, { host: 'test', ...request, capture, paths }, { events: listen, signal });
  return { summary, events, problems: events.flatMap((event) => (event.type === 'problem' ? [`${event.path}: ${event.reason}`] : [])) };
}

export function backUpTree(
  repository: Repository,
  roots: readonly string[],
  select: TreeSelection = {},
  options: BackupOptions = {},
): Promise<BackedUp> {
  return backUp(repository, { shape: 'tree', roots, select }, roots, options);
}

export function backUpStreams(repository: Repository, entries: AsyncIterable<StreamEntry>, options: BackupOptions = {}): Promise<BackedUp> {
  return backUp(repository, { shape: 'streams', entries }, ['/streams'], options);
}

/** Every file below a folder, by its path relative to it. */
export function filesBelow(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    const path = join(below, name);
    return lstatSync(join(folder, path)).isDirectory() ? filesBelow(folder, path) : [path];
  });
}
