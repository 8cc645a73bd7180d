import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { startOwnRestServer } from '../../../test/harness/stores/own-rest-server.ts';
import { startRcloneRest } from '../../../test/harness/stores/rclone.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { storageContract } from '../testing/contract.ts';
import { createRestStorage } from './rest-storage.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-rest-'));
const ours = await startOwnRestServer({ folder });
const rclone = await startRcloneRest();
afterAll(async () => {
  await ours.stop();
  await rclone.stop();
  await rm(folder, { recursive: true, force: true });
});

/**
 * The protocol has its own files, by their hashes, and takes no others: the contract is run on what we keep below `holdfast/`, whose names are free.
 * The keys of the contract become such names, and back.
 */
function belowHoldfast(inner: Storage): Storage {
  const prefix = 'holdfast/';
  return {
    location: inner.location,
    create: () => inner.create(),
    get: async (key, range, signal) => inner.get(toKey(key), range, signal),
    put: async (key, data, options) => inner.put(toKey(key), data, options),
    putFile: async (key, path, options) => inner.putFile(toKey(key), path, options),
    stat: async (key) => {
      const info = await inner.stat(toKey(key));
      return info === undefined ? undefined : { key, size: info.size };
    },
    async *list(below, signal) {
      for await (const { key, size } of inner.list(below === '' ? prefix : toKey(below), signal))
        yield { key: key.slice(prefix.length), size };
    },
    remove: async (key) => inner.remove(toKey(key)),
    close: () => inner.close(),
  };

  // What is no key must not become one.
  function toKey(key: string): string {
    return /^[a-z0-9]/.test(key) ? `${prefix}${key}` : key;
  }
}

async function open(port: number): Promise<Storage> {
  return createRestStorage({ scheme: 'rest', url: `http://127.0.0.1:${port}/${randomUUID()}/` }, { environment: {} });
}

storageContract('holdfast serve rest', async () => ({ storage: belowHoldfast(await open(ours.port)), cleanup: async () => {} }));

/* It breaks off reading what is replaced meanwhile, and so it is read again, as every command does. */
storageContract(
  'rclone serve restic',
  async () => ({ storage: createRetryStorage(belowHoldfast(await open(rclone.port)), { firstDelay: 20 }), cleanup: async () => {} }),
  { exclusive: false },
);
