/** A small repository made by restic, with snapshots that share much, for tests of what reads and changes whole repositories. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ignoreEvents, type HoldfastEvent } from '../../../events.ts';
import { createLocalStorage } from '../../../storage/local/local-storage.ts';
import type { Storage } from '../../../storage/storage.ts';
import { initRepository, openRepository, type InitOptions, type Repository } from '../../repository.ts';
import type { RunContext } from '../../run-context.ts';
import { quickRestic, type QuickRestic } from '../../tree/testing/quick-restic.ts';

/** Its repository opens with this password, at once. */
export const samplePassword = 'x';

export interface SampleRepository extends Disposable {
  readonly restic: QuickRestic;
  readonly folder: string;
  /** The repository's folder. */
  readonly path: string;
  /** A copy of the repository as it is now, beside it. */
  copy(name: string): string;
  /** Runs restic on a copy. Throws with its stderr when it fails. */
  judge(path: string, ...args: string[]): string;
}

/**
 * Three snapshots of a folder `data`: the second changes, adds and removes files; the third has only what the first had not.
 * `write` may make other files before each.
 */
export async function makeSampleRepository(snapshots = 3): Promise<SampleRepository> {
  const restic = await quickRestic();
  const data = join(restic.folder, 'data');
  mkdirSync(join(data, 'sub', 'deep'), { recursive: true });
  writeFileSync(join(data, 'constant.txt'), 'always the same\n');
  writeFileSync(join(data, 'sub', 'random.bin'), randomBytes(900_000));
  writeFileSync(join(data, 'sub', 'deep', 'text.txt'), 'one line of text\n'.repeat(5000));
  for (let round = 1; round <= snapshots; round++) {
    writeFileSync(join(data, 'changing.bin'), randomBytes(700_000));
    writeFileSync(join(data, `only-${round}.bin`), randomBytes(300_000));
    if (round > 1) rmSync(join(data, `only-${round - 1}.bin`));
    restic.run([
      'backup',
      '--host',
      'web1',
      '--time',
      `2026-11-${19 + round} 14:30:00`,
      '--tag',
      `round-${round},component:uploads`,
      'data',
    ]);
  }
  return {
    restic,
    folder: restic.folder,
    path: join(restic.folder, 'repo'),
    copy(name) {
      const target = join(restic.folder, name);
      cpSync(join(restic.folder, 'repo'), target, { recursive: true });
      return target;
    },
    judge: (path, ...args) => restic.run(['-r', path, ...args]).toString(),
    [Symbol.dispose]: () => restic[Symbol.dispose](),
  };
}

/** Opens a repository folder, with its storage wrapped where the test needs that. */
export function openSample(path: string, wrap: (storage: Storage) => Storage = (storage) => storage): Promise<Repository> {
  return openRepository(wrap(createLocalStorage(path)), { password: samplePassword });
}

/** An empty repository beside the sample's, which cuts files as `source` does: its blobs are the same then. */
export function initBeside(
  { folder }: SampleRepository,
  source: Repository,
  name: string,
  options: Pick<InitOptions, 'version' | 'masterKey'> = {},
): Promise<Repository> {
  const { polynomial } = source.config;
  return initRepository(createLocalStorage(join(folder, name)), { password: samplePassword, polynomial, ...options });
}

export function quietContext(): RunContext {
  return { events: ignoreEvents, signal: new AbortController().signal };
}

/** A context that keeps what it is told. */
export function listeningContext(): RunContext & { readonly heard: HoldfastEvent[] } {
  const heard: HoldfastEvent[] = [];
  return { heard, events: (event) => void heard.push(event), signal: new AbortController().signal };
}
