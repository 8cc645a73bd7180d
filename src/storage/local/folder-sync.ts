import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { failedWith } from '../file-error.ts';

interface FolderQueue {
  running: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Makes the names in folders durable. Calls for one folder share their fsync: whoever calls while one is under way waits for the next,
 * which begins after the call. So every call resolves after an fsync that began after it, and a thousand calls cost a few.
 */
export class FolderSync {
  readonly #queues = new Map<string, FolderQueue>();
  readonly #sync: (folder: string) => Promise<void>;

  /** @param sync one fsync of a folder, on this machine unless said otherwise */
  constructor(sync: (folder: string) => Promise<void> = syncFolder) {
    this.#sync = sync;
  }

  /** Resolves once everything done in the folder before this call survives a power cut. Throws what the system call throws. */
  sync(folder: string): Promise<void> {
    const queue = this.#queues.get(folder);
    if (queue === undefined) return this.#start(folder);
    queue.next ??= queue.running.then(
      () => this.#start(folder),
      () => this.#start(folder),
    );
    return queue.next;
  }

  #start(folder: string): Promise<void> {
    const queue: FolderQueue = { running: this.#sync(folder), next: undefined };
    this.#queues.set(folder, queue);
    /* Runs before the `next` above begins, which was queued later: a queue with a successor stays until that one replaces it. */
    const settle = (): void => {
      if (queue.next === undefined) this.#queues.delete(folder);
    };
    queue.running.then(settle, settle);
    return queue.running;
  }
}

async function syncFolder(folder: string): Promise<void> {
  /* Windows cannot open a folder, and journals names by itself. */
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (!isSyncUnsupported(error)) throw error;
  } finally {
    await handle.close();
  }
}

/** Some network file systems know no fsync: they write through, or there is nothing that could be done. */
export function isSyncUnsupported(error: unknown): boolean {
  return failedWith(error, 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS');
}
