/** What each snapshot of a repository must hold, remembered while it was made, and whether a restore brings exactly that. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { digestOf } from './small-tree.ts';

export class KnownPoints {
  readonly #digests = new Map<string, string>();
  /** The folder that is backed up. */
  readonly tree: string;

  constructor(tree: string) {
    this.tree = tree;
  }

  get ids(): string[] {
    return [...this.#digests.keys()];
  }

  /** Whatever snapshots are there now and were not before hold the folder as it is now. Throws where one that was known is gone. */
  async learn(repository: string): Promise<void> {
    const now = await idsIn(repository);
    const lost = this.ids.filter((id) => !now.includes(id));
    if (lost.length > 0) throw new Error(`snapshots are gone: ${lost.join(', ')}`);
    const digest = digestOf(this.tree);
    for (const id of now) if (!this.#digests.has(id)) this.#digests.set(id, digest);
  }

  /** Whether a folder of this digest is what the snapshot holds. */
  matches(id: string, digest: string): boolean {
    return this.#digests.get(id) === digest;
  }

  /** Restores a snapshot and compares. `original` is its name where it was copied from. Throws where anything differs. */
  async verify(repository: string, id: string, original = id): Promise<void> {
    const target = `${repository}.restored`;
    rmSync(target, { recursive: true, force: true });
    const opened = await openQuickRepository(repository);
    try {
      const summary = await restoreSnapshot(opened, id, { target });
      if (summary.problems > 0) throw new Error(`${summary.problems} problems restoring ${id}`);
    } finally {
      await opened.close();
    }
    if (!this.matches(original, digestOf(join(target, this.tree)))) throw new Error(`snapshot ${id} came back different`);
    rmSync(target, { recursive: true, force: true });
  }
}

/** Full ids of all snapshots. */
export async function idsIn(repository: string): Promise<string[]> {
  const opened = await openQuickRepository(repository);
  try {
    return (await opened.listFiles('snapshot')).map(({ id }) => id);
  } finally {
    await opened.close();
  }
}
