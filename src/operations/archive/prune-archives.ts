/** Retention of archives: their names tell when they are of. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted, type RunContext } from '../../engine/run-context.ts';
import { isError } from '../../errors.ts';
import { planRetention, type RetentionPlan, type RetentionPolicy } from '../../policy/retention.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { parseStorageAddress } from '../../storage/storage-address.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import type { Storage } from '../../storage/storage.ts';
import { createRetryStorage } from '../../storage/wrap/retry-storage.ts';
import { sumsFile, timeOfArchive } from './archive-names.ts';

export interface PruneArchivesRequest {
  /** A folder or an address. */
  readonly to: string;
  /** What their names begin with. */
  readonly prefix: string;
  readonly keep: RetentionPolicy;
  readonly environment: StorageEnvironment;
  readonly now: Date;
  readonly dryRun: boolean;
}

export interface PruneArchivesReport extends RetentionPlan {
  /** Those of `remove` that are locked still: they go another time. */
  readonly waiting: readonly string[];
}

/** Where archives lie, by their names. */
interface ArchiveShelf {
  /** Whole ones. */
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Removes what the policy does not keep, never the newest. What is not whole is left alone. Throws `usage` for a policy that keeps none, and the place's errors. */
export async function pruneArchives(request: PruneArchivesRequest, { events, signal }: RunContext): Promise<PruneArchivesReport> {
  const shelf = await openShelf(request);
  try {
    const dated = (await shelf.list()).flatMap((name) => {
      const time = timeOfArchive(request.prefix, stemOf(name));
      return time === undefined ? [] : [{ id: name, time }];
    });
    const plan = planRetention(dated, request.keep, request.now);
    const waiting: string[] = [];
    for (const name of request.dryRun ? [] : plan.remove) {
      throwIfAborted(signal);
      try {
        await shelf.remove(name);
      } catch (error) {
        if (!isError(error, 'storage-locked')) throw error;
        waiting.push(name);
        events({ type: 'notice', message: `${name} stays for now: ${error.message}` });
      }
    }
    return { ...plan, waiting };
  } finally {
    await shelf.close();
  }
}

/** Its name without the endings of a single file. */
function stemOf(name: string): string {
  return name.replace(/\.tar(\.gz|\.zst)?(\.gpg|\.age)?$/, '');
}

async function openShelf({ to, environment }: PruneArchivesRequest): Promise<ArchiveShelf> {
  const address = parseStorageAddress(to);
  if (address.scheme === 'local') return openFolder(address.path);
  return openPlace(createRetryStorage(await openStorage(to, { environment })));
}

function openFolder(path: string): ArchiveShelf {
  return {
    list: async () => {
      if (!existsSync(path)) return [];
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .filter((entry) => (entry.isDirectory() ? existsSync(join(path, entry.name, sumsFile)) : entry.name.includes('.tar')))
        .map(({ name }) => name);
    },
    remove: async (name) => {
      // Out of sight first: half an archive is never seen.
      const aside = join(path, `.holdfast-archive-${randomBytes(6).toString('hex')}`);
      await rename(join(path, name), aside);
      await rm(aside, { recursive: true, force: true });
    },
    close: () => Promise.resolve(),
  };
}

function openPlace(storage: Storage): ArchiveShelf {
  const keysOf = new Map<string, string[]>();
  return {
    list: async () => {
      for await (const { key } of storage.list('')) {
        const [name = ''] = key.split('/', 1);
        const keys = keysOf.get(name) ?? [];
        keys.push(key);
        keysOf.set(name, keys);
      }
      return [...keysOf].filter(([name, keys]) => keys.includes(name) || keys.includes(`${name}/${sumsFile}`)).map(([name]) => name);
    },
    remove: async (name) => {
      const keys = keysOf.get(name) ?? [];
      const sums = `${name}/${sumsFile}`;
      // What says that it is whole goes first.
      for (const key of keys.toSorted((a, b) => Number(b === sums) - Number(a === sums))) await storage.remove(key);
    },
    close: () => storage.close(),
  };
}
